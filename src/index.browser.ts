/** Cortado in a browser: targets `wasm` and `ts`, texts and bytes instead of files. See docs/BROWSER.md. */

export {
  CortadoError,
  type Diagnostic,
  InternalError,
  type SourceText,
  type Span,
} from "../proto/errors/index.js";
export type { ImageSize } from "../runtime/data/image-size.js";
export {
  createImageTransform,
  type ImageBatch,
  type ImageTransformOptions,
} from "../runtime/data/image-transformer.js";
export type { DecodedImage } from "../runtime/data/images/pixels.js";
export type { Mean } from "../runtime/data/mean-image.js";
export type {
  Blobs,
  Gradients,
  LayerInfo,
  LayerRange,
  NetParam,
  Param,
  ParamInfo,
} from "../runtime/net-types.js";
export { type RankedClass, topK } from "../runtime/top-k.js";
export {
  encodeWeights,
  formatMatchReport,
  type MatchReport,
  readWeights,
  type WeightBlob,
  type WeightSet,
} from "../runtime/weights/index.js";
export {
  checkGradients,
  type GradientCheckOptions,
  type GradientFailure,
  type GradientReport,
} from "./check-gradients.js";
export {
  type BlobDifference,
  type CompareOptions,
  compareNets,
  type NetComparison,
} from "./compare-nets.js";
export { createSolver, type Solver } from "./create-solver.js";
export { formatDiagnostics, formatEvent, formatGradientReport, formatNet, formatPlan } from "./formats.js";
export {
  type Domain,
  type Draw,
  type ElementwiseRecord,
  extras,
  type LayerContext,
  type LayerRecord,
  type LayerType,
  type OwnElementwiseRecord,
  type OwnLayerRecord,
  type Settings,
  type Values,
} from "./layers/index.js";
export { awayFrom, defineLayer, elementwise, knownLayerTypes } from "./layers/own-types.js";
export { compile } from "./net/compile.js";
export type { CompileOptions } from "./net/compile-options.js";
export type { CompiledNet, TrainingNet } from "./net/compiled-net.js";
export { collectWeights, loadWeights, type WeightReport } from "./net/load-weights.js";
export { type ParseOptions, parseNet, parseSolver } from "./net/parse-net.js";
export type { NetDef, SolverDef } from "./net-text/index.js";
export type * from "./public-types.js";
export * as scalar from "./scalar-language.js";

/** Cortado: compiles Caffe networks to forward and backward functions. See docs/ARCHITECTURE.md. */

export {
  CortadoError,
  type Diagnostic,
  InternalError,
  type SourceText,
  type Span,
} from "../proto/errors/index.js";
export type { ManifestFile } from "../runtime/artefact/manifest.js";
export {
  type ColorMode,
  type ConvertedDatabase,
  type ConvertImagesOptions,
  type ConvertOptions,
  type ConvertProgress,
  type ConvertRecordsOptions,
  computeMean,
  convertCifar10,
  convertImages,
  convertMnist,
  convertRecords,
  createImageTransform,
  type Dataset,
  type DatasetOptions,
  type DecodedImage,
  type ImageBatch,
  type ImageSize,
  type ImageTransformOptions,
  type Mean,
  type MeanImage,
  type MeanOptions,
  openDataset,
  type PlainRecord,
  readImage,
  readMean,
} from "../runtime/data/index.js";
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
  writeWeights,
} from "../runtime/weights/index.js";
export { type BuildOptions, type BuildReport, buildNet, type NamedBlob } from "./build-net.js";
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
export {
  type ExportedBlob,
  type ExportOptions,
  exportOnnx,
  type Int8Layer,
  type Int8Options,
  type Int8Output,
  type Int8Progress,
  type Int8Report,
  type OnnxFacts,
  type OnnxReport,
  type ValueRange,
  type WriteOnnxOptions,
  writeOnnx,
} from "./export-onnx.js";
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

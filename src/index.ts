/** Cortado: compiles Caffe networks to forward and backward functions. See docs/ARCHITECTURE.md. */

export { type Dataset, openDataset } from "../runtime/data/index.js";
export type {
  Blobs,
  CompiledNet,
  Gradients,
  LayerInfo,
  LayerRange,
  Param,
  ParamInfo,
  TrainingNet,
} from "../runtime/types.js";
export {
  encodeWeights,
  formatMatchReport,
  readWeights,
  type WeightBlob,
  type WeightSet,
  writeWeights,
} from "../runtime/weights/index.js";
export { type BuildOptions, type BuildReport, buildNet } from "./build.js";
export {
  checkGradients,
  formatGradientReport,
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
export { compile } from "./compile.js";
export { CortadoError, type Diagnostic, formatDiagnostics, InternalError } from "./errors/index.js";
export * as scalar from "./ir/scalar.js";
export {
  awayFrom,
  type Domain,
  type Draw,
  defineLayer,
  type ElementwiseRecord,
  elementwise,
  extras,
  knownLayerTypes,
  type LayerContext,
  type LayerRecord,
  type LayerType,
  type OwnElementwiseRecord,
  type OwnLayerRecord,
  type Settings,
  type Values,
} from "./layers/index.js";
export type { CompileOptions } from "./net/options.js";
export { type ParseOptions, parseNet, parseSolver } from "./net/parse.js";
export { collectWeights, loadWeights, type WeightReport } from "./net/weights.js";
export { formatPlan } from "./plan/index.js";
export { formatNet, type NetDef, type SolverDef } from "./prototxt/index.js";
export { createSolver, type Solver } from "./train.js";

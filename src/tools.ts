/**
 * What the command line reaches beside the public functions (`index.ts`): the one door to what lies behind them. No part of
 * the package's interface.
 */

export { sizeOf } from "../codegen/ir/graph.js";
export { GPU_ARCHITECTURES, isGpuArchitecture } from "../codegen/targets/cuda/cuda-description.js";
export { cudaTarget, TARGETS, type TargetName, tsTarget } from "../codegen/targets/index.js";
export { type DeviceProperties, openAddon } from "../native/addon.js";
export { distinctNames } from "../proto/words/by-place.js";
export { cacheFolder, checkCacheFolder } from "../runtime/cache.js";
export { searchDriver } from "../runtime/devices/cuda/driver.js";
export { searchNvrtc } from "../runtime/devices/cuda/nvrtc.js";
export type { Looked } from "../runtime/devices/cuda/nvrtc-places.js";
export { compilerMissing, findCompiler } from "../runtime/devices/host/host-compiler.js";
export { formatEvent, type OutputValue, type SolverEvent, shortNumber } from "../runtime/solver/events.js";
export type { SolverOutcome } from "../runtime/solver/solver.js";
export { outputValues, weightedLoss } from "../runtime/solver/testing.js";
export { type Analysis, analyse, lowerForAnalysis, programOptions, withShapeHint } from "./analyse-net.js";
export { PROCESSORS } from "./artefact/build-options.js";
export { buildSolver } from "./artefact/build-solver.js";
export { BUILD_TARGETS } from "./artefact/build-target.js";
export { stringLiteral } from "./artefact/literal.js";
export { checkFile, type FileReport } from "./check/check-file.js";
export { OPSETS } from "./export/onnx-message.js";
export { INT8_USUAL } from "./export/quantise-source.js";
export { writeRandomParameters } from "./gradcheck/random-parameters.js";
export { isLayerType, type LoweredNet, schemaWith } from "./layers/index.js";
export { HIDDEN_CHOICES, TARGET_CHOICES } from "./net/choose-target.js";
export { explainLayers, type LayerExplanation } from "./net/explain.js";
export { openFeeds } from "./net/feeds.js";
export { internalsOf, type NetInternals } from "./net/internals.js";
export { type KernelReport, type ProgramReport, reportProgram } from "./net/kernel-report.js";
export { attributeTimes, type LayerTime } from "./net/layer-times.js";
export { PASS_NAMES } from "./net/net-arguments.js";
export { describeMemory, type NetMemory, netMemory, totalMemory } from "./net/net-memory.js";
export { hasGradient } from "./net/objective.js";
export {
  type NetProgram,
  type TracedProgram,
  type TracedStage,
  traceProgram,
  trainingPrograms,
} from "./net/programs.js";
export { readDefinition } from "./net/read-definition.js";
export { standInValues, unfedInputs } from "./net/stand-in-inputs.js";
export { threadsFor } from "./net/threads.js";
export { readSolver, readTextFile, selectLayers } from "./net-text/index.js";
export { ruleOf } from "./solvers/index.js";
export { type OnnxVerification, verifyOnnx } from "./verify-onnx.js";
export { version } from "./version.js";

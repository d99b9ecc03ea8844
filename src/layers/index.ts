/** The layers, and the lowering of a net to the graph. */

export { flopsOf } from "../../codegen/ir/ops/index.js";
export type { Domain, Draw, Settings, Values } from "./domain.js";
export type { ElementwiseRecord, OwnElementwiseRecord } from "./elementwise.js";
export { layerOf, schemaWith } from "./extend-schema.js";
export { extras } from "./extras/index.js";
export { isLayerType, layerType } from "./layer-arguments.js";
export { withLayerMistakes } from "./layer-mistakes.js";
export * from "./lower-net.js";
export { type DecidedLayer, type Decision, decideBackward } from "./needs.js";
export { awayFrom, defineLayer, elementwise } from "./own-types.js";
export {
  type Arity,
  type FailDetail,
  type FeedContext,
  gives,
  type LayerContext,
  type LayerRecord,
  type LayerType,
  type OwnLayerRecord,
  type ParameterField,
  type ParameterOf,
  parameterOf,
  type RangeCheck,
  settingsOf,
} from "./record.js";
export { knownLayerTypes } from "./registry.js";

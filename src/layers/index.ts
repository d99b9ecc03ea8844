/** The layers, and the lowering of a net to the graph. */

export { flopsOf } from "../../codegen/ir/ops/index.js";
export type { Domain, Draw, Settings, Values } from "./domain.js";
export { awayFrom } from "./domain.js";
export { type ElementwiseRecord, elementwise, type OwnElementwiseRecord } from "./elementwise.js";
export { layerOf, schemaWith } from "./extend-schema.js";
export { extras } from "./extras/index.js";
export { withLayerMistakes } from "./layer-mistakes.js";
export * from "./lower-net.js";
export { type DecidedLayer, type Decision, decideBackward } from "./needs.js";
export {
  type Arity,
  defineLayer,
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

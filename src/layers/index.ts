/** The layers, and the lowering of a net to the graph. */
export type { Domain, Draw, Settings, Values } from "./domain.js";
export { awayFrom } from "./domain.js";
export { type ElementwiseRecord, elementwise } from "./elementwise.js";
export { flopsOf } from "./flops.js";
export * from "./lower.js";
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
  type ParameterField,
  type ParameterOf,
  parameterOf,
  type RangeCheck,
} from "./record.js";
export { knownLayerTypes, MISSING_TYPES } from "./registry.js";

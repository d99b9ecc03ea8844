/** The types that public signatures name, beside those that stand with their functions. */

export type { FormatOptions, Plan } from "../codegen/plan/index.js";
export type * as plans from "../codegen/plan/plan.js";
export type { TargetName } from "../codegen/targets/index.js";
export type { NativeArchitecture } from "../codegen/targets/native/native-description.js";
export type { WasmArchitecture } from "../codegen/targets/wasm/wasm-description.js";
export type { Plain } from "../proto/arguments/message-rules.js";
/** Caffe's messages: `caffe.LayerParameter`. */
export type * as caffe from "../proto/generated/caffe.js";
export type {
  DeclaredFields,
  DeclaredMessage,
  DeclaredOf,
  FieldDeclaration,
  FieldInfo,
  FieldKind,
  MessageInfo,
  ScalarKind,
} from "../proto/index.js";
export type { FeedSpec, SinkSpec, TransformSpec } from "../runtime/data/feed-spec.js";
export type { DeviceName } from "../runtime/devices/index.js";
export type { RunningNet, Trainable } from "../runtime/net-types.js";
export type { WeightFormat, WeightSource } from "../runtime/weights/index.js";
export type { GradientPart } from "./check-gradients.js";
export type {
  BatchRequest,
  BatchSource,
  OutputValue,
  Progress,
  SnapshotContent,
  SnapshotFiles,
  SolverEvent,
  SolverOptions,
  SolverOutcome,
  TestResult,
  TrainingLoop,
} from "./create-solver.js";
/** What a layer's graph is made of: `graph.Node`, `graph.GraphBuilder`. */
export type * as graph from "./graph-types.js";
export type {
  Arity,
  FailDetail,
  FeedContext,
  ParameterField,
  ParameterOf,
  RangeCheck,
} from "./layers/index.js";
export type { NetSource, SolverSource } from "./net/read-definition.js";

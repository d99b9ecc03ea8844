import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node, Shape } from "../../codegen/ir/graph.js";
import { userError } from "../../proto/errors/index.js";
import {
  type DeclaredFields,
  type DeclaredMessage,
  type DeclaredOf,
  declareField,
  type FieldInfo,
  type FillerParameter,
  type LayerParameter,
  type Phase,
} from "../../proto/index.js";
import { unquoted } from "../../proto/words/names.js";
import type { FeedSpec, SinkSpec } from "../../runtime/data/feed-spec.js";
import type { Domain } from "./domain.js";
import type { ParameterField, ParameterOf } from "./settings.js";

export { gives, type ParameterField, type ParameterOf, parameterOf, settingsOf } from "./settings.js";

/** How many bottoms or tops a layer takes: exactly `exact`, or from `min` to `max`, each where given. */
export interface Arity {
  readonly exact?: number;
  readonly min?: number;
  readonly max?: number;
}

/** What helps with a mistake, beside its message. */
export interface FailDetail {
  /** Which value of a repeated field is meant. */
  readonly index?: number;
  /** The message that has the field, where that is not the layer type's own: `layer.loss_param`. */
  readonly in?: object;
  /** "Did you mean …", what was expected. */
  readonly hint?: string;
  /** Bottoms whose shapes and makers explain it, by position. */
  readonly bottoms?: readonly number[];
}

/**
 * A value that must hold at run time for the layer to mean anything: a label that names a class. The graph gives 0
 * for a label outside; whoever runs it looks at the node's values and raises the message.
 */
export interface RangeCheck {
  /** The value to look at. */
  readonly node: Node;
  /** Allowed values, truncated to integers: from `min` to `max`, both included. */
  readonly min: number;
  readonly max: number;
  /** Allowed as well: the loss's ignore_label. */
  readonly except?: number;
  /** For people, one sentence, without the value found. */
  readonly message: string;
}

/** What a layer's definition may use. `F` is the field with its settings, `P` the message in it. */
export interface LayerContext<F extends ParameterField = ParameterField, P = ParameterOf<F>> {
  readonly builder: GraphBuilder;
  /** The whole layer as written. */
  readonly layer: LayerParameter;
  readonly phase: Phase;
  readonly bottoms: readonly Node[];
  /** How many tops to give: those written, or more where the record has `autoTop`. */
  readonly topCount: number;
  /** The settings in the record's field; a message of defaults where the layer does not give any. */
  readonly parameter: P;
  /**
   * The parameter blob at `index`, with its shape and first values; lr_mult, decay_mult and sharing by name come
   * from the layer's `param` specs. Without a filler it starts at `value`.
   */
  param(index: number, shape: Shape, filler?: FillerParameter, value?: number): Node;
  /** A parameter blob that is not learned but kept by the layer itself: BatchNorm's statistics. Starts at 0. */
  state(index: number, shape: Shape): Node;
  /** What a state's blob becomes when forward ends. */
  update(index: number, next: Node): void;
  /**
   * What the layer carries from one forward to the next without its being a parameter blob: 0 at first, after each
   * forward what `next` was given. Each net has its own; backward takes `value` for a constant.
   */
  carry(shape: Shape): { readonly value: Node; next(node: Node): void };
  /** Uniform numbers in [0, 1), new at each step and different at each call. */
  random(shape: Shape): Node;
  /** A value that the caller gives at each forward: the top at `top`. Without a shape the caller must give that too. */
  input(top: number, shape: Shape | undefined): Node;
  /** The shape that the caller gives for a top, where it gives one: `shapes` of compile. */
  givenShape(top: number): Shape | undefined;
  /**
   * A constant of a shape from a binary BlobProto file, which is read when the net is compiled.
   *
   * @param what what it is to the user: `the infogain matrix`
   * @param field the setting that names the file
   */
  blobFile(source: string, shape: Shape, what: string, field: string): Node;
  /** Asks that the bottoms' values be written there at each forward: one for each of the spec's datasets. */
  write(spec: SinkSpec): void;
  /**
   * How many elements of a vector are not 0, as a number that shapes can be made of. Only a run tells: a net is
   * lowered for all of them, and lowered and compiled anew when a forward has found another number.
   */
  countNonzero(vector: Node): number;
  /** Asks for a check at run time. */
  check(check: RangeCheck): void;
  /** Reports a mistake at a field of the settings (without one: at the layer) and gives this layer up. */
  fail(message: string, field?: string, detail?: FailDetail): never;
}

/** What a data layer's definition may use. */
export type FeedContext<F extends ParameterField = ParameterField, P = ParameterOf<F>> = Pick<
  LayerContext<F, P>,
  "layer" | "phase" | "topCount" | "parameter" | "fail"
>;

/**
 * A layer type on one page: what Caffe calls it, what it takes, and its meaning as graph. Gradient, code for every
 * target and the checks of both follow from `lower`.
 */
export interface LayerRecord<F extends ParameterField = ParameterField, P = ParameterOf<F>> {
  /** Caffe's name of the type. */
  readonly type: string;
  /** The field with the type's settings. */
  readonly parameter?: F;
  /** For a type with settings of its own, which Caffe does not have: see OwnLayerRecord. */
  readonly param?: DeclaredMessage;
  /** One sentence. */
  readonly summary: string;
  /** The meaning as a formula: x, x₁ … are bottoms, y the top. */
  readonly equation?: string;
  /** Corners worth knowing. */
  readonly notes?: readonly string[];
  readonly bottoms: Arity;
  readonly tops: Arity;
  /** One top for each bottom. */
  readonly topPerBottom?: boolean;
  /** Tops that are not written are made without a name, up to the least number: Caffe's loss layers. */
  readonly autoTop?: boolean;
  /** Loss weight of the first top where the layer gives none. Default 0. */
  readonly lossWeight?: number;
  /** Whether Caffe can run it in place. Here any layer may be written so. */
  readonly inPlace?: boolean;
  /** Whether force_backward reaches into a bottom. Default: into every one. */
  readonly forceBackward?: (bottom: number) => boolean;
  /** One node for each top. */
  readonly lower?: (context: LayerContext<F, P>) => readonly Node[];
  /** In place of `lower`, for a layer that feeds the net itself: where its tops' values come from. */
  readonly feed?: (context: FeedContext<F, P>) => FeedSpec;
  /** What its test inputs may look like. */
  readonly domain?: Domain;
}

/** A layer type whose settings are declared with it: a parameter block that Caffe does not have. */
export interface OwnLayerRecord<D extends DeclaredFields>
  extends Omit<LayerRecord<ParameterField, DeclaredOf<D>>, "parameter" | "param"> {
  readonly parameter?: undefined;
  /** The field of a layer in which the settings stand, and what they are. A prototxt is parsed by it. */
  readonly param: DeclaredMessage<D>;
}

/** A layer type ready for use. */
export interface LayerType extends Omit<LayerRecord, "lower" | "feed"> {
  /** The field that `param` declares. */
  readonly declared?: FieldInfo;
  readonly lower?: (context: LayerContext) => readonly Node[];
  readonly feed?: (context: FeedContext) => FeedSpec;
}

/**
 * Makes a layer type of a record: its settings in one of Caffe's fields (`parameter`), in a block of its own (`param`,
 * whose fields `context.parameter` has, typed), or none.
 *
 * @throws CortadoError where the record contradicts itself, or `param` declares what a prototxt cannot hold
 */
export function defineLayer<F extends ParameterField = never>(
  record: LayerRecord<F> & { readonly param?: undefined },
): LayerType;
export function defineLayer<const D extends DeclaredFields>(record: OwnLayerRecord<D>): LayerType;
/** Of a type that is there already, some of its fields set otherwise. */
export function defineLayer(record: LayerType): LayerType;
export function defineLayer(record: LayerRecord | OwnLayerRecord<DeclaredFields> | LayerType): LayerType {
  if ((record.lower === undefined) === (record.feed === undefined))
    throw userError(`layer type ${unquoted(record.type)} must have either lower or feed`);
  const { param } = record;
  const declared = param && declareField(param, `layer type ${record.type}`);
  // The settings that reach `lower` are those of `record.parameter` or `record.param`: lowering takes them from there.
  return Object.freeze(declared ? { ...record, declared } : record) as unknown as LayerType;
}

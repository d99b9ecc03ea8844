import { arg, mul, type Scalar } from "../../codegen/ir/scalar.js";
import type { DeclaredFields, DeclaredMessage, DeclaredOf } from "../../proto/index.js";
import { awayFrom, type Draw, type Settings, type Values } from "./domain.js";
import {
  defineLayer,
  type LayerContext,
  type LayerType,
  type ParameterField,
  type ParameterOf,
  settingsOf,
} from "./record.js";

/** A layer type that applies one scalar function to every element. */
export interface ElementwiseRecord<F extends ParameterField, P = ParameterOf<F>> {
  readonly type: string;
  readonly parameter?: F;
  /** For a function with settings of its own, which Caffe does not have: see OwnElementwiseRecord. */
  readonly param?: DeclaredMessage;
  readonly summary: string;
  readonly equation: string;
  readonly notes?: readonly string[];
  /** The function, of one element. */
  readonly apply: (x: Scalar, parameter: P) => Scalar;
  /** Caffe's derivative, where it is written as a product by something else than the function's: of one element. */
  readonly slope?: (x: Scalar, parameter: P) => Scalar;
  /** What is wrong with the settings: a message and the field. */
  readonly refuse?: (parameter: P) => readonly [message: string, field: string] | undefined;
  /** Whether Caffe can run it in place. Default yes. */
  readonly inPlace?: boolean;
  /** Inputs of tests. Default: −2 to 2. */
  readonly values?: Values | ((parameter: P) => Values);
  readonly settings?: (draw: Draw) => Settings;
  readonly differentiable?: boolean;
}

/** The same with settings that are declared with it. */
export interface OwnElementwiseRecord<D extends DeclaredFields>
  extends Omit<ElementwiseRecord<ParameterField, DeclaredOf<D>>, "parameter" | "param"> {
  readonly parameter?: undefined;
  readonly param: DeclaredMessage<D>;
}

/** Makes a layer type of one bottom, one top, and a scalar function. */
export function elementwise<F extends ParameterField = never>(
  record: ElementwiseRecord<F> & { readonly param?: undefined },
): LayerType;
export function elementwise<const D extends DeclaredFields>(record: OwnElementwiseRecord<D>): LayerType;
export function elementwise(
  record: ElementwiseRecord<ParameterField> | OwnElementwiseRecord<DeclaredFields>,
): LayerType {
  // Each form's settings reach only its own functions.
  const {
    param,
    parameter,
    type,
    summary,
    equation,
    notes,
    values = awayFrom(),
    settings,
    apply,
    slope,
    refuse,
  } = record as ElementwiseRecord<ParameterField>;
  const made: LayerType = defineLayer({
    type,
    // Only one of the two is there.
    ...((param ? { param } : { parameter }) as {
      readonly parameter?: ParameterField;
      readonly param?: undefined;
    }),
    summary,
    equation,
    notes,
    bottoms: { exact: 1 },
    tops: { exact: 1 },
    inPlace: record.inPlace ?? true,
    lower(context: LayerContext) {
      const problem = refuse?.(context.parameter);
      if (problem) context.fail(...problem);
      const { builder, parameter: given } = context;
      const [x] = context.bottoms;
      const y = builder.map(apply(arg(0), given), [x], x.shape);
      if (!slope) return [y];
      const sloping = mul(arg(0), slope(arg(1), given));
      return [builder.instead(y, builder.map(sloping, [x, builder.stop(x)], x.shape))];
    },
    domain: {
      settings,
      values: (layer) => [
        typeof values === "function"
          ? values(settingsOf(layer, made) as ParameterOf<ParameterField>)
          : values,
      ],
      differentiable: record.differentiable === false ? [] : undefined,
    },
  });
  return made;
}

import { arg, type Scalar } from "../ir/scalar.js";
import { awayFrom, type Draw, type Settings, type Values } from "./domain.js";
import { defineLayer, type LayerType, type ParameterField, type ParameterOf, parameterOf } from "./record.js";

/** A layer type that applies one scalar function to every element. */
export interface ElementwiseRecord<F extends ParameterField> {
  readonly type: string;
  readonly parameter?: F;
  readonly summary: string;
  readonly equation: string;
  readonly notes?: readonly string[];
  /** The function, of one element. */
  readonly apply: (x: Scalar, parameter: ParameterOf<F>) => Scalar;
  /** What is wrong with the settings: a message and the field. */
  readonly refuse?: (parameter: ParameterOf<F>) => readonly [message: string, field: string] | undefined;
  /** Whether Caffe can run it in place. Default yes. */
  readonly inPlace?: boolean;
  /** Inputs of tests. Default: −2 to 2. */
  readonly values?: Values | ((parameter: ParameterOf<F>) => Values);
  readonly settings?: (draw: Draw) => Settings;
  readonly differentiable?: boolean;
}

/** Makes a layer type of one bottom, one top, and a scalar function. */
export function elementwise<F extends ParameterField = never>(record: ElementwiseRecord<F>): LayerType {
  const { type, parameter, summary, equation, notes, values = awayFrom(), settings } = record;
  return defineLayer<F>({
    type,
    parameter,
    summary,
    equation,
    notes,
    bottoms: { exact: 1 },
    tops: { exact: 1 },
    inPlace: record.inPlace ?? true,
    lower(context) {
      const problem = record.refuse?.(context.parameter);
      if (problem) context.fail(...problem);
      const [x] = context.bottoms;
      return [context.builder.map(record.apply(arg(0), context.parameter), [x], x.shape)];
    },
    domain: {
      settings,
      values: (layer) => [typeof values === "function" ? values(parameterOf(layer, parameter!)) : values],
      differentiable: record.differentiable === false ? [] : undefined,
    },
  });
}

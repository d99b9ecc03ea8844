/** What LSTM and RNN have in common: their bottoms, the part of a step that needs no step before it, and the tops. */

import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node, Shape } from "../../codegen/ir/graph.js";
import { add, arg, constant, mul, select } from "../../codegen/ir/scalar.js";
import { showShape } from "../../proto/words/amounts.js";
import { blobs } from "./arity.js";
import type { Domain } from "./domain.js";
import type { LayerContext } from "./record.js";
import { countBetween } from "./shapes.js";

type Context = LayerContext<"recurrent_param">;

/** x is [T, N, …], cont [T, N], a static input [N, …]: T steps of N sequences side by side. */
export interface Recurrent {
  readonly steps: number;
  readonly streams: number;
  /** Values of one hidden state: num_output. */
  readonly size: number;
  /** [T, N, values of one step]. */
  readonly x: Node;
  /** At step t, [1, N, 1]: 0 where a sequence begins. A constant to the derivative. */
  cont(step: number): Node;
  /** [1, N, values], where the layer has it. */
  readonly constant: Node | undefined;
  /** The hidden states before the first step, [1, N, size] each: constants to the derivative. */
  readonly initial: readonly Node[];
  /** The layer's tops, from the main one and the hidden states after the last step. */
  tops(y: Node, final: readonly Node[]): readonly Node[];
}

/**
 * Reads the bottoms of a recurrent layer with so many hidden states, as RecurrentLayer::LayerSetUp and Reshape do:
 * x, cont, the static input if there is one more than are needed, and with expose_hidden the initial states.
 */
export function recurrent(context: Context, states: number): Recurrent {
  const { builder, parameter, bottoms, topCount, carry, fail } = context;
  const { num_output: size, expose_hidden: exposed } = parameter;
  if (size < 1) fail("num_output must be given, and positive", "num_output");
  const setting = exposed ? `with expose_hidden it ` : "without expose_hidden it ";
  const least = 2 + (exposed ? states : 0);
  const inLayer = (index: number) => ({ in: context.layer, index });
  if (bottoms.length < least || bottoms.length > least + 1)
    fail(
      `${setting}takes ${least} or ${blobs(least + 1, "bottom")}, and has ${bottoms.length}`,
      "bottom",
      inLayer(Math.min(bottoms.length - 1, least + 1)),
    );
  const made = exposed ? 1 + states : 1;
  if (topCount !== made)
    fail(
      `${setting}makes ${blobs(made, "top")}, and has ${topCount}`,
      "top",
      inLayer(Math.min(topCount - 1, made)),
    );
  const [x, cont] = bottoms;
  if (x.shape.length < 3)
    fail(
      `the first bottom must have the axes steps × streams × values …, and has the shape ${showShape(x.shape)}`,
      undefined,
      { bottoms: [0] },
    );
  const [steps, streams] = x.shape;
  const expectShape = (index: number, shape: Shape, what: string): void => {
    const found = bottoms[index].shape;
    if (found.length !== shape.length || found.some((extent, axis) => extent !== shape[axis]))
      fail(`${what} must have the shape ${showShape(shape)}, and has ${showShape(found)}`, undefined, {
        bottoms: [0, index],
      });
  };
  expectShape(1, [steps, streams], "cont, the second bottom,");
  const constant = bottoms.length > least ? bottoms[2] : undefined;
  if (constant && (constant.shape.length < 2 || constant.shape[0] !== streams))
    fail(
      `the static input, the third bottom, must have the axes streams × values …, for ${streams} streams, and has the shape ${showShape(constant.shape)}`,
      undefined,
      { bottoms: [0, 2] },
    );
  const hidden = [1, streams, size];
  const first = constant ? 3 : 2;
  const states0 = Array.from({ length: states }, (_, i) => {
    if (!exposed) return carry(hidden);
    expectShape(first + i, hidden, `the hidden state in bottom ${first + i + 1}`);
    return { value: builder.stop(bottoms[first + i]), next: () => {} };
  });
  const flags = builder.stop(cont);
  return {
    steps,
    streams,
    size,
    x: builder.reshape(x, [steps, streams, countBetween(x.shape, 2)]),
    cont: (step) => builder.reshape(builder.slice(flags, 0, step, 1), [1, streams, 1]),
    constant: constant && builder.reshape(constant, [1, streams, countBetween(constant.shape, 1)]),
    initial: states0.map(({ value }) => value),
    tops(y, final) {
      for (const [i, { next }] of states0.entries()) next(final[i]);
      return exposed ? [y, ...final.map((state) => builder.stop(state))] : [y];
    },
  };
}

/** rows [A, B, K] times the transpose of w [M, K], as [A, B, M]. */
export function project(builder: GraphBuilder, rows: Node, w: Node): Node {
  const [a, b, k] = rows.shape;
  const product = builder.matmul(
    builder.reshape(rows, [1, a * b, k]),
    builder.reshape(w, [1, ...w.shape]),
    false,
    true,
  );
  return builder.reshape(product, [a, b, w.shape[0]]);
}

/**
 * What reaches every step from outside: W x + b and, with a static input s, + V s. One product over all T · N rows.
 * Takes the parameter blobs 0 and 1, and 2 for the static input; `next` is the first that is free.
 */
export function fromOutside(
  context: Context,
  { x, constant }: Recurrent,
  outputs: number,
): { readonly sums: Node; readonly next: number } {
  const { builder, parameter, param } = context;
  const weights = (index: number, input: Node) =>
    param(index, [outputs, input.shape[2]], parameter.weight_filler);
  const product = project(builder, x, weights(0, x));
  const bias = param(1, [outputs], parameter.bias_filler);
  if (!constant) return { sums: builder.map(add(arg(0), arg(1)), [product, bias], product.shape), next: 2 };
  const same = project(builder, constant, weights(2, constant));
  const terms = add(add(arg(0), arg(1)), arg(2));
  return { sums: builder.map(terms, [product, bias, same], product.shape), next: 3 };
}

/** Step t of [T, N, …]. */
export const atStep = (builder: GraphBuilder, all: Node, step: number): Node =>
  builder.slice(all, 0, step, 1);

/** A state [1, N, H], or zeros in the streams where a sequence begins, whatever the one before it came to. */
export const continued = (builder: GraphBuilder, state: Node, cont: Node): Node =>
  builder.map(
    select("eq", arg(0), constant(0), constant(0), mul(arg(0), arg(1))),
    [cont, state],
    state.shape,
  );

/** Sequences of a few steps, with a static input now and then. */
export const recurrentDomain: Domain = {
  shapes(draw, first) {
    if (first && first.length < 3) return undefined;
    const shape = first ?? Array.from({ length: draw.of([3, 3, 4]) }, () => draw.integer(1, 4));
    const [steps, streams] = shape;
    return [shape, [steps, streams], ...(draw.boolean() ? [[streams, draw.integer(1, 3)]] : [])];
  },
  settings: (draw) => ({ recurrent_param: { num_output: draw.integer(1, 4) } }),
  values: (_layer, shapes) => [
    { kind: "real", min: -2, max: 2 },
    { kind: "label", below: 2 },
    ...shapes.slice(2).map(() => ({ kind: "real", min: -2, max: 2 }) as const),
  ],
  differentiable: [0, 2],
};

/** Corners that LSTM and RNN share. */
export const RECURRENT_NOTES: readonly string[] = [
  "Bottoms: x [T, N, …]; cont [T, N], 0 where a sequence begins and 1 where it goes on; then, if there is one more than are needed, a static input [N, …] that every step sees; then with expose_hidden the hidden states before the first step.",
  "Without expose_hidden the states after the last step are kept, and the next forward begins with them: a sequence may be longer than T. They are 0 at first, no parameter blobs, in no weight file, and each net has its own. With expose_hidden they are tops.",
  "Backward is truncated as in Caffe: no gradient reaches the states before the first step, no diff of an exposed final state is used, and cont has none.",
  "Unrolled over T: the size of the program and the time to compile it grow with T. debug_info has no effect.",
];

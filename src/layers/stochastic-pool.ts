import type { Node, WindowAxis } from "../../codegen/ir/graph.js";
import {
  add,
  arg,
  constant,
  coord,
  div,
  mul,
  neg,
  type Scalar,
  select,
  sub,
  unary,
} from "../../codegen/ir/scalar.js";
import type { LayerContext } from "./record.js";

/** Each set of random numbers is as large as the input, and searched by every window. */
const MOST_SETS = 256;

/**
 * Stochastic pooling (Zeiler & Fergus, 2013) of values that are not negative. TEST: Σx² / Σx of each window. TRAIN: one
 * of its values, xᵢ with probability xᵢ / Σx, by a race: −log(u)/xᵢ, with u uniform in [0, 1), is the waiting time of
 * an event of rate xᵢ, and the first of several events is that of i with just this probability. A value's time would
 * serve all windows that hold it; so that each window draws on its own, as in Caffe, those that overlap read different
 * u: along an axis window o reads set o mod ⌈size / stride⌉.
 */
export function stochasticPool(
  { builder, phase, random, fail }: Pick<LayerContext, "builder" | "phase" | "random" | "fail">,
  x: Node,
  window: readonly WindowAxis[],
): Node {
  if (phase === "TEST") {
    const squares = builder.map(mul(arg(0), arg(0)), [x]);
    const mean = select("gt", arg(1), constant(0), div(arg(0), arg(1)), constant(0));
    return builder.map(mean, [builder.windowSum(squares, window), builder.windowSum(x, window)]);
  }
  const rates = builder.stop(x);
  const sets = window.map(({ size, stride, windows }) => Math.min(windows, Math.ceil(size / stride)));
  const count = sets.reduce((product, factor) => product * factor, 1);
  if (count > MOST_SETS)
    fail(
      `STOCHASTIC pooling draws for each window on its own, and here ${count} of them overlap: at most ${MOST_SETS} may`,
      "pool",
      { hint: "a greater stride, or a smaller kernel, lets fewer overlap" },
    );
  const winners = Array.from({ length: count }, () => {
    const speed = neg(div(arg(0), unary("log", arg(1))));
    return builder.windowArgmax(builder.map(speed, [rates, random(x.shape)]), window);
  });
  // The set that a window reads: row-major over the windowed axes.
  const set = window.reduce<Scalar>((number, { axis }, i) => {
    const own = constant(sets[i]);
    const rounds = unary("floor", div(coord(axis), own));
    const within = sub(coord(axis), mul(rounds, own));
    return add(mul(number, own), within);
  }, constant(0));
  const chosen = winners
    .slice(1)
    .reduce<Scalar>((other, _, i) => select("eq", set, constant(i + 1), arg(i + 1), other), arg(0));
  const position =
    winners.length === 1 ? winners[0] : builder.map(chosen, winners, winners[0].shape, "index");
  return builder.windowPick(x, position, window);
}

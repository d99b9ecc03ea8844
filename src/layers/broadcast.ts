import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node, Shape } from "../../codegen/ir/graph.js";
import { showShape } from "../../proto/words/amounts.js";
import type { Draw, Settings } from "./domain.js";
import { drawShape } from "./domain.js";
import type { LayerContext } from "./record.js";
import { canonicalAxis } from "./shapes.js";

/** What Bias and Scale have in common: a small blob laid along some axes of the bottom. */

type Context = LayerContext<"scale_param" | "bias_param">;

/** Where the small blob begins, and its shape when it is a parameter. */
export function coveredAxes(context: Context): { readonly axis: number; readonly shape: Shape } {
  const { bottoms, parameter, fail } = context;
  const [x, second] = bottoms;
  if (second && second.shape.length === 0) return { axis: 0, shape: [] };
  const { num_axes: count } = parameter;
  if (!second && count < -1)
    fail(`num_axes must be -1 (all that follow) or a count, not ${count}`, "num_axes");
  if (!second && count === 0) return { axis: 0, shape: [] };
  const axis = canonicalAxis(context, parameter.axis, x.shape, "axis");
  const shape = second?.shape ?? x.shape.slice(axis, count === -1 ? undefined : axis + count);
  const covered = x.shape.slice(axis, axis + shape.length);
  if (!second && count > shape.length)
    fail(`${count} axes from axis ${axis} on reach over the end of ${showShape(x.shape)}`, "num_axes", {
      bottoms: [0],
    });
  if (covered.length !== shape.length || covered.some((extent, i) => extent !== shape[i]))
    fail(
      `the second bottom, ${showShape(shape)}, must have the first one's extents from axis ${axis} on, ${showShape(x.shape.slice(axis))}`,
      undefined,
      { bottoms: [0, 1] },
    );
  return { axis, shape };
}

/** The small blob with as many axes as `x`, ready to be an operand beside it. */
export function laidAlong(builder: GraphBuilder, small: Node, x: Node, axis: number): Node {
  const shape = x.shape.map((_, i) => small.shape[i - axis] ?? 1);
  return builder.reshape(small, shape);
}

/** For tests: a bottom of 2 to 4 axes and, now and then, a second one along its axis 1. */
export function drawBroadcast(draw: Draw, first?: Shape): readonly Shape[] | undefined {
  const shape = drawShape(draw, first, 2, 4);
  return shape && (draw.boolean() ? [shape] : [shape, [shape[1]]]);
}

export const drawAxes = (draw: Draw): Pick<NonNullable<Settings["bias_param"]>, "axis" | "num_axes"> => ({
  axis: 1,
  num_axes: draw.of([1, -1]),
});

import { type Node, sizeOf } from "../graph.js";
import { arg, binary, constant, coord, select } from "../scalar.js";
import { AXES, oneOf } from "./attributes.js";
import type { GraphBuilder, Primitive } from "./primitive.js";
import { expect, show } from "./shape-rules.js";

declare module "../graph.js" {
  interface Primitives {
    /**
     * Over `axes` (ascending), which stay with extent 1 unless `drop`. `argmax` is the first position of the greatest
     * along the single axis. NaN is passed over by both: of nothing else the greatest is −∞, its position 0. Negative
     * axes are not known here.
     */
    readonly reduce: Signature<
      { readonly kind: ReduceKind; readonly axes: readonly number[] },
      (kind: ReduceKind, x: Node, axes: readonly number[], drop?: boolean) => Node
    >;
  }
}

const reduce: Primitive<"reduce"> = {
  attributes: { kind: oneOf("sum", "max", "argmax"), axes: AXES },
  operands: ({ kind }) => [kind === "argmax" ? "any" : "real"],
  infer({ inputs: [x], kind, axes }) {
    expect(
      axes.every((axis) => axis >= 0 && axis < x.shape.length) && (kind !== "argmax" || axes.length === 1),
      () => `reduce ${kind} of ${show(x.shape)} over axes ${axes}`,
    );
    return {
      shape: x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
      dtype: kind === "argmax" ? "index" : "real",
    };
  },
  make:
    (b, node) =>
    (kind, x, axes, drop = false) => {
      const sorted = [...new Set(axes)].sort((one, other) => one - other);
      const isSingle = kind !== "argmax" && sorted.every((axis) => x.shape[axis] === 1);
      const reduced = !isSingle
        ? node("reduce", { kind, axes: sorted }, [x])
        : kind === "max" && sorted.length > 0
          ? greatestOfOne(b, x)
          : x;
      const rest = x.shape.filter((_, axis) => !sorted.includes(axis));
      return drop ? b.reshape(reduced, rest) : reduced;
    },
  vjp(b, { inputs: [x], kind, axes }) {
    switch (kind) {
      case "sum":
        return [(g) => b.map(arg(0), [g], x.shape)];
      case "max":
        return [(g) => toFirstGreatest(b, x, axes, g)];
      case "argmax":
        return [undefined];
      default:
        return kind satisfies never;
    }
  },
  flops: ({ inputs: [x] }) => sizeOf(x.shape),
  kind: "loops",
  expressions: "all",
  epilogue: true,
  reads: ({ inputs: [x] }) => sizeOf(x.shape),
};

/** The greatest of single elements: −∞ of NaN, as of many. */
export const greatestOfOne = (b: GraphBuilder, x: Node): Node =>
  b.map(binary("max", arg(0), constant(Number.NEGATIVE_INFINITY)), [x], x.shape);

/**
 * g at the first greatest element in row-major order over `axes`, 0 elsewhere: axis by axis, the first position
 * along it whose rest still holds the greatest.
 */
function toFirstGreatest(b: GraphBuilder, x: Node, axes: readonly number[], g: Node): Node {
  const positions = axes.map((axis, i) => b.reduce("argmax", b.reduce("max", x, axes.slice(i + 1)), [axis]));
  const spread = axes.reduceRight(
    (chosen, axis, i) => select("eq", coord(axis), arg(i), chosen, constant(0)),
    arg(axes.length),
  );
  return b.map(spread, [...positions, g], x.shape);
}

/** What goes over an axis as a whole. */
export const reductions = { reduce };

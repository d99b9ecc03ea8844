import { type Node, sizeOf } from "../graph.js";
import { TRANSPOSED } from "./attributes.js";
import type { GraphBuilder, Primitive } from "./primitive.js";
import { broadcastAxes, expect, show } from "./shape-rules.js";

declare module "../graph.js" {
  interface Primitives {
    /** Batched: a [B, M, K] (or [B, K, M] if transA), b [B, K, N] (or [B, N, K] if transB), result [B, M, N]. A batch of 1 is broadcast. */
    readonly matmul: Signature<
      { readonly transA: boolean; readonly transB: boolean },
      (a: Node, b: Node, transA?: boolean, transB?: boolean) => Node
    >;
  }
}

const matmul: Primitive<"matmul"> = {
  attributes: { transA: TRANSPOSED, transB: TRANSPOSED },
  operands: ["real", "real"],
  infer({ inputs: [a, b], transA, transB }) {
    const [aBatch, m, k] = transA ? [a.shape[0], a.shape[2], a.shape[1]] : a.shape;
    const [bBatch, bk, n] = transB ? [b.shape[0], b.shape[2], b.shape[1]] : b.shape;
    expect(
      a.shape.length === 3 &&
        b.shape.length === 3 &&
        k === bk &&
        (aBatch === bBatch || aBatch === 1 || bBatch === 1),
      () => `matmul ${show(a.shape)}${transA ? "ᵀ" : ""} × ${show(b.shape)}${transB ? "ᵀ" : ""}`,
    );
    return { shape: [Math.max(aBatch, bBatch), m, n] };
  },
  make:
    (_, node) =>
    (x, y, transA = false, transB = false) =>
      node("matmul", { transA, transB }, [x, y]),
  vjp: (b, { inputs: [x, y], transA, transB }) => [
    (g) => sumTo(b, transA ? b.matmul(y, g, transB, true) : b.matmul(g, y, false, !transB), x),
    (g) => sumTo(b, transB ? b.matmul(g, x, true, transA) : b.matmul(x, g, !transA, false), y),
  ],
  flops: ({ inputs: [x], transA, shape }) => 2 * sizeOf(shape) * x.shape[transA ? 1 : 2],
  kind: "loops",
  epilogue: true,
};

/** Sums what was broadcast: the adjoint of broadcasting `like` to x's shape. */
const sumTo = (b: GraphBuilder, x: Node, like: Node): Node =>
  b.reduce("sum", x, broadcastAxes(like.shape, x.shape));

/** Products of matrices. */
export const products = { matmul };

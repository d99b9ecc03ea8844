import { type Node, type NodeOf, sameShape } from "../graph.js";
import { COUNT, NAME } from "./attributes.js";
import type { Primitive } from "./primitive.js";
import { expect, show } from "./shape-rules.js";

declare module "../graph.js" {
  interface Primitives {
    /** A blob's value by name: identity; its cotangent is what Caffe calls the blob's diff. Erased by a pass. */
    readonly blob: Signature<
      { readonly blob: string; readonly version: number },
      (x: Node, blob: string, version: number) => Node
    >;
    /** Identity whose cotangent is nothing: where Caffe does not propagate down. Erased by a pass. */
    readonly stop: Signature<NoAttributes, (x: Node) => Node>;
    /**
     * x, whose cotangent goes to `other`, of the same shape: where Caffe's derivative is that of another function, as
     * beyond a bound. Erased by a pass.
     */
    readonly instead: Signature<NoAttributes, (x: Node, other: Node) => Node>;
  }
}

const blob: Primitive<"blob"> = {
  attributes: { blob: NAME, version: COUNT },
  operands: ["any"],
  infer: ({ inputs: [x] }) => x,
  vjp: () => [(g) => g],
  kind: "view",
  offset: () => 0,
};

const stop: Primitive<"stop"> = {
  attributes: {},
  operands: ["any"],
  infer: ({ inputs: [x] }) => x,
  kind: "view",
  offset: () => 0,
};

const instead: Primitive<"instead"> = {
  attributes: {},
  operands: ["real", "real"],
  infer({ inputs: [x, other] }) {
    expect(
      sameShape(x.shape, other.shape),
      () => `instead of ${show(other.shape)} stands ${show(x.shape)}: their shapes differ`,
    );
    return x;
  },
  vjp: () => [undefined, (g) => g],
  kind: "view",
  offset: () => 0,
};

/** Marks that a pass erases: each stands for its first operand. */
export const markers = { blob, stop, instead };

export const isMarker = (node: Node): node is NodeOf<keyof typeof markers> => node.op in markers;

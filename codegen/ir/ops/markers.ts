import { COUNT, NAME } from "./attributes.js";
import type { Primitive } from "./primitive.js";

declare module "../graph.js" {
  interface Primitives {
    /** A blob's value by name: identity; its cotangent is what Caffe calls the blob's diff. Erased by a pass. */
    readonly blob: Signature<
      { readonly blob: string; readonly version: number },
      (x: Node, blob: string, version: number) => Node
    >;
    /** Identity whose cotangent is nothing: where Caffe does not propagate down. Erased by a pass. */
    readonly stop: Signature<NoAttributes, (x: Node) => Node>;
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

/** Marks that a pass erases. */
export const markers = { blob, stop };

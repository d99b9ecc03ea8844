import { COUNT } from "./attributes.js";
import type { Primitive } from "./primitive.js";

declare module "../graph.js" {
  interface Primitives {
    /**
     * Uniform in [0, 1), 24 bits; input: the step counter, an input of shape []. Element i is the upper 24 bits of
     * word i mod 4 of the Philox 4x32-10 block with counter (⌊i / 4⌋, step, stream low, stream high) and the seed as key.
     */
    readonly random: Signature<
      { readonly stream: number },
      (step: Node, stream: number, shape: Shape) => Node
    >;
  }
}

/** Philox and its scaling, counted as operations of a loop body. */
const OPERATIONS = 4;

const random: Primitive<"random"> = {
  attributes: { stream: COUNT },
  operands: ["real"],
  infer: ({ shape }) => ({ shape }),
  fault: ({ inputs: [step] }) => (step.shape.length === 0 ? undefined : "the step counter is not a scalar"),
  make: (_, node) => (step, stream, shape) => node("random", { stream }, [step], { shape }),
  kind: "element",
  generated: "always",
  isFlat: () => true,
  operations: () => OPERATIONS,
};

/** What comes from nothing but a counter. */
export const generators = { random };

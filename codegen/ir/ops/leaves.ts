import { COUNT, NAME, VALUE } from "./attributes.js";
import type { Primitive } from "./primitive.js";

const input: Primitive<"input"> = {
  attributes: { name: NAME },
  operands: [],
  infer: ({ shape, dtype }) => ({ shape, dtype }),
  make: (_, node) => (name, shape, dtype) => node("input", { name }, [], { shape, dtype }),
  kind: "given",
};

const param: Primitive<"param"> = {
  attributes: { index: COUNT },
  operands: [],
  infer: ({ shape }) => ({ shape }),
  make: (_, node) => (index, shape) => node("param", { index }, [], { shape }),
  kind: "given",
};

const constant: Primitive<"constant"> = {
  attributes: { value: VALUE },
  operands: [],
  infer: ({ shape }) => ({ shape }),
  make:
    (_, node) =>
    (value, shape = []) =>
      node("constant", { value }, [], { shape }),
  kind: "given",
  generated: "always",
};

/** What has no operands. */
export const leaves = { input, param, constant };

import { sizeOf } from "../graph.js";
import type { Primitive } from "./primitive.js";
import { expect } from "./shape-rules.js";

declare module "../graph.js" {
  interface Primitives {
    /** (table [R, …rest], position [P]) → [P, …rest]; positions are checked by whoever feeds them. */
    readonly gather: Signature<NoAttributes, (table: Node, position: Node) => Node>;
    /** (rows [P, …rest], position [P]) → [R, …rest]: adjoint of `gather` in its table. */
    readonly scatter: Signature<NoAttributes, (rows: Node, position: Node, extent: number) => Node>;
  }
}

const gather: Primitive<"gather"> = {
  attributes: {},
  operands: ["any", "index"],
  infer({ inputs: [table, position] }) {
    expect(
      position.shape.length === 1 && table.shape.length >= 1,
      () => "gather: positions must have one axis",
    );
    return { shape: [position.shape[0], ...table.shape.slice(1)], dtype: table.dtype };
  },
  vjp: (b, { inputs: [table, position] }) => [(g) => b.scatter(g, position, table.shape[0]), undefined],
  kind: "loops",
  epilogue: true,
};

const scatter: Primitive<"scatter"> = {
  attributes: {},
  operands: ["real", "index"],
  infer({ inputs: [rows, position], shape: [extent] }) {
    expect(
      position.shape.length === 1 && rows.shape[0] === position.shape[0],
      () => "scatter: rows and positions differ",
    );
    return { shape: [extent, ...rows.shape.slice(1)] };
  },
  make: (_, node) => (rows, position, extent) => node("scatter", {}, [rows, position], { shape: [extent] }),
  vjp: (b, { inputs: [, position] }) => [(g) => b.gather(g, position), undefined],
  flops: ({ inputs: [rows] }) => sizeOf(rows.shape),
  kind: "loops",
};

/** Rows by their position. */
export const rows = { gather, scatter };

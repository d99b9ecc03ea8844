import { sameShape, sizeOf } from "../graph.js";
import { AXES, COUNT } from "./attributes.js";
import type { Primitive } from "./primitive.js";
import { expect, show, withExtent } from "./shape-rules.js";

declare module "../graph.js" {
  interface Primitives {
    readonly reshape: Signature<NoAttributes, (x: Node, shape: Shape) => Node>;
    /** Output axis i is input axis perm[i]. */
    readonly transpose: Signature<
      { readonly perm: readonly number[] },
      (x: Node, perm: readonly number[]) => Node
    >;
    /** `length` (`shape[axis]`) elements along `axis` from `start`. */
    readonly slice: Signature<
      { readonly axis: number; readonly start: number },
      (x: Node, axis: number, start: number, length: number) => Node
    >;
    readonly concat: Signature<{ readonly axis: number }, (parts: readonly Node[], axis: number) => Node>;
    /** Zeros before and after (up to the shape) along `axis`: adjoint of `slice`. */
    readonly pad: Signature<
      { readonly axis: number; readonly before: number },
      (x: Node, axis: number, before: number, after: number) => Node
    >;
  }
}

const reshape: Primitive<"reshape"> = {
  attributes: {},
  operands: ["any"],
  infer({ inputs: [x], shape }) {
    expect(sizeOf(shape) === sizeOf(x.shape), () => `reshape ${show(x.shape)} to ${show(shape)}`);
    return { shape, dtype: x.dtype };
  },
  make: (b, node) => (x, shape) => {
    if (x.op === "reshape") return b.reshape(x.inputs[0], shape);
    if (x.op === "constant" && sizeOf(shape) === sizeOf(x.shape)) return b.constant(x.value, shape);
    return sameShape(x.shape, shape) ? x : node("reshape", {}, [x], { shape });
  },
  rebuild: (b, { shape }, [x]) => b.reshape(x, shape),
  vjp: (b, { inputs: [x] }) => [(g) => b.reshape(g, x.shape)],
  kind: "view",
  offset: () => 0,
};

const transpose: Primitive<"transpose"> = {
  attributes: { perm: AXES },
  operands: ["any"],
  infer({ inputs: [x], perm }) {
    expect(
      perm.length === x.shape.length && perm.every((_, axis) => perm.includes(axis)),
      () => `transpose ${show(x.shape)} by ${perm}`,
    );
    return { shape: perm.map((axis) => x.shape[axis]), dtype: x.dtype };
  },
  make: (_, node) => (x, perm) =>
    perm.length === x.shape.length && perm.every((axis, i) => axis === i)
      ? x
      : node("transpose", { perm }, [x]),
  vjp: (b, { perm }) => [(g) => b.transpose(g, invert(perm))],
  kind: "view",
  // Only axes of extent 1 change places.
  offset({ inputs: [x], perm }) {
    const moved = perm.filter((axis) => x.shape[axis] !== 1);
    return moved.every((axis, i) => i === 0 || axis > moved[i - 1]) ? 0 : undefined;
  },
  expressions: "all",
  operations: () => 1,
};

const invert = (perm: readonly number[]): readonly number[] => perm.map((_, axis) => perm.indexOf(axis));

const slice: Primitive<"slice"> = {
  attributes: { axis: COUNT, start: COUNT },
  operands: ["any"],
  infer({ inputs: [x], axis, start, shape: { [axis]: length } }) {
    expect(
      axis >= 0 && start >= 0 && length >= 0 && start + length <= x.shape[axis],
      () => `slice ${start}+${length} of ${show(x.shape)} axis ${axis}`,
    );
    return { shape: withExtent(x.shape, axis, length), dtype: x.dtype };
  },
  make: (_, node) => (x, axis, start, length) =>
    start === 0 && length === x.shape[axis]
      ? x
      : node("slice", { axis, start }, [x], { shape: withExtent(x.shape, axis, length) }),
  vjp: (b, { inputs: [x], axis, start, shape }) => [
    (g) => b.pad(g, axis, start, x.shape[axis] - start - shape[axis]),
  ],
  kind: "view",
  offset({ inputs: [x], axis, start }) {
    return sizeOf(x.shape.slice(0, axis)) === 1 ? start * sizeOf(x.shape.slice(axis + 1)) : undefined;
  },
  shifts: true,
  expressions: "all",
  operations: () => 1,
};

const concat: Primitive<"concat"> = {
  attributes: { axis: COUNT },
  operands: ({ inputs, dtype }) => inputs.map(() => dtype),
  infer({ inputs, axis }) {
    const [first] = inputs;
    expect(
      inputs.length > 0 &&
        axis >= 0 &&
        axis < first.shape.length &&
        inputs.every(
          (part) =>
            part.dtype === first.dtype &&
            sameShape(withExtent(part.shape, axis, 0), withExtent(first.shape, axis, 0)),
        ),
      () => `concat of ${inputs.map((part) => show(part.shape)).join(" ")} along ${axis}`,
    );
    const extent = inputs.reduce((sum, part) => sum + part.shape[axis], 0);
    return { shape: withExtent(first.shape, axis, extent), dtype: first.dtype };
  },
  make: (_, node) => (parts, axis) =>
    parts.length === 1 && axis >= 0 && axis < parts[0].shape.length
      ? parts[0]
      : node("concat", { axis }, parts),
  rebuild: (b, { axis }, inputs) => b.concat(inputs, axis),
  vjp(b, { inputs, axis }) {
    let start = 0;
    return inputs.map((part) => {
      const from = start;
      start += part.shape[axis];
      return (g) => b.slice(g, axis, from, part.shape[axis]);
    });
  },
  kind: "view",
  shifts: true,
  guards: true,
  expressions: "all",
  operations: ({ inputs }) => inputs.length,
};

const pad: Primitive<"pad"> = {
  attributes: { axis: COUNT, before: COUNT },
  operands: ["any"],
  infer({ inputs: [x], axis, before, shape: { [axis]: extent } }) {
    const after = extent - before - x.shape[axis];
    expect(
      axis >= 0 && axis < x.shape.length && before >= 0 && after >= 0,
      () => `pad ${before}, ${after} of ${show(x.shape)} axis ${axis}`,
    );
    return { shape: withExtent(x.shape, axis, extent), dtype: x.dtype };
  },
  make: (_, node) => (x, axis, before, after) =>
    before === 0 && after === 0
      ? x
      : node("pad", { axis, before }, [x], {
          shape: withExtent(x.shape, axis, before + x.shape[axis] + after),
        }),
  vjp: (b, { inputs: [x], axis, before }) => [(g) => b.slice(g, axis, before, x.shape[axis])],
  kind: "view",
  shifts: true,
  guards: true,
  expressions: "all",
  operations: () => 1,
};

export const views = { reshape, transpose, slice, concat, pad };

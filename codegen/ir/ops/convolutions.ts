import { type ConvGeometry, type Node, type Shape, type Signature, sizeOf } from "../graph.js";
import { GEOMETRY } from "./attributes.js";
import type { Primitive } from "./primitive.js";
import { expect, show } from "./shape-rules.js";

type Convolution = Signature<
  { readonly geometry: ConvGeometry },
  (x: Node, w: Node, geometry: ConvGeometry) => Node
>;

declare module "../graph.js" {
  interface Primitives {
    /** (x, w) → y: cross-correlation, as Caffe's Convolution. */
    readonly conv: Convolution;
    /** (y, w) → x: adjoint of `conv` in x; Caffe's Deconvolution. */
    readonly convData: Convolution;
    /** (x, y) → w: adjoint of `conv` in w. */
    readonly convFilter: Convolution;
  }
}

/** Checks that x, w and y belong together under a geometry. */
function checkConv(x: Shape, w: Shape, geometry: ConvGeometry, y?: Shape): void {
  const { groups, spatial } = geometry;
  const rank = spatial.length + 2;
  expect(
    x.length === rank &&
      w.length === rank &&
      w[1] * groups === x[1] &&
      w[0] % groups === 0 &&
      spatial.every((axis, i) => axis.input === x[i + 2] && axis.kernel === w[i + 2] && axis.output > 0) &&
      (!y || (y[0] === x[0] && y[1] === w[0] && spatial.every((axis, i) => axis.output === y[i + 2]))),
    () => `convolution of ${show(x)} with ${show(w)}${y ? ` giving ${show(y)}` : ""}, ${groups} groups`,
  );
}

/** Of a convolution's three tensors: every element of y takes the filter of one of its outputs. */
const flopsOf = (w: Node | { readonly shape: Shape }, y: { readonly shape: Shape }): number =>
  (2 * sizeOf(y.shape) * sizeOf(w.shape)) / w.shape[0];

const common = {
  attributes: { geometry: GEOMETRY },
  operands: ["real", "real"],
  kind: "loops",
  epilogue: true,
} as const;

const conv: Primitive<"conv"> = {
  ...common,
  infer({ inputs: [x, w], geometry }) {
    checkConv(x.shape, w.shape, geometry);
    return { shape: [x.shape[0], w.shape[0], ...geometry.spatial.map((axis) => axis.output)] };
  },
  vjp: (b, { inputs: [x, w], geometry }) => [
    (g) => b.convData(g, w, geometry),
    (g) => b.convFilter(x, g, geometry),
  ],
  flops: ({ inputs: [, w], shape }) => flopsOf(w, { shape }),
};

const convData: Primitive<"convData"> = {
  ...common,
  infer({ inputs: [y, w], geometry }) {
    const shape = [y.shape[0], w.shape[1] * geometry.groups, ...geometry.spatial.map((axis) => axis.input)];
    checkConv(shape, w.shape, geometry, y.shape);
    return { shape };
  },
  vjp: (b, { inputs: [y, w], geometry }) => [
    (g) => b.conv(g, w, geometry),
    (g) => b.convFilter(g, y, geometry),
  ],
  flops: ({ inputs: [y, w] }) => flopsOf(w, y),
};

const convFilter: Primitive<"convFilter"> = {
  ...common,
  infer({ inputs: [x, y], geometry }) {
    const shape = [y.shape[1], x.shape[1] / geometry.groups, ...geometry.spatial.map((axis) => axis.kernel)];
    checkConv(x.shape, shape, geometry, y.shape);
    return { shape };
  },
  vjp: (b, { inputs: [x, y], geometry }) => [
    (g) => b.convData(y, g, geometry),
    (g) => b.conv(x, g, geometry),
  ],
  flops: ({ inputs: [, y], shape }) => flopsOf({ shape }, y),
};

export const convolutions = { conv, convData, convFilter };

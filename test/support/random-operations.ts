import type { GraphBuilder } from "../../codegen/ir/builder.js";
import { type Node, type Shape, sameShape, sizeOf, type WindowAxis } from "../../codegen/ir/graph.js";
import {
  add,
  arg,
  binary,
  constant,
  coord,
  div,
  mul,
  neg,
  type Scalar,
  select,
  shaped,
  sub,
  unary,
} from "../../codegen/ir/scalar.js";
import { convGeometry, spatialWindow } from "./random-geometry.js";

/** What an operation makes nodes with. */
export interface Context {
  readonly b: GraphBuilder;
  readonly param: (shape: Shape) => Node;
  /** The data's shape. */
  readonly shape: Shape;
}

/** Makes a node from one or two earlier ones; undefined where they do not fit. `p` and `q` are 0 … 11. */
export interface Operation {
  /** Whether it has a derivative everywhere. */
  readonly smooth: boolean;
  readonly make: (context: Context, x: Node, y: Node, p: number, q: number) => Node | undefined;
}

const half = constant(0.5);
const UNARY_SMOOTH: readonly Scalar[] = [
  unary("sigmoid", arg(0)),
  unary("tanh", arg(0)),
  unary("softplus", arg(0)),
  unary("exp", unary("tanh", arg(0))),
  unary("log", add(unary("exp", unary("tanh", arg(0))), constant(1))),
  unary("sqrt", add(mul(arg(0), arg(0)), constant(1))),
  div(arg(0), add(mul(arg(0), arg(0)), constant(1))),
  binary("pow", add(mul(arg(0), arg(0)), constant(2)), constant(-0.75)),
  add(mul(arg(0), constant(0.75)), constant(-0.25)),
  mul(arg(0), add(constant(0.5), mul(coord(0), constant(0.125)))),
  neg(arg(0)),
  mul(arg(0), unary("tanh", arg(0))),
];
const UNARY_KINKED: readonly Scalar[] = [
  unary("relu", arg(0)),
  shaped("leakyRelu", arg(0), 0.25),
  shaped("leakyRelu", arg(0), -0.5),
  shaped("elu", arg(0), 1),
  shaped("elu", arg(0), 0.5),
  unary("abs", arg(0)),
  unary("sign", arg(0)),
  unary("floor", mul(arg(0), constant(3))),
  select("gt", arg(0), constant(0.125), mul(arg(0), constant(2)), neg(arg(0))),
  binary("max", arg(0), neg(arg(0))),
  binary("min", arg(0), constant(0.25)),
  select("lt", arg(0), constant(0), arg(0), constant(1)),
];
const BINARY_SMOOTH: readonly Scalar[] = [
  mul(half, add(arg(0), arg(1))),
  sub(arg(0), mul(half, arg(1))),
  mul(arg(0), unary("tanh", arg(1))),
  div(arg(0), add(mul(arg(1), arg(1)), constant(1))),
  mul(unary("sigmoid", arg(0)), arg(1)),
  add(mul(half, arg(1)), mul(arg(0), constant(0.25))),
];
const BINARY_KINKED: readonly Scalar[] = [
  binary("max", arg(0), arg(1)),
  binary("min", arg(0), arg(1)),
  select("ge", arg(0), arg(1), arg(0), mul(half, arg(1))),
  unary("relu", add(arg(0), arg(1))),
];

/** A smooth function of x; one that reads coordinates needs an axis. */
const smooth = (b: GraphBuilder, x: Node, p: number): Node =>
  b.map(x.shape.length === 0 ? pick(UNARY_SMOOTH, p % 9) : pick(UNARY_SMOOTH, p), [x], x.shape);

const pick = <T>(choices: readonly T[], p: number): T => choices[p % choices.length];

const scaled = (b: GraphBuilder, x: Node, factor: number): Node => b.map(mul(arg(0), constant(factor)), [x]);

/** The operations of random graphs, by name. */
export const OPERATIONS = {
  unary: { smooth: true, make: ({ b }, x, _y, p) => smooth(b, x, p) },
  kink: { smooth: false, make: ({ b }, x, _y, p) => b.map(pick(UNARY_KINKED, p), [x], x.shape) },
  binary: {
    smooth: true,
    make: ({ b }, x, y, p) => b.map(pick(BINARY_SMOOTH, p), [x, fitting(b, x, y, p)], x.shape),
  },
  binaryKink: {
    smooth: false,
    make: ({ b }, x, y, p) => b.map(pick(BINARY_KINKED, p), [x, fitting(b, x, y, p)], x.shape),
  },
  /** x + f(x): one value read twice. */
  residual: {
    smooth: true,
    make: ({ b }, x, _y, p) => b.map(mul(half, add(arg(0), arg(1))), [x, smooth(b, x, p)]),
  },
  /** Something per channel, broadcast. */
  bias: {
    smooth: true,
    make: ({ b, param }, x, _y, p) => {
      const axis = p % Math.max(1, x.shape.length);
      const shape = x.shape.map((extent, i) => (i === axis ? extent : 1));
      return b.map(p % 2 === 0 ? add(arg(0), arg(1)) : mul(arg(0), arg(1)), [x, param(shape)], x.shape);
    },
  },
  conv: {
    smooth: true,
    make: ({ b, param }, x, _y, p, q) => {
      if (x.shape.length < 3) return undefined;
      const channels = x.shape[1];
      const groups = q % 4 === 3 && channels % 2 === 0 ? 2 : q % 4 === 2 ? channels : 1;
      const geometry = convGeometry(x.shape.slice(2), groups, p, q);
      if (!geometry) return undefined;
      const w = param([groups * (1 + (p % 3)), channels / groups, ...geometry.spatial.map((s) => s.kernel)]);
      return b.conv(scaled(b, x, 0.5), w, geometry);
    },
  },
  /** Convolution of one value by another, as filters: both have a derivative. */
  deconv: {
    smooth: true,
    make: ({ b, param }, x, _y, p, q) => {
      if (x.shape.length < 3) return undefined;
      const kernel = 1 + (p % 3);
      const stride = 1 + (q % 2);
      const pad = Math.min((p >> 1) % 2, kernel - 1);
      const spatial = x.shape.slice(2).map((output) => ({
        kernel,
        stride,
        pad,
        dilation: 1,
        input: stride * (output - 1) + kernel - 2 * pad,
        output,
      }));
      if (spatial.some((s) => s.input <= 0)) return undefined;
      const groups = q % 3 === 0 && x.shape[1] % 2 === 0 ? 2 : 1;
      const w = param([x.shape[1], 1 + (p % 2), ...spatial.map((s) => s.kernel)]);
      return b.convData(scaled(b, x, 0.5), w, { groups, spatial });
    },
  },
  maxPool: {
    smooth: false,
    make: ({ b }, x, _y, p, q) => {
      const window = spatialWindow(x.shape, Math.max(0, x.shape.length - 2), p, q);
      return window && b.windowMax(x, window);
    },
  },
  /** Max pooling with its mask as a second blob, and another value picked there. */
  maskPool: {
    smooth: false,
    make: ({ b }, x, y, p, q) => {
      const window = spatialWindow(x.shape, Math.max(0, x.shape.length - 2), p, q);
      if (!window) return undefined;
      const mask = b.windowArgmax(x, window);
      const from = sameShape(x.shape, y.shape) ? y : smooth(b, x, p);
      const picked = b.windowPick(from, mask, window);
      return p % 3 === 0
        ? b.map(add(mul(arg(0), constant(0.125)), arg(1)), [mask, picked])
        : p % 3 === 1
          ? b.windowScatter(picked, mask, window)
          : picked;
    },
  },
  averagePool: {
    smooth: true,
    make: ({ b }, x, _y, p, q) => {
      const window = spatialWindow(x.shape, Math.max(0, x.shape.length - 2), p, q);
      return window && scaled(b, b.windowSum(x, window), 1 / window.reduce((n, w) => n * w.size, 1));
    },
  },
  spread: {
    smooth: true,
    make: ({ b }, x, _y, p) => {
      const window = x.shape.flatMap((windows, axis): WindowAxis[] => {
        if (axis < x.shape.length - 2) return [];
        const size = 1 + (p % 3);
        return [{ axis, size, stride: 2, pad: 0, windows, extent: 2 * (windows - 1) + size }];
      });
      return window.length > 0 ? scaled(b, b.windowSpread(x, window), 0.5) : undefined;
    },
  },
  /** Local response normalisation across axis 1. */
  lrn: {
    smooth: true,
    make: ({ b }, x, _y, p) => {
      if (x.shape.length < 2) return undefined;
      const size = 1 + 2 * (p % 3);
      const extent = x.shape[1];
      const squares = b.map(mul(arg(0), arg(0)), [x]);
      const sum = b.windowSum(squares, [
        { axis: 1, size, stride: 1, pad: (size - 1) / 2, windows: extent, extent },
      ]);
      const scale = add(constant(1), mul(arg(1), constant(0.5 / size)));
      return b.map(mul(arg(0), binary("pow", scale, constant(-0.75))), [x, sum]);
    },
  },
  innerProduct: {
    smooth: true,
    make: ({ b, param }, x, _y, p) => {
      if (x.shape.length === 0) return undefined;
      const rows = x.shape[0];
      const depth = sizeOf(x.shape) / rows;
      const flat = b.reshape(scaled(b, x, 1 / Math.sqrt(depth)), [1, rows, depth]);
      const outputs = 1 + (p % 5);
      const product =
        p % 2 === 0
          ? b.matmul(flat, param([1, outputs, depth]), false, true)
          : b.matmul(flat, param([1, depth, outputs]));
      return b.reshape(product, [rows, outputs]);
    },
  },
  /** Batched products in the four transpositions, with one side's batch possibly broadcast. */
  matmul: {
    smooth: true,
    make: ({ b, param }, x, _y, p, q) => {
      if (x.shape.length < 2) return undefined;
      const [rows, columns] = x.shape.slice(-2);
      const batch = sizeOf(x.shape) / rows / columns;
      const transA = p % 2 === 1;
      const transB = (p >> 1) % 2 === 1;
      const depth = transA ? rows : columns;
      const width = 1 + (q % 3);
      const otherBatch = q % 2 === 0 ? batch : 1;
      const other = param(transB ? [otherBatch, width, depth] : [otherBatch, depth, width]);
      const left = b.reshape(scaled(b, x, 1 / Math.sqrt(depth)), [batch, rows, columns]);
      return q % 5 === 4
        ? b.matmul(b.transpose(other, [0, 2, 1]), left, transB, !transA)
        : b.matmul(left, other, transA, transB);
    },
  },
  sum: {
    smooth: true,
    make: ({ b }, x, _y, p, q) => {
      const axes = x.shape.flatMap((_, axis) => (((p + 1) >> axis) % 2 === 1 ? [axis] : []));
      return scaled(b, b.reduce("sum", x, axes, q % 2 === 0), 0.25);
    },
  },
  max: {
    smooth: false,
    make: ({ b }, x, _y, p, q) => {
      const axes = x.shape.flatMap((_, axis) => (((p + 1) >> axis) % 2 === 1 ? [axis] : []));
      return b.reduce("max", x, axes, q % 2 === 0);
    },
  },
  argmax: {
    smooth: false,
    make: ({ b }, x, _y, p) => {
      if (x.shape.length === 0) return undefined;
      return b.map(mul(arg(0), constant(0.25)), [b.reduce("argmax", x, [p % x.shape.length])]);
    },
  },
  /** As the layer makes it: the greatest is subtracted first, as a constant. */
  softmax: {
    smooth: true,
    make: ({ b }, x, _y, p) => {
      if (x.shape.length === 0) return undefined;
      const axes = [p % x.shape.length];
      const greatest = b.stop(b.reduce("max", x, axes));
      const powers = b.map(unary("exp", sub(arg(0), arg(1))), [x, greatest]);
      return b.map(div(arg(0), arg(1)), [powers, b.reduce("sum", powers, axes)]);
    },
  },
  concat: {
    smooth: true,
    make: ({ b }, x, y, p) => {
      if (x.shape.length === 0) return undefined;
      const axis = p % x.shape.length;
      const fits =
        x.shape.length === y.shape.length &&
        x.dtype === y.dtype &&
        x.shape.every((extent, i) => i === axis || extent === y.shape[i]);
      const other = fits ? y : x;
      return b.concat(p % 3 === 0 ? [x, other, b.map(neg(arg(0)), [x])] : [other, x], axis);
    },
  },
  slice: {
    smooth: true,
    make: ({ b }, x, _y, p, q) => {
      if (x.shape.length === 0) return undefined;
      const axis = p % x.shape.length;
      const start = q % x.shape[axis];
      return b.slice(x, axis, start, Math.max(1, (x.shape[axis] - start) >> (p % 2)));
    },
  },
  pad: {
    smooth: true,
    make: ({ b }, x, _y, p, q) =>
      x.shape.length === 0 ? undefined : b.pad(x, p % x.shape.length, q % 3, (q >> 1) % 3),
  },
  transpose: {
    smooth: true,
    make: ({ b }, x, _y, p, q) => {
      const perm = x.shape.map((_, axis) => axis);
      for (let i = perm.length - 1; i > 0; i--) {
        const j = (p + q * i) % (i + 1);
        [perm[i], perm[j]] = [perm[j], perm[i]];
      }
      return b.transpose(x, perm);
    },
  },
  reshape: {
    smooth: true,
    make: ({ b, shape }, x, _y, p) => {
      const size = sizeOf(x.shape);
      if (p % 4 === 0 && size === sizeOf(shape)) return b.reshape(x, shape);
      if (p % 4 === 1) return b.reshape(x, [size]);
      const first = pick(
        [2, 3, 4, 5].filter((extent) => size % extent === 0),
        p,
      );
      return b.reshape(x, first ? [first, size / first] : [1, 1, size]);
    },
  },
  /** Rows of a table by position. */
  gather: {
    smooth: true,
    make: ({ b, param }, x, _y, p) => {
      const position = b.input("positions", [4], "index");
      const table = x.shape.length > 0 && x.shape[0] >= 3 ? x : param([3, 1 + (p % 4)]);
      return b.gather(table, position);
    },
  },
  /** Rows taken and put elsewhere, some of them onto each other. */
  scatter: {
    smooth: true,
    make: ({ b }, x, _y, p) => {
      if (x.shape.length === 0 || x.shape[0] < 3) return undefined;
      const rows = p % 2 === 0 && x.shape[0] === 4 ? x : b.gather(x, b.input("rows", [4], "index"));
      return b.scatter(rows, b.input("positions", [4], "index"), 3 + (p % 3));
    },
  },
  dropout: {
    smooth: true,
    make: ({ b }, x, _y, p) => {
      const bits = b.random(b.input("step", []), p, x.shape);
      return b.map(mul(arg(0), select("ge", arg(1), constant(0.25), constant(4 / 3), constant(0))), [
        x,
        bits,
      ]);
    },
  },
  blob: { smooth: true, make: ({ b }, x, _y, p) => b.blob(x, `blob${p}`, x.id) },
  stop: { smooth: false, make: ({ b }, x) => b.stop(x) },
  instead: { smooth: true, make: ({ b }, x) => b.instead(b.stop(x), x) },
} satisfies Record<string, Operation>;

/** `y` where it broadcasts to x's shape; else something made of x. */
function fitting(b: GraphBuilder, x: Node, y: Node, p: number): Node {
  const offset = x.shape.length - y.shape.length;
  const fits = offset >= 0 && y.shape.every((extent, i) => extent === 1 || extent === x.shape[i + offset]);
  return fits ? y : smooth(b, x, p);
}

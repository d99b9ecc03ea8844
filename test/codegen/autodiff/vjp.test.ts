import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readsOf, vjp } from "../../../codegen/autodiff/index.js";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import {
  type ConvGeometry,
  type Node,
  type Op,
  type Shape,
  sizeOf,
  type WindowAxis,
} from "../../../codegen/ir/graph.js";
import {
  add,
  arg,
  binary,
  constant,
  coord,
  div,
  mul,
  shaped,
  sub,
  unary,
} from "../../../codegen/ir/scalar.js";
import { coordinates, interpret } from "../../support/interpret.js";
import { values } from "../../support/random-graph.js";

/** Makes a node over fresh inputs; `p` are numbers from 0 to 11 to shape it by. */
interface Case {
  /** Whether the node is linear in each real input: then the directional derivative is exact. */
  readonly linear: boolean;
  /** What an input's values must keep apart, so that a small step crosses no kink. */
  readonly distinct?: boolean;
  readonly make: (b: GraphBuilder, p: readonly number[]) => Node;
}

const image = (p: readonly number[]): Shape => [
  1 + (p[0] % 2),
  1 + (p[1] % 4),
  1 + (p[2] % 6),
  1 + (p[3] % 5),
];

function windowOf(shape: Shape, p: readonly number[], side: "extent" | "windows"): readonly WindowAxis[] {
  const [first, last] = p[7] % 3 === 0 ? [1, 1] : p[7] % 3 === 1 ? [2, 3] : [3, 3];
  return [first, last].slice(first === last ? 1 : 0).map((axis, i) => {
    const size = 1 + (p[4 + i] % 3);
    const stride = 1 + (p[5] % 3);
    const pad = Math.min(size - 1, p[6] % 2);
    if (side === "windows") {
      const windows = shape[axis];
      return {
        axis,
        size,
        stride,
        pad,
        windows,
        extent: Math.max(1, (windows - 1) * stride - pad + 1 + (p[8] % size)),
      };
    }
    const extent = shape[axis];
    let windows = Math.ceil(Math.max(0, extent + 2 * pad - size) / stride) + 1;
    while (windows > 1 && (windows - 1) * stride - pad >= extent) windows--;
    return { axis, size, stride, pad, windows, extent };
  });
}

/** A convolution's three shapes: groups, strides, pads and dilations; the last rows of x may go unread. */
function convolution(p: readonly number[]): { geometry: ConvGeometry; x: Shape; w: Shape; y: Shape } {
  const groups = 1 + (p[0] % 2);
  const spatial = [p.slice(1, 6), p.slice(4, 9)].slice(p[9] % 2).map(([k, s, pad, d, more]) => {
    const kernel = 1 + (k % 3);
    const dilation = 1 + (d % 2);
    const output = 1 + (more % 3);
    const stride = 1 + (s % 2);
    const reach = dilation * (kernel - 1) + 1;
    const padding = pad % 3;
    const input = Math.max(1, (output - 1) * stride + reach - 2 * padding + (more % stride));
    return {
      kernel,
      stride,
      dilation,
      pad: padding,
      input,
      output: Math.max(1, Math.floor((input + 2 * padding - reach) / stride) + 1),
    };
  });
  const [perIn, perOut] = [1 + (p[10] % 2), 1 + (p[8] % 3)];
  return {
    geometry: { groups, spatial },
    x: [2, groups * perIn, ...spatial.map((s) => s.input)],
    w: [groups * perOut, perIn, ...spatial.map((s) => s.kernel)],
    y: [2, groups * perOut, ...spatial.map((s) => s.output)],
  };
}

const matrix = (batch: number, rows: number, columns: number, flipped: boolean): Shape =>
  flipped ? [batch, columns, rows] : [batch, rows, columns];

const nothing: Case = { linear: true, make: (b) => b.input("x", [2]) };
const onImage = (
  linear: boolean,
  make: (b: GraphBuilder, x: Node, p: readonly number[]) => Node,
  distinct = false,
): Case => ({ linear, distinct, make: (b, p) => make(b, b.input("x", image(p)), p) });

const SMOOTH = [
  mul(arg(0), arg(1)),
  div(arg(0), add(mul(arg(1), arg(1)), constant(1))),
  unary("sigmoid", sub(arg(0), arg(1))),
  mul(arg(0), binary("pow", add(constant(2), arg(1)), constant(-0.75))),
  add(unary("softplus", arg(0)), mul(coord(1), arg(1))),
  mul(unary("tanh", arg(0)), unary("exp", arg(1))),
  add(arg(0), arg(1)),
  sub(constant(1), arg(1)),
];
/** Kinked at 0 only, which no value is near. */
const KINKED = [
  mul(unary("relu", arg(0)), arg(1)),
  add(shaped("leakyRelu", arg(0), -0.5), shaped("elu", arg(1), 0.5)),
  mul(unary("abs", arg(0)), arg(1)),
  binary("max", arg(0), constant(0)),
];

/** One case per operation: the table of products cannot gain one that is not tried here. */
const CASES: { readonly [K in Op]: Case } = {
  input: nothing,
  param: { linear: true, make: (b) => b.param(0, [2]) },
  constant: { linear: true, make: (b) => b.constant(2, [2]) },
  random: { linear: true, make: (b) => b.random(b.input("step", []), 1, [3]) },
  stop: onImage(true, (b, x) => b.stop(x)),
  blob: onImage(true, (b, x) => b.blob(x, "x", 0)),
  instead: onImage(true, (b, x) => b.instead(b.blob(x, "x", 0), x)),
  map: {
    linear: false,
    distinct: true,
    make: (b, p) => {
      const shape = image(p);
      const other = shape.map((extent, axis) => ((p[5] >> axis) % 2 === 0 ? extent : 1));
      const first = shape.map((extent, axis) => ((p[6] >> axis) % 2 === 0 ? extent : 1));
      const all = [...SMOOTH, ...KINKED];
      return b.map(all[(p[4] + p[7]) % all.length], [b.input("x", first), b.input("y", other)], shape);
    },
  },
  reduce: onImage(
    false,
    (b, x, p) => {
      const axes = [0, 1, 2, 3].filter((axis) => (p[4] >> axis) % 2 === 1);
      return b.reduce(p[5] % 2 === 0 ? "sum" : "max", x, axes);
    },
    true,
  ),
  matmul: {
    linear: true,
    make: (b, p) => {
      const [batch, m, k, n] = [1 + (p[0] % 3), 1 + (p[1] % 3), 1 + (p[2] % 4), 1 + (p[3] % 3)];
      const [transA, transB] = [p[4] % 2 === 1, p[5] % 2 === 1];
      const left = b.input("x", matrix(p[6] % 3 === 1 ? 1 : batch, m, k, transA));
      const right = b.input("y", matrix(p[6] % 3 === 2 ? 1 : batch, k, n, transB));
      return b.matmul(left, right, transA, transB);
    },
  },
  conv: {
    linear: true,
    make: (b, p) => {
      const { geometry, x, w } = convolution(p);
      return b.conv(b.input("x", x), b.input("y", w), geometry);
    },
  },
  convData: {
    linear: true,
    make: (b, p) => {
      const { geometry, y, w } = convolution(p);
      return b.convData(b.input("x", y), b.input("y", w), geometry);
    },
  },
  convFilter: {
    linear: true,
    make: (b, p) => {
      const { geometry, x, y } = convolution(p);
      return b.convFilter(b.input("x", x), b.input("y", y), geometry);
    },
  },
  windowMax: onImage(false, (b, x, p) => b.windowMax(x, windowOf(x.shape, p, "extent")), true),
  windowArgmax: onImage(false, (b, x, p) => b.windowArgmax(x, windowOf(x.shape, p, "extent"))),
  windowScatter: onImage(true, (b, x, p) => {
    const window = windowOf(x.shape, p, "windows");
    const plain = x.shape.map((extent, axis) => window.find((w) => w.axis === axis)?.extent ?? extent);
    const positions = window.reduce((product, w) => product * plain[w.axis], 1);
    return b.windowScatter(x, somewhere(b, x.shape, positions), window);
  }),
  windowPick: onImage(true, (b, x, p) => {
    const window = windowOf(x.shape, p, "extent");
    const shape = x.shape.map((extent, axis) => window.find((w) => w.axis === axis)?.windows ?? extent);
    const positions = window.reduce((product, w) => product * x.shape[w.axis], 1);
    return b.windowPick(x, somewhere(b, shape, positions), window);
  }),
  windowSum: onImage(true, (b, x, p) => b.windowSum(x, windowOf(x.shape, p, "extent"))),
  windowSpread: onImage(true, (b, x, p) => b.windowSpread(x, windowOf(x.shape, p, "windows"))),
  gather: onImage(true, (b, x) => b.gather(x, somewhere(b, [5], x.shape[0]))),
  scatter: onImage(true, (b, x, p) =>
    b.scatter(x, somewhere(b, [x.shape[0]], 1 + (p[4] % 4)), 1 + (p[4] % 4)),
  ),
  reshape: onImage(true, (b, x) => b.reshape(x, [1, sizeOf(x.shape)])),
  transpose: onImage(true, (b, x, p) => b.transpose(x, p[4] % 2 === 0 ? [2, 0, 3, 1] : [3, 2, 1, 0])),
  slice: onImage(true, (b, x, p) => b.slice(x, 2, p[4] % x.shape[2], 1)),
  concat: {
    linear: true,
    make: (b, p) => {
      const axis = p[4] % 4;
      const other = image(p).map((extent, i) => (i === axis ? 1 + (p[5] % 3) : extent));
      return b.concat([b.input("x", image(p)), b.input("y", other)], axis);
    },
  },
  pad: onImage(true, (b, x, p) => b.pad(x, p[4] % 4, p[5] % 3, p[6] % 3)),
};

/** Positions below `below`, written as a map of the coordinates. */
function somewhere(b: GraphBuilder, shape: Shape, below: number): Node {
  const mixed = shape.reduce(
    (sum, _, axis) => add(sum, mul(coord(axis), constant(0.37 + 0.29 * axis))),
    constant(0.41),
  );
  const fraction = sub(mixed, unary("floor", mixed));
  return b.map(mul(fraction, constant(below)), [], shape, "index");
}

/** Values that are apart from each other and from 0 by more than any step taken. */
function apart(count: number, seed: number): Float64Array {
  const order = Array.from(values(count, seed), (value, i) => ({ value, i })).sort(
    (x, y) => x.value - y.value,
  );
  const out = new Float64Array(count);
  order.forEach(({ i }, rank) => {
    out[i] = ((rank + 0.5 - count / 2 + (count % 2 === 0 ? 0 : 0.25)) * 2) / count;
  });
  return out;
}

const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, value, i) => sum + value * y[i], 0);

describe.each(Object.entries(CASES))("%s", (op, { linear, distinct, make }) => {
  test("<Jv, u> = <v, Jᵀu> for every input", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 11 }), { minLength: 11, maxLength: 11 }),
        fc.nat({ max: 999 }),
        (p, seed) => {
          const b = createBuilder();
          const node = make(b, p);
          const inputs = new Map<string, Float64Array>();
          for (const x of node.inputs) {
            if (x.op !== "input") continue;
            const count = sizeOf(x.shape);
            inputs.set(x.name, distinct ? apart(count, seed + x.id) : values(count, seed + x.id));
          }
          const u = values(sizeOf(node.shape), seed + 91);
          const cotangent = b.input("u", node.shape);
          const pullbacks = vjp(b, node);
          expect(pullbacks).toHaveLength(node.inputs.length);
          pullbacks.forEach((pullback, i) => {
            const x = node.inputs[i];
            if (
              x.op !== "input" ||
              x.dtype !== "real" ||
              op === "random" ||
              node.dtype === "index" ||
              op === "stop"
            ) {
              expect(pullback).toBeUndefined();
              return;
            }
            const v = values(sizeOf(x.shape), seed + 47);
            const product = pullback?.(cotangent);
            if (product) expect(product.shape).toEqual(x.shape);
            const back = product
              ? interpret([product], { inputs: new Map([...inputs, ["u", u]]), params: new Map() })(product)
              : new Float64Array(v.length);
            const h = linear ? 1 : 1e-6;
            const at = (step: number): Float64Array => {
              const moved = inputs.get(x.name)!.map((value, k) => value + step * v[k]);
              return interpret([node], { inputs: new Map([...inputs, [x.name, moved]]), params: new Map() })(
                node,
              );
            };
            const [above, below] = [at(h), at(-h)];
            const forward = dot(
              above.map((value, k) => (value - below[k]) / (2 * h)),
              u,
            );
            const size = 1 + Math.sqrt(dot(v, v) * dot(back, back));
            expect(Math.abs(forward - dot(v, back)) / size).toBeLessThan(linear ? 1e-12 : 1e-7);
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("of several greatest, the first in row-major order gets the gradient", () => {
  const b = createBuilder();
  const x = b.input("x", [2, 3, 3]);
  const held = [0, 1, 2, 5, 4, 5, 5, 0, 5, /**/ 7, 7, 7, 7, 7, 7, 7, 7, 7];
  const g = b.input("g", [2, 1, 1]);
  const [pullback] = vjp(b, b.reduce("max", x, [1, 2]));
  const node = pullback!(g);
  const inputs = new Map([
    ["x", Float64Array.from(held)],
    ["g", Float64Array.of(3, 4)],
  ]);
  const result = interpret([node], { inputs, params: new Map() })(node);
  const expected = Float64Array.from(held, (_, i) => (i === 3 ? 3 : i === 9 ? 4 : 0));
  expect(result).toEqual(expected);
  expect(coordinates([2, 3, 3], 3)).toEqual([0, 1, 0]);
});

test("a steady slope is applied after the sum", () => {
  const b = createBuilder();
  const [x, mean] = [b.input("x", [4, 5]), b.input("mean", [4, 1])];
  const g = b.input("g", [4, 5]);
  const pullbacks = vjp(b, b.map(sub(arg(0), arg(1)), [x, mean]));
  expect(pullbacks[1]!(g)).toBe(b.map(unary("neg", arg(0)), [b.reduce("sum", g, [1])]));
  expect(pullbacks[0]!(g)).toBe(g);
});

test("a slope that changes along what is summed is applied before", () => {
  const b = createBuilder();
  const [row, g] = [b.input("row", [4, 1]), b.input("g", [4, 5])];
  const [along] = vjp(b, b.map(mul(arg(0), coord(1)), [row], [4, 5]));
  expect(along!(g)).toBe(b.reduce("sum", b.map(mul(arg(0), coord(1)), [g]), [1]));
  const [across] = vjp(b, b.map(mul(arg(0), coord(0)), [row], [4, 5]));
  expect(across!(g)).toBe(b.map(mul(arg(0), coord(0)), [b.reduce("sum", g, [1])]));
});

describe("what a derivative reads", () => {
  const b = createBuilder();
  const x = b.input("x", [1, 2, 4, 4]);
  const y = b.input("y", [1, 2, 4, 4]);
  const [window] = [[{ axis: 2, size: 2, stride: 2, pad: 0, windows: 2, extent: 4 }]];
  const geometry: ConvGeometry = {
    groups: 1,
    spatial: [0, 1].map(() => ({ kernel: 3, stride: 1, pad: 1, dilation: 1, input: 4, output: 4 })),
  };
  const w = b.input("w", [2, 2, 3, 3]);
  test.each<[string, Node, boolean, boolean[]]>([
    ["relu: its output", b.map(unary("relu", arg(0)), [x]), true, [false]],
    ["sigmoid: its output", b.map(unary("sigmoid", arg(0)), [x]), true, [false]],
    ["log: its input", b.map(unary("log", arg(0)), [x]), false, [true]],
    ["a sum: nothing", b.map(add(arg(0), arg(1)), [x, y]), false, [false, false]],
    ["a product: both factors", b.map(mul(arg(0), arg(1)), [x, y]), false, [true, true]],
    ["a quotient: output and divisor", b.map(div(arg(0), arg(1)), [x, y]), true, [false, true]],
    ["a convolution: both inputs", b.conv(x, w, geometry), false, [true, true]],
    ["the greatest of windows: its input", b.windowMax(x, window), false, [true]],
    ["the sum of windows: nothing", b.windowSum(x, window), false, [false]],
    ["a view: nothing", b.reshape(x, [32]), false, [false]],
    ["a sum over axes: nothing", b.reduce("sum", x, [1]), false, [false]],
    ["the greatest over axes: its input", b.reduce("max", x, [1]), false, [true]],
    ["a blob's name: nothing", b.blob(x, "x", 0), false, [false]],
    ["positions: nothing", b.windowArgmax(x, window), false, [false]],
  ])("%s", (_, node, output, inputs) => {
    expect(readsOf(node)).toEqual({ output, inputs });
  });

  test("only the inputs asked for count", () => {
    expect(readsOf(b.conv(x, w, geometry), (i) => i === 0)).toEqual({ output: false, inputs: [false, true] });
    expect(readsOf(b.conv(x, w, geometry), (i) => i === 1)).toEqual({ output: false, inputs: [true, false] });
  });
});

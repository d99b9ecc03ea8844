import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import type { ConvGeometry, Graph, Node, Shape, WindowAxis } from "../../../codegen/ir/graph.js";
import { printGraph } from "../../../codegen/ir/print-graph.js";
import { add, arg, binary, constant, coord, mul, select, unary } from "../../../codegen/ir/scalar.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { makeRunnable } from "../../support/run.js";

/** Builds the nodes to compute; index inputs hold positions below what is given with them. */
interface Case {
  readonly build: (b: GraphBuilder) => readonly Node[];
  readonly rows?: number;
}

const integer = (min: number, max: number) => fc.integer({ min, max });
const shapes = (minRank: number, maxRank: number, most = 7): fc.Arbitrary<number[]> =>
  fc.array(integer(1, most), { minLength: minRank, maxLength: maxRank });

const concats: fc.Arbitrary<(b: GraphBuilder) => Node> = fc
  .tuple(shapes(1, 4), integer(0, 3), fc.array(integer(1, 5), { minLength: 1, maxLength: 6 }))
  .map(([shape, a, extents]) => (b) => {
    const axis = a % shape.length;
    const parts = extents.map((extent, i) =>
      b.input(
        `x${i}`,
        shape.map((e, j) => (j === axis ? extent : e)),
      ),
    );
    return b.concat(parts, axis);
  });

const convolutions = fc
  .record({
    images: integer(1, 3),
    groups: integer(1, 3),
    channels: integer(1, 3),
    filters: integer(1, 9),
    spatial: fc.array(
      fc.record({
        kernel: integer(1, 3),
        stride: integer(1, 3),
        pad: integer(0, 3),
        dilation: integer(1, 2),
        input: integer(1, 10),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    epilogue: fc.boolean(),
  })
  .map(({ groups, spatial, ...rest }) => ({
    ...rest,
    geometry: {
      groups,
      spatial: spatial.map((s) => ({
        ...s,
        output: Math.floor((s.input + 2 * s.pad - (s.dilation * (s.kernel - 1) + 1)) / s.stride) + 1,
      })),
    } satisfies ConvGeometry,
  }))
  .filter(({ geometry }) => geometry.spatial.every((s) => s.output > 0));

/** Bias per channel and ReLU on a node; with `both` the node itself is wanted too. */
const finish = (b: GraphBuilder, node: Node, wanted: boolean, axis = 1): readonly Node[] => {
  if (!wanted) return [node];
  const bias = b.param(9, [node.shape[axis], ...node.shape.slice(axis + 1).map(() => 1)]);
  return [b.map(unary("relu", add(arg(0), arg(1))), [node, bias])];
};

const convolution = (op: "conv" | "convData" | "convFilter"): fc.Arbitrary<Case> =>
  convolutions.map(({ images, channels, filters, geometry, epilogue }) => ({
    build: (b) => {
      const { groups, spatial } = geometry;
      const x: Shape = [images, groups * channels, ...spatial.map((s) => s.input)];
      const w: Shape = [groups * filters, channels, ...spatial.map((s) => s.kernel)];
      const y: Shape = [images, groups * filters, ...spatial.map((s) => s.output)];
      const node =
        op === "conv"
          ? b.conv(b.input("x", x), b.param(0, w), geometry)
          : op === "convData"
            ? b.convData(b.input("y", y), b.param(0, w), geometry)
            : b.convFilter(b.input("x", x), b.input("y", y), geometry);
      return finish(b, node, epilogue);
    },
  }));

/** Windows over some axes of a shape, none of them empty. */
const windows = fc
  .record({ shape: shapes(1, 4), picks: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }) })
  .chain(({ shape, picks }) => {
    const axes = shape.map((_, axis) => axis).filter((axis) => picks[axis]);
    return fc
      .array(
        fc.record({ size: integer(1, 4), stride: integer(1, 3), pad: integer(0, 2), extra: fc.boolean() }),
        {
          minLength: Math.max(1, axes.length),
          maxLength: Math.max(1, axes.length),
        },
      )
      .map((settings) => ({
        shape,
        window: (axes.length > 0 ? axes : [0]).map((axis, i): WindowAxis => {
          const { size, stride, extra } = settings[i];
          const pad = Math.min(settings[i].pad, size - 1);
          const extent = shape[axis];
          // The last window may hang over the end, but begins inside.
          const most = Math.floor((extent - 1 + pad) / stride) + 1;
          const fits = Math.max(1, Math.floor((extent + pad - size) / stride) + 1);
          return { axis, size, stride, pad, windows: extra ? most : Math.min(fits, most), extent };
        }),
      }));
  });
const windowed = (shape: Shape, window: readonly WindowAxis[]): Shape =>
  shape.map((extent, axis) => window.find((w) => w.axis === axis)?.windows ?? extent);

const scalars = [
  ...(["neg", "abs", "sign", "tanh", "sigmoid", "softplus", "relu", "floor", "exp"] as const).map((op) =>
    unary(op, arg(0)),
  ),
  unary("log", add(constant(3), arg(0))),
  unary("sqrt", add(constant(3), arg(0))),
  ...(["add", "sub", "mul", "max", "min"] as const).map((op) => binary(op, arg(0), arg(1))),
  binary("div", arg(0), add(mul(arg(1), arg(1)), constant(1))),
  binary("pow", add(constant(3), arg(0)), arg(1)),
  binary("pow", constant(-0), add(constant(3), arg(0))),
  binary("sub", arg(0), binary("sub", arg(1), constant(-1.5))),
  binary("mul", unary("neg", arg(0)), unary("neg", unary("exp", arg(1)))),
  ...(["gt", "ge", "lt", "le", "eq", "ne"] as const).map((cmp) =>
    select(cmp, arg(0), arg(1), mul(arg(0), constant(2)), add(arg(1), coord(0))),
  ),
  select("gt", arg(0), constant(0), unary("log", arg(0)), select("lt", arg(1), arg(0), arg(1), constant(7))),
  binary("mul", binary("max", arg(0), arg(1)), select("gt", arg(0), arg(1), arg(0), constant(Infinity))),
];

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  map: fc
    .tuple(shapes(1, 5), fc.constantFrom(...scalars), fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }))
    .map(([shape, expression, broadcast]) => ({
      build: (b) => {
        const other = shape.map((extent, axis) => (broadcast[axis] ? extent : 1));
        return [b.map(expression, [b.input("x", shape), b.input("y", other)], shape)];
      },
    })),
  transpose: shapes(1, 5)
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray(
          shape.map((_, i) => i),
          { minLength: shape.length },
        ),
      ),
    )
    .map(([shape, perm]) => ({ build: (b) => [b.transpose(b.input("x", shape), perm)] })),
  slice: fc.tuple(shapes(1, 4), integer(0, 3), integer(0, 6), integer(1, 7)).map(([shape, a, s, l]) => ({
    build: (b) => {
      const axis = a % shape.length;
      const start = s % shape[axis];
      const length = Math.min(l, shape[axis] - start);
      // Read element-wise, so that a contiguous one has a step too.
      return [b.map(unary("neg", arg(0)), [b.slice(b.input("x", shape), axis, start, length)])];
    },
  })),
  concat: concats.map((concat) => ({ build: (b) => [concat(b)] })),
  // Each element finds its part.
  "concat in a function": concats.map((concat) => ({
    build: (b) => {
      const whole = concat(b);
      return [b.map(unary("neg", arg(0)), [whole], whole.shape)];
    },
  })),
  "concat of maps and views, padded": fc
    .tuple(shapes(2, 3), integer(0, 2), integer(0, 3))
    .map(([shape, a, p]) => ({
      build: (b) => {
        const axis = a % shape.length;
        const x = b.input("x", shape);
        const y = b.transpose(b.input("y", [...shape].reverse()), shape.map((_, i) => i).reverse());
        return [b.concat([b.map(unary("tanh", arg(0)), [x]), b.pad(y, axis, p, 1)], axis)];
      },
    })),
  pad: fc
    .tuple(shapes(1, 4), integer(0, 3), integer(0, 3), integer(0, 3))
    .map(([shape, axis, before, after]) => ({
      build: (b) => [b.pad(b.input("x", shape), axis % shape.length, before, after)],
    })),
  constant: shapes(1, 4).map((shape) => ({ build: (b) => [b.constant(-2.5, shape)] })),
  random: fc.tuple(shapes(1, 4, 9), fc.constantFrom(0, 1, 7, 2 ** 33 + 5)).map(([shape, stream]) => ({
    build: (b) => [b.random(b.input("step", []), stream, shape)],
  })),
  reduce: fc
    .tuple(
      shapes(1, 5, 6),
      fc.constantFrom("sum" as const, "max" as const),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      fc.boolean(),
    )
    .map(([shape, kind, picks, drop]) => ({
      build: (b) => {
        const axes = shape.map((_, axis) => axis).filter((axis) => picks[axis]);
        const squares = b.map(mul(arg(0), arg(0)), [b.input("x", shape)]);
        return [
          b.map(add(arg(0), constant(1)), [b.reduce(kind, squares, axes.length > 0 ? axes : [0], drop)]),
        ];
      },
    })),
  argmax: fc.tuple(shapes(1, 4, 9), integer(0, 3)).map(([shape, axis]) => ({
    build: (b) => [b.reduce("argmax", b.input("x", shape), [axis % shape.length])],
  })),
  matmul: fc
    .record({
      batch: integer(1, 3),
      aBroadcast: fc.boolean(),
      bBroadcast: fc.boolean(),
      m: integer(1, 22),
      n: integer(1, 22),
      k: integer(1, 9),
      transA: fc.boolean(),
      transB: fc.boolean(),
      epilogue: fc.boolean(),
    })
    .map(({ batch, aBroadcast, bBroadcast, m, n, k, transA, transB, epilogue }) => ({
      build: (b) => {
        const [aBatch, bBatch] = [aBroadcast ? 1 : batch, bBroadcast ? 1 : batch];
        const left = b.input("a", transA ? [aBatch, k, m] : [aBatch, m, k]);
        const right = b.param(0, transB ? [bBatch, n, k] : [bBatch, k, n]);
        const product = b.matmul(left, right, transA, transB);
        return finish(b, epilogue ? b.reshape(product, [product.shape[0] * m, n]) : product, epilogue);
      },
    })),
  conv: convolution("conv"),
  convData: convolution("convData"),
  convFilter: convolution("convFilter"),
  windowMax: windows.map(({ shape, window }) => ({
    build: (b) => [b.windowMax(b.input("x", shape), window)],
  })),
  "windowMax with its argmax": windows.map(({ shape, window }) => ({
    build: (b) => {
      const x = b.map(unary("abs", arg(0)), [b.input("x", shape)]);
      const [max, argmax] = [b.windowMax(x, window), b.windowArgmax(x, window)];
      return [b.map(mul(arg(0), constant(2)), [max]), argmax, b.map(add(arg(0), arg(1)), [max, argmax])];
    },
  })),
  windowArgmax: windows.map(({ shape, window }) => ({
    build: (b) => [b.windowArgmax(b.input("x", shape), window.toReversed())],
  })),
  windowPick: windows.map(({ shape, window }) => ({
    build: (b) => [b.windowPick(b.input("y", shape), b.windowArgmax(b.input("x", shape), window), window)],
  })),
  windowScatter: windows.map(({ shape, window }) => ({
    build: (b) => {
      const position = b.windowArgmax(b.input("x", shape), window);
      const scattered = b.windowScatter(b.input("y", windowed(shape, window)), position, window);
      return [b.map(mul(arg(0), arg(1)), [scattered, b.input("z", shape)])];
    },
  })),
  windowSum: windows.map(({ shape, window }) => ({
    build: (b) => [b.windowSum(b.map(mul(arg(0), arg(0)), [b.input("x", shape)]), window)],
  })),
  windowSpread: windows.map(({ shape, window }) => ({
    build: (b) => [b.windowSpread(b.input("y", windowed(shape, window)), window)],
  })),
  gather: fc.tuple(shapes(1, 4), integer(1, 6)).map(([shape, count]) => ({
    rows: shape[0],
    build: (b) => [b.gather(b.input("x", shape), b.input("position", [count], "index"))],
  })),
  scatter: fc.tuple(shapes(1, 4), integer(1, 6)).map(([shape, extent]) => ({
    rows: extent,
    build: (b) => [b.scatter(b.input("x", shape), b.input("position", [shape[0]], "index"), extent)],
  })),
};

const graphOf = ({ build }: Case): Graph => ({
  roots: build(createBuilder()).map((node, i) => ({ role: "value", blob: `root${i}`, node })),
});

/** Fails with the graph and the source where a value is off by more than `tolerance`, relative to the largest. */
function compare(graph: Graph, made: Case, seed: number, dtype: "float32" | "float64", fuse: boolean): void {
  const bindings = bindLeaves(graph, seed, () => made.rows ?? 1);
  const expected = interpret(graph, bindings);
  const plan = planGraph(graph, { realBytes: dtype === "float32" ? 4 : 8, fuse, alias: fuse });
  const net = makeRunnable(plan, { dtype, seed });
  net.run(bindings);
  for (const { node } of graph.roots) {
    const [got, want] = [net.read(node), expected(node)];
    const largest = want.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1);
    const tolerance = dtype === "float32" ? 1e-5 * largest : 1e-9 * largest;
    for (let i = 0; i < want.length; i++)
      if (!Object.is(got[i], want[i]) && !(Math.abs(got[i] - want[i]) <= tolerance))
        expect.fail(`%${node.id}[${i}] is ${got[i]}, not ${want[i]}\n${printGraph(graph)}\n${net.source}`);
  }
}

describe.each(Object.entries(CASES))("%s", (_name, cases) => {
  it.each([
    { dtype: "float64", fuse: true },
    { dtype: "float64", fuse: false },
    { dtype: "float32", fuse: true },
  ] as const)("is what the interpreter says: %j", ({ dtype, fuse }) => {
    fc.assert(
      fc.property(cases, fc.nat(1000), (made, seed) => compare(graphOf(made), made, seed, dtype, fuse)),
      { numRuns: 40 },
    );
  });

  it("gives the same bits however its range is split", () => {
    fc.assert(
      fc.property(cases, fc.nat(1000), integer(2, 7), (made, seed, parts) => {
        const graph = graphOf(made);
        const bindings = bindLeaves(graph, seed, () => made.rows ?? 1);
        const plan = planGraph(graph, { realBytes: 4 });
        const [whole, split] = [
          makeRunnable(plan, { dtype: "float32" }),
          makeRunnable(plan, { dtype: "float32" }),
        ];
        whole.run(bindings);
        split.run(bindings, parts);
        for (const { node } of graph.roots) expect(split.read(node)).toEqual(whole.read(node));
      }),
      { numRuns: 20 },
    );
  });
});

it("nothing is loaded in front of the guard that says whether it is there", () => {
  const b = createBuilder();
  const padded = b.pad(b.input("x", [4, 5]), 1, 2, 3);
  const node = b.map(unary("exp", arg(0)), [padded], padded.shape);
  const graph = { roots: [{ role: "value", blob: "y", node } as const] };
  const { source } = makeRunnable(planGraph(graph, { realBytes: 4 }), { dtype: "float32" });
  expect(source).toMatch(/Math\.exp\(.* \? b0\[[^\]]*\] : 0\)/);
  expect(source).not.toMatch(/= b0\[/);
});

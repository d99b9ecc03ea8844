import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import type { Graph, Node, Shape, WindowAxis } from "../../../codegen/ir/graph.js";
import { add, arg, constant, mul } from "../../../codegen/ir/scalar.js";
import { bindLeaves } from "../../support/graph-values.js";
import { LANE_RUNNERS } from "../../support/lane-runners.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();
const integer = (min: number, max: number) => fc.integer({ min, max });

/** Rows shorter than a vector, of some vectors, and of some and a part of one. */
const extents = fc.oneof(integer(1, 9), integer(10, 40));

/** Planes of one to three axes behind images and channels, or the channels themselves, under windows. */
const windowed = fc
  .record({
    outer: fc.array(integer(1, 4), { minLength: 1, maxLength: 2 }),
    axes: fc.array(
      fc.record({
        extent: extents,
        size: integer(1, 7),
        stride: integer(1, 3),
        pad: integer(0, 3),
        over: fc.boolean(),
        whole: integer(0, 5),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    behind: fc.option(integer(1, 20), { nil: undefined }),
  })
  .filter(({ axes }) => axes.reduce((product, { extent }) => product * extent, 1) <= 3000)
  .map(({ outer, axes, behind }) => {
    const window = axes.map((w, i): WindowAxis => {
      const size = w.whole === 0 ? w.extent : w.size;
      const pad = w.whole === 0 ? 0 : Math.min(w.pad, size - 1);
      const { stride, extent } = w;
      // The last window may hang over the end, but begins inside.
      const most = Math.floor((extent - 1 + pad) / stride) + 1;
      const fits = Math.max(1, Math.floor((extent + pad - size) / stride) + 1);
      const windows = w.over ? most : Math.min(fits, most);
      return { axis: outer.length + i, size, stride, pad, windows, extent };
    });
    return { window, shape: [...outer, ...axes.map(({ extent }) => extent), ...(behind ? [behind] : [])] };
  });

const sideOf = (shape: Shape, window: readonly WindowAxis[]): Shape =>
  shape.map((extent, axis) => window.find((w) => w.axis === axis)?.windows ?? extent);

/** Values of windows that are a part of more, as those of a pool whose result is concatenated to another's. */
function partOfMore(b: GraphBuilder, shape: Shape, window: readonly WindowAxis[]): Node {
  const axis = window[0].axis - 1;
  const side = sideOf(shape, window);
  const whole = side.map((extent, i) => (i === axis ? extent + 3 : extent));
  return b.slice(b.input("y", whole), axis, 2, side[axis]);
}

type Build = (b: GraphBuilder, shape: Shape, window: readonly WindowAxis[]) => readonly Node[];
const WINDOWS: Readonly<Record<string, Build>> = {
  windowMax: (b, shape, window) => [b.windowMax(b.input("x", shape), window)],
  // Values of which many are equal.
  "windowMax with its argmax": (b, shape, window) => {
    const x = b.map(add(arg(0), constant(0)), [b.input("x", shape)]);
    const ties = b.map({ kind: "unary", op: "floor", x: mul(arg(0), constant(2)) }, [x]);
    const [max, argmax] = [b.windowMax(ties, window), b.windowArgmax(ties, window)];
    return [b.map(mul(arg(0), constant(2)), [max]), argmax];
  },
  windowScatter: (b, shape, window) => {
    const position = b.windowArgmax(b.input("x", shape), window);
    const scattered = b.windowScatter(b.input("y", sideOf(shape, window)), position, window);
    return [b.map(mul(arg(0), arg(1)), [scattered, b.input("z", shape)])];
  },
  "windowScatter of a part": (b, shape, window) => {
    const position = b.windowArgmax(b.input("x", shape), window);
    return [b.windowScatter(partOfMore(b, shape, window), position, window)];
  },
  "windowSpread of a part": (b, shape, window) => [b.windowSpread(partOfMore(b, shape, window), window)],
  windowPick: (b, shape, window) => {
    const position = b.windowArgmax(b.input("x", shape), window);
    return [b.windowPick(b.input("y", shape), position, window)];
  },
  windowSum: (b, shape, window) => [
    b.map(add(arg(0), arg(1)), [
      b.windowSum(b.map(mul(arg(0), arg(0)), [b.input("x", shape)]), window),
      b.input("y", sideOf(shape, window)),
    ]),
  ],
  windowSpread: (b, shape, window) => [b.windowSpread(b.input("y", sideOf(shape, window)), window)],
};

const reduced = fc
  .record({
    shape: fc.array(fc.oneof(integer(1, 5), extents, integer(100, 700)), { minLength: 1, maxLength: 4 }),
    picks: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  })
  .filter(({ shape }) => shape.reduce((product, extent) => product * extent, 1) <= 100_000)
  .map(({ shape, picks }) => {
    const axes = shape.map((_, axis) => axis).filter((axis) => picks[axis]);
    return { shape, axes: axes.length > 0 ? axes : [shape.length - 1] };
  });

const graphOf = (nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: `root${i}`, node })),
});

describe.each(LANE_RUNNERS)("in lanes of $name", ({ here, share, run }) => {
  /** As many graphs as a module holds without taking long to compile. */
  const check = async (graphs: fc.Arbitrary<Graph>, usual = 12) => {
    const runs = Number(process.env["CORTADO_LANE_RUNS"] ?? usual);
    const seed = Number(process.env["CORTADO_LANE_SEED"] ?? 1);
    const cases = fc.sample(graphs, { numRuns: share * runs, seed }).map((graph, i) => ({
      name: `graph ${i}`,
      graph,
      bindings: { ...bindLeaves(graph, i + 1, () => 1), seed: 1 },
    }));
    expect(await run(cases, scratch.path)).toEqual([]);
  };

  it.skipIf(!here).each(Object.entries(WINDOWS))("%s is what the interpreter says", async (_name, build) => {
    await check(windowed.map(({ shape, window }) => graphOf(build(createBuilder(), shape, window))));
  });

  it.skipIf(!here).each(["sum", "max"] as const)(
    "a reduction to the %s is what the interpreter says",
    async (kind) => {
      await check(
        reduced.map(({ shape, axes }) => {
          const b = createBuilder();
          const node = b.reduce(kind, b.input("x", shape), axes);
          return graphOf([b.map(add(arg(0), constant(1)), [node])]);
        }),
        20,
      );
    },
  );

  it.skipIf(!here)("random numbers are what the interpreter says", async () => {
    await check(
      reduced.map(({ shape, axes }) => {
        const b = createBuilder();
        return graphOf([b.random(b.input("step", []), axes[0] + 2 ** 33, shape)]);
      }),
      8,
    );
  });

  it.skipIf(!here)("the first position of the greatest is what the interpreter says", async () => {
    await check(
      reduced.map(({ shape, axes }) => {
        const b = createBuilder();
        const ties = b.map({ kind: "unary", op: "floor", x: mul(arg(0), constant(4)) }, [
          b.input("x", shape),
        ]);
        return graphOf([b.reduce("argmax", ties, [axes[0]])]);
      }),
      20,
    );
  });
});

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder } from "../../../../codegen/ir/builder.js";
import type { Graph, Node, ReduceKind, Shape, WindowAxis } from "../../../../codegen/ir/graph.js";
import { sizeOf } from "../../../../codegen/ir/graph.js";
import { add, arg, constant, mul } from "../../../../codegen/ir/scalar.js";
import { type EmulatedGraph, emulateGraphs } from "../../../support/emulate.js";
import { addonForTests } from "../../../support/native.js";
import { values } from "../../../support/random-graph.js";
import { scratchFolder } from "../../../support/scratch.js";

const native = await addonForTests();

const rootsOf = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: `out${i}`, node })),
});

/** A reduction as a graph of its own: with an epilogue where one may be, so that both ends of the step are met. */
function reduction(
  kind: ReduceKind,
  shape: Shape,
  axes: readonly number[],
  x: Float64Array,
  check?: EmulatedGraph["check"],
): EmulatedGraph {
  const b = createBuilder();
  const reduced = b.reduce(kind, b.input("x", shape), axes);
  const node =
    kind === "argmax" || check ? reduced : b.map(add(mul(arg(0), constant(0.5)), constant(0.25)), [reduced]);
  return {
    name: `${kind} of ${shape.join("×")} over ${axes.join()}`,
    graph: rootsOf(node),
    bindings: { inputs: new Map([["x", x]]), params: new Map(), seed: 1 },
    check,
  };
}

/** What the sequential loop says: from −∞, in row-major order, only what is greater counts. */
function sequential(kind: "max" | "argmax", shape: Shape, axis: number, x: ArrayLike<number>): Float64Array {
  const inner = sizeOf(shape.slice(axis + 1));
  const length = shape[axis];
  return Float64Array.from({ length: sizeOf(shape) / length }, (_, row) => {
    let [best, position] = [-Infinity, 0];
    for (let i = 0; i < length; i++) {
      const value = x[Math.floor(row / inner) * inner * length + i * inner + (row % inner)];
      if (value > best) [best, position] = [value, i];
    }
    return kind === "max" ? best : position;
  });
}

const firstDifference = (got: ArrayLike<number>, want: ArrayLike<number>): string | undefined => {
  for (let i = 0; i < want.length; i++) if (got[i] !== want[i]) return `[${i}] is ${got[i]}, not ${want[i]}`;
  return undefined;
};

const SIZES = [1, 2, 31, 32, 33, 1000, 1025, 70_000];

beforeAll(() => {
  process.env["CORTADO_CACHE"] = `${scratchFolder().path}/cache`;
});
afterAll(() => {
  delete process.env["CORTADO_CACHE"];
});

describe.skipIf(!native)("reductions on the emulator", () => {
  it("sums and maxima of every shape", async () => {
    const shapes = SIZES.flatMap((n): readonly (readonly [Shape, readonly number[]])[] => [
      [[n], [0]],
      [[3, n], [1]],
      [[n, 3], [0]],
      ...(n <= 1025
        ? ([
            [[n, 40], [0]],
            [[2, n, 9], [1]],
            [
              [5, n, 3],
              [0, 2],
            ],
            [
              [n, 7, 2],
              [1, 2],
            ],
          ] as const)
        : ([[[n, 9], [0]]] as const)),
    ]);
    const kinds = ["sum", "max"] as const;
    const cases = shapes.map(([shape, axes], i) =>
      reduction(kinds[i % 2], shape, axes, values(sizeOf(shape), i)),
    );
    const bias = reduction("sum", [64, 5, 12, 12], [0, 2, 3], values(64 * 5 * 144, 7));
    const few = reduction("max", [2000, 12], [0], values(24_000, 8));
    expect(await emulateGraphs(native!.addon, [...cases, bias, few])).toEqual([]);
  });

  it("a million numbers of one sign, to the last digits", async () => {
    const count = 1_000_003;
    const x = values(count, 3).map(Math.abs);
    const check: EmulatedGraph["check"] = (_, [got], [want]) =>
      Math.abs(got - want) <= 1e-6 * want ? undefined : `${got}, not ${want}`;
    expect(await emulateGraphs(native!.addon, [reduction("sum", [count], [0], x, check)])).toEqual([]);
  });

  it("the first of equal greatest ones, whoever finds it; a NaN is never the greatest", async () => {
    const shapes: readonly (readonly [Shape, number])[] = [
      [[3, 1], 1],
      [[5, 10], 1],
      [[7, 33], 1],
      [[3, 1000], 1],
      [[2, 70_000], 1],
      [[300, 20], 0],
      [[1025, 3], 0],
      [[2, 40, 9], 1],
      [[2, 14, 33], 1],
    ];
    const made: Readonly<Record<string, (x: Float64Array) => Float64Array>> = {
      "few levels": (x) => x.map((v) => Math.floor(v * 3)),
      "NaN among them": (x) => x.map((v, i) => (i % 3 === 0 || v > 0.5 ? Number.NaN : Math.floor(v * 4))),
      "NaN or −∞ alone": (x) => x.map((v) => (v > 0 ? Number.NaN : -Infinity)),
      "all the same": (x) => x.fill(-2),
    };
    const cases = shapes.flatMap(([shape, axis], i) =>
      Object.values(made).flatMap((make, j) =>
        (["argmax", "max"] as const)
          .filter((kind) => kind === "argmax" || j === i % 4)
          .map((kind) => {
            const x = make(values(sizeOf(shape), 10 * i + j));
            const want = sequential(kind, shape, axis, x);
            return reduction(kind, shape, [axis], x, (_, got) => firstDifference(got, want));
          }),
      ),
    );
    expect(await emulateGraphs(native!.addon, cases)).toEqual([]);
  });

  it("random reductions", async () => {
    const choices = fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
      picks: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      kind: fc.constantFrom("sum" as const, "max" as const),
    });
    const cases = fc.sample(choices, { numRuns: 30, seed: 4 }).map(({ shape, picks, kind }, i) => {
      const axes = shape.map((_, at) => at).filter((at) => picks[at]);
      return reduction(kind, shape, axes.length > 0 ? axes : [0], values(sizeOf(shape), i));
    });
    expect(await emulateGraphs(native!.addon, cases)).toEqual([]);
  });
});

describe.skipIf(!native)("scatters on the emulator", () => {
  it("scatters by what each element collects", async () => {
    const cases = (
      [
        [[6, 5], 4, [0, 3, 3, 0, 3, 1]],
        [[3], 2, [1, 1, 1]],
        [[1, 2, 3], 7, [6]],
        [[40, 33], 9, Array.from({ length: 40 }, (_, i) => (i * 7) % 5)],
      ] as const
    ).map(([shape, rows, positions], i): EmulatedGraph => {
      const b = createBuilder();
      const position = b.input("position", [shape[0]], "index");
      return {
        name: `scatter of ${shape.join("×")}`,
        graph: rootsOf(b.scatter(b.input("x", shape), position, rows)),
        bindings: {
          inputs: new Map([
            ["x", values(sizeOf(shape), i)],
            ["position", Float64Array.from(positions)],
          ]),
          params: new Map(),
          seed: 1,
        },
      };
    });
    expect(await emulateGraphs(native!.addon, cases)).toEqual([]);
  });

  it("scatters by windows: overlapping, padded, clipped, global, apart, and by positions from elsewhere", async () => {
    const windows: readonly (readonly [Shape, readonly WindowAxis[]])[] = [
      [
        [2, 3, 7, 7],
        [axis(2, 3, 2, 0, 3, 7), axis(3, 3, 2, 0, 3, 7)],
      ],
      [
        [2, 3, 8, 6],
        [axis(2, 3, 2, 1, 5, 8), axis(3, 3, 2, 1, 4, 6)],
      ],
      [
        [1, 2, 5, 9],
        [axis(2, 5, 1, 0, 1, 5), axis(3, 9, 1, 0, 1, 9)],
      ],
      [
        [2, 2, 7, 7],
        [axis(2, 2, 3, 0, 3, 7), axis(3, 2, 2, 0, 4, 7)],
      ],
      [[2, 9, 3], [axis(1, 4, 1, 2, 9, 9)]],
      [
        [3, 6, 6],
        [axis(2, 3, 1, 1, 6, 6), axis(1, 3, 3, 0, 2, 6)],
      ],
    ];
    const cases = windows.flatMap(([shape, window], i) =>
      ["found", "given"].map((way): EmulatedGraph => {
        const b = createBuilder();
        const small = shape.map((extent, at) => window.find((w) => w.axis === at)?.windows ?? extent);
        const plane = window.reduce((product, w) => product * w.extent, 1);
        const x = b.input("x", shape);
        const position = way === "found" ? b.windowArgmax(x, window) : b.input("position", small, "index");
        const node = b.windowScatter(b.input("y", small), position, window);
        const given = values(sizeOf(small), 5).map((v) => Math.floor(((v + 1) / 2) * plane));
        return {
          name: `${way} positions in ${JSON.stringify(window)}`,
          graph: rootsOf(node),
          bindings: {
            inputs: new Map([
              ["x", values(sizeOf(shape), i).map((v) => Math.floor(v * 3))],
              ["y", values(sizeOf(small), i + 50)],
              ["position", given],
            ]),
            params: new Map(),
            seed: 1,
          },
        };
      }),
    );
    expect(await emulateGraphs(native!.addon, cases)).toEqual([]);
  });
});

function axis(
  at: number,
  size: number,
  stride: number,
  pad: number,
  windows: number,
  extent: number,
): WindowAxis {
  return { axis: at, size, stride, pad, windows, extent };
}

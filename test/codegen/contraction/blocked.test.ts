import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Blocked, chooseBlocks, lowerInBlocks } from "../../../codegen/contraction/blocked.js";
import { productLowerings, stridedContractionOf } from "../../../codegen/contraction/contraction-of.js";
import type { StridedContraction } from "../../../codegen/contraction/strided.js";
import type { Graph } from "../../../codegen/ir/graph.js";
import type { Lowerings } from "../../../codegen/lower/lowering.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { tsTarget } from "../../../codegen/targets/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { makeRunnable } from "../../support/run.js";
import { convGraph, geometryOf, matmulGraph } from "./contraction-cases.js";

const integer = (min: number, max: number) => fc.integer({ min, max });
const EPILOGUES = ["none", "relu", "two stores"] as const;

/** Planes long enough for every way to walk an axis, and rows enough for more than one part. */
const convolutions = fc
  .record({
    images: integer(1, 3),
    groups: integer(1, 3),
    channels: integer(1, 6),
    filters: integer(1, 40),
    axes: fc.array(
      fc.record({
        kernel: integer(1, 6),
        input: integer(1, 24),
        stride: integer(1, 4),
        pad: integer(0, 3),
        dilation: integer(1, 3),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  })
  .filter((made) => geometryOf(made).spatial.every(({ output }) => output > 0));

const graphs: fc.Arbitrary<Graph> = fc.oneof(
  {
    arbitrary: fc
      .record({
        members: integer(1, 3),
        single: fc.constantFrom("neither", "a", "b"),
        m: integer(1, 40),
        n: integer(1, 40),
        k: integer(1, 20),
        trans: fc.tuple(fc.boolean(), fc.boolean()),
        epilogue: fc.constantFrom(...EPILOGUES),
      })
      .map(({ members, single, epilogue, ...rest }) =>
        matmulGraph(
          { ...rest, batch: [single === "a" ? 1 : members, single === "b" ? 1 : members] },
          epilogue,
        ),
      ),
    weight: 1,
  },
  {
    arbitrary: fc
      .tuple(fc.constantFrom("conv", "convData", "convFilter"), convolutions, fc.constantFrom(...EPILOGUES))
      .map((made) => convGraph(...made)),
    weight: 3,
  },
);

/** Any schedule that a contraction may have, by a number. */
function anyBlocks({ rows, kept }: StridedContraction, number: number): Blocked {
  const parts = [1, 2, 3, 4, 5, 6, 8, 10].filter((one) => rows.shape[0] % one === 0);
  const iterations: readonly Blocked["iteration"][] = [
    ...parts.map((one) => ({ parts: one })),
    ...(kept ? [] : (["rows", "columns"] as const)),
  ];
  const tile = { rows: 1 + (number % 5), columns: 1 + ((number >> 3) % 6) };
  return { kind: "blocked", tile, iteration: iterations[(number >> 6) % iterations.length] };
}

const scheduled = (number: number): Partial<Lowerings> =>
  productLowerings((context) => {
    const contraction = stridedContractionOf(context);
    return [lowerInBlocks(context, contraction, anyBlocks(contraction, number))];
  });

describe("products in blocks", () => {
  it("compute what the interpreter computes, by every schedule, and the same bits by all", () => {
    fc.assert(
      fc.property(graphs, fc.nat(1000), fc.nat(10_000), integer(1, 5), (graph, seed, number, split) => {
        const bindings = { ...bindLeaves(graph, seed), seed };
        const expected = interpret(graph, bindings);
        const plan = planGraph(graph, { realBytes: 8 });
        const [own, other] = [
          makeRunnable(plan, { dtype: "float64" }),
          makeRunnable(plan, { dtype: "float64", instead: scheduled(number) }),
        ];
        own.run(bindings);
        other.run(bindings, split);
        for (const { node } of graph.roots) {
          const [got, want] = [own.read(node), expected(node)];
          const largest = want.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
          want.forEach((value, i) => {
            expect(Math.abs(got[i] - value), own.source).toBeLessThanOrEqual(1e-9 * largest);
          });
          expect(other.read(node), other.source).toEqual(got);
        }
      }),
      { numRuns: 80 },
    );
  }, 60_000);

  it("leave zeros unwritten where a plane would be little else", () => {
    const axis = { kernel: 3, input: 5, dilation: 400, pad: 400 };
    for (const op of ["conv", "convData", "convFilter"] as const) {
      const graph = convGraph(op, { images: 2, channels: 2, filters: 3, axes: [axis, axis] });
      const bindings = { ...bindLeaves(graph, 5), seed: 5 };
      const own = makeRunnable(planGraph(graph, { realBytes: 8 }), { dtype: "float64" });
      own.run(bindings);
      expect(own.source).not.toMatch(/new (Float64|Int32)Array/);
      const [{ node }] = graph.roots;
      const want = interpret(graph, bindings)(node);
      own.read(node).forEach((value, i) => {
        expect(value).toBeCloseTo(want[i], 9);
      });
    }
  });

  const description = tsTarget.describe();
  const chosen = (graph: Graph): Blocked => {
    const [{ node }] = graph.roots;
    const anchor = node.op === "map" ? node.inputs[0] : node;
    let schedule: Blocked | undefined;
    const instead = productLowerings((context) => {
      const contraction = stridedContractionOf(context);
      schedule = chooseBlocks(contraction, description);
      return [lowerInBlocks(context, contraction, schedule)];
    });
    makeRunnable(planGraph(graph, { realBytes: 4 }), { dtype: "float32", instead });
    if (!schedule) throw new Error(`${anchor.op} is no product`);
    return schedule;
  };

  it("go by tiles of the longer side, and by parts where an iteration copies or keeps", () => {
    const axis = { kernel: 3, input: 12 };
    expect(chosen(matmulGraph({ m: 64, n: 500, k: 8 })).iteration).toBe("columns");
    expect(chosen(matmulGraph({ m: 64, n: 10, k: 8 })).iteration).toBe("rows");
    expect(chosen(convGraph("conv", { images: 4, filters: 32, axes: [axis, axis] })).iteration).toBe("rows");
    const padded = { ...axis, pad: 1 };
    expect(chosen(convGraph("conv", { images: 4, filters: 32, axes: [padded, axis] })).iteration).toEqual({
      parts: 2,
    });
    expect(chosen(convGraph("convFilter", { filters: 32, axes: [axis, axis] })).iteration).toEqual({
      parts: 8,
    });
    expect(chosen(convGraph("convData", { images: 16, axes: [axis, axis] })).iteration).toEqual({ parts: 1 });
  });
});

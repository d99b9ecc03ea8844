import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Graph } from "../../../codegen/ir/graph.js";
import { printProgram } from "../../../codegen/kernel/print-kernel.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { nativeTarget } from "../../../codegen/targets/native/native-target.js";
import { LANE_RUNNERS } from "../../support/lane-runners.js";
import { lowerFor } from "../../support/pipeline.js";
import { scratchFolder } from "../../support/scratch.js";
import {
  caseOf,
  convGraph,
  type Epilogue,
  geometryOf,
  inBackward,
  matmulGraph,
} from "../contraction/contraction-cases.js";

const scratch = scratchFolder();
const integer = (min: number, max: number) => fc.integer({ min, max });
const EPILOGUES: readonly Epilogue[] = ["none", "relu", "two stores"];

const axis = fc.record({
  kernel: integer(1, 4),
  input: integer(1, 20),
  stride: integer(1, 3),
  pad: integer(0, 2),
  dilation: integer(1, 2),
});
/** Few and many filters and channels; planes of one to three axes, none of them large. */
const filterGradients = fc
  .record({
    images: integer(1, 4),
    groups: integer(1, 3),
    channels: integer(1, 9),
    filters: integer(1, 40),
    axes: fc.oneof(
      fc.array(axis, { minLength: 1, maxLength: 2 }),
      fc.array(
        axis.map((one) => ({ ...one, input: Math.min(one.input, 6) })),
        { minLength: 3, maxLength: 3 },
      ),
      integer(1, 40).map((input) => [
        { kernel: 1, input },
        { kernel: 1, input: 3 },
      ]),
    ),
  })
  .filter((made) => geometryOf(made).spatial.every(({ output }) => output > 0));

const matrices = fc.record({
  batch: fc.constantFrom([1, 1] as const, [3, 3] as const, [3, 1] as const, [1, 3] as const),
  m: fc.oneof(integer(1, 4), integer(1, 70)),
  n: fc.oneof(integer(1, 4), integer(1, 70)),
  // Sums of one vector, of several slices, and of several parts.
  k: fc.oneof(integer(1, 4), integer(1, 90), integer(200, 900)),
  trans: fc.tuple(fc.boolean(), fc.boolean()),
});

/** As many graphs as a module holds without taking long to compile; every third one trains: its weights are packed at each pass. */
const sampled = (graphs: fc.Arbitrary<Graph>, count: number, seed: number) =>
  fc
    .sample(graphs, { numRuns: count, seed })
    .map((graph, i) => caseOf(`graph ${i}`, i % 3 === 0 ? inBackward(graph) : graph, undefined, i + 1));

describe.each(LANE_RUNNERS)("products in lanes of $name", ({ here, share, run }) => {
  const check = async (graphs: fc.Arbitrary<Graph>, runs: number, seed: number) =>
    expect(await run(sampled(graphs, share * runs, seed), scratch.path)).toEqual([]);

  it.skipIf(!here)("sum the gradient of filters of any geometry", async () => {
    await check(
      fc
        .tuple(filterGradients, fc.constantFrom(...EPILOGUES), fc.boolean())
        .map(([made, epilogue, inlined]) => convGraph("convFilter", made, epilogue, inlined)),
      8,
      1,
    );
  });

  it.skipIf(!here)("multiply matrices of any shape", async () => {
    await check(
      fc
        .tuple(matrices, fc.constantFrom(...EPILOGUES), fc.boolean())
        .map(([made, epilogue, inlined]) => matmulGraph(made, epilogue, inlined)),
      32,
      2,
    );
  });

  it.skipIf(!here).each([false, true])(
    "ask ahead for a matrix that no cache holds, transposed: %s",
    async (transposed) => {
      const graph = matmulGraph({ m: 10, n: 430, k: 401, trans: [false, transposed] }, "relu");
      const program = lowerFor(nativeTarget, planGraph(graph, { realBytes: 4 }), {
        dtype: "float32",
        description: nativeTarget.describe("avx2"),
      });
      expect(printProgram(program)).toContain("prefetch");
      expect(await run([caseOf("large", graph)], scratch.path)).toEqual([]);
    },
  );
});

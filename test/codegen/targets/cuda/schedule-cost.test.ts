import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Contraction } from "../../../../codegen/contraction/contraction.js";
import { sizeOf } from "../../../../codegen/ir/graph.js";
import { gpuOf } from "../../../../codegen/targets/cuda/cuda-description.js";
import { candidates, chooseSchedule } from "../../../../codegen/targets/cuda/schedule-cost.js";
import { sharedElements, threadsOf } from "../../../../codegen/targets/cuda/tile-shape.js";

const gpus = ["sm_80", "sm_90", "sm_120"].map(gpuOf);
const gpu = gpus[0];

function contraction(batch: number, rows: number, columns: number, depth: readonly number[]): Contraction {
  const operand = (elements: number, contiguous: "depth" | "outer") =>
    ({ contiguous, elements: batch * elements * sizeOf(depth), instructions: () => 3, walked: 3 }) as const;
  return {
    batch,
    rows,
    columns,
    depth,
    a: operand(rows, "depth"),
    b: operand(columns, "outer"),
    flops: 2 * batch * rows * columns * sizeOf(depth),
    share: 1,
    open: () => {
      throw new Error("the cost model writes no kernel");
    },
  };
}

const kindOf = (...shape: Parameters<typeof contraction>) =>
  chooseSchedule(gpu, contraction(...shape)).schedule;

describe("the cost model", () => {
  it("offers only what a block can hold, and splits that cover the whole sum", () => {
    const extents = fc.integer({ min: 1, max: 3000 });
    fc.assert(
      fc.property(
        fc.constantFrom(...gpus),
        fc.integer({ min: 1, max: 64 }),
        fc.array(extents, { minLength: 2, maxLength: 2 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
        (one, batch, [rows, columns], depth) => {
          for (const { schedule, seconds } of candidates(one, contraction(batch, rows, columns, depth))) {
            expect(seconds).toBeGreaterThan(0);
            const { parts, slices } = schedule.split;
            const terms = sizeOf(depth);
            const all =
              schedule.kind === "tiled"
                ? Math.ceil(terms / schedule.tile.depth)
                : schedule.kind === "team"
                  ? terms
                  : depth[0];
            expect(parts * slices).toBeGreaterThanOrEqual(all);
            // No part is empty.
            expect((parts - 1) * slices).toBeLessThan(all);
            if (schedule.kind !== "tiled") continue;
            expect(sharedElements(schedule.tile) * 4).toBeLessThanOrEqual(one.sharedPerBlock);
            expect(threadsOf(schedule.tile) % 32).toBe(0);
            expect(threadsOf(schedule.tile)).toBeLessThanOrEqual(1024);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("takes large tiles for large products", () => {
    const schedule = kindOf(1, 4096, 4096, [4096]);
    expect(schedule).toMatchObject({ kind: "tiled", split: { parts: 1 } });
    if (schedule.kind === "tiled")
      expect(schedule.tile.rows * schedule.tile.columns).toBeGreaterThanOrEqual(64 * 128);
  });

  it("cuts long sums of few elements into parts", () => {
    expect(kindOf(1, 64, 64, [100_000]).split.parts).toBeGreaterThan(8);
  });

  it("gives an element of a group with one filter to one thread", () => {
    expect(kindOf(128, 1, 25_000, [1, 3, 3]).kind).toBe("direct");
  });

  it("shares the long sums of a matrix times a vector among a team", () => {
    const row = contraction(1, 1, 4096, [9216]);
    const schedule = chooseSchedule(gpu, { ...row, b: { ...row.b, contiguous: "depth" } }).schedule;
    expect(schedule.kind).toBe("team");
  });

  it("is never faster than the device", () => {
    for (const one of gpus) {
      const large = contraction(1, 4096, 4096, [4096]);
      const peak = 2 * one.fmaPerCycle * one.multiprocessors * one.gigahertz * 1e9;
      expect(chooseSchedule(one, large).seconds).toBeGreaterThan(large.flops / peak);
    }
  });
});

import { expect, test } from "vitest";
import { gpuOf } from "../../../../codegen/targets/cuda/cuda-description.js";
import { occupancy } from "../../../../codegen/targets/cuda/occupancy.js";
import { parseResources } from "../../../../runtime/devices/cuda/resources.js";

const KIB = 1024;

/** Worked by hand from the rules of NVIDIA's calculator. */
test.each<
  [
    arch: string,
    threads: number,
    registers: number,
    shared: number,
    blocks: number,
    percent: number,
    by: ReturnType<typeof occupancy>["limitedBy"],
  ]
>([
  // The whole of 64 warps: 32 registers are just not too many.
  ["sm_80", 256, 32, 0, 8, 100, "warps"],
  ["sm_90", 256, 32, 0, 8, 100, "warps"],
  ["sm_90", 1024, 32, 0, 2, 100, "warps"],
  // 33 are given out as 40.
  ["sm_80", 256, 33, 0, 6, 75, "registers"],
  ["sm_80", 256, 40, 0, 6, 75, "registers"],
  ["sm_80", 256, 48, 0, 5, 62.5, "registers"],
  ["sm_80", 256, 64, 0, 4, 50, "registers"],
  ["sm_80", 256, 128, 0, 2, 25, "registers"],
  ["sm_80", 256, 255, 0, 1, 12.5, "registers"],
  // 48 warps of 40 registers are all that sm_86 has.
  ["sm_86", 256, 40, 0, 6, 100, "warps"],
  ["sm_89", 256, 40, 0, 6, 100, "warps"],
  ["sm_120", 256, 40, 0, 6, 100, "warps"],
  // Small blocks: their number ends it.
  ["sm_80", 32, 16, 0, 32, 50, "blocks"],
  ["sm_86", 32, 16, 0, 16, (100 * 16) / 48, "blocks"],
  ["sm_89", 32, 16, 0, 24, 50, "blocks"],
  ["sm_75", 64, 32, 0, 16, 100, "warps"],
  // 48 KiB and the one that is reserved: three times in 164 KiB, twice in 100, four times in 228.
  ["sm_80", 256, 32, 48 * KIB, 3, 37.5, "shared memory"],
  ["sm_86", 256, 32, 48 * KIB, 2, (100 * 16) / 48, "shared memory"],
  ["sm_90", 256, 32, 48 * KIB, 4, 50, "shared memory"],
  ["sm_100", 256, 32, 48 * KIB, 4, 50, "shared memory"],
  // Given out in 128 bytes: 131 times that goes ten times into 164 KiB, 132 times nine.
  ["sm_80", 64, 32, 131 * 128 - KIB, 10, 31.25, "shared memory"],
  // 163 KiB is the most that a block of sm_80 can have.
  ["sm_80", 256, 32, 163 * KIB, 1, 12.5, "shared memory"],
  ["sm_80", 256, 32, 164 * KIB, 0, 0, "shared memory"],
  // A block of 1024 threads with 80 registers each has no place.
  ["sm_90", 1024, 80, 0, 0, 0, "registers"],
])(
  "%s, %i threads, %i registers, %i bytes shared",
  (arch, threads, registers, shared, blocks, percent, by) => {
    const found = occupancy(gpuOf(arch), { threads, registers, sharedBytes: shared });
    expect(found.blocks).toBe(blocks);
    expect(100 * found.occupancy).toBeCloseTo(percent, 10);
    expect(found.limitedBy).toBe(by);
    expect(found.warps).toBe(blocks * Math.ceil(threads / 32));
  },
);

test("an architecture that is not known is taken for the nearest older one", () => {
  const of = (arch: string) => occupancy(gpuOf(arch), { threads: 256, registers: 40, sharedBytes: 0 });
  expect(of("sm_103")).toEqual(of("sm_100"));
  expect(of("sm_90a")).toEqual(of("sm_90"));
});

test("ptxas's log is read", () => {
  const log = `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'k' for 'sm_90'
ptxas info    : Function properties for k
ptxas         .     256 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers, 256 bytes cumulative stack size, 4096 bytes smem, 96 bytes cmem[0]
`;
  expect(parseResources(log)).toEqual({
    registers: 32,
    spillStores: 8,
    spillLoads: 12,
    sharedBytes: 4096,
    stackBytes: 256,
  });
  expect(parseResources(log.replace(", 4096 bytes smem", ""))?.sharedBytes).toBe(0);
  expect(parseResources("")).toBeUndefined();
});

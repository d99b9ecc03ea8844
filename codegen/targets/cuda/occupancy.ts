import type { GpuDescription } from "../../ir/target-description.js";

/** Threads of a warp; the units in which registers and shared memory are given out. */
const WARP = 32;
const REGISTER_UNIT = 256;
const SHARED_UNIT = 128;
/** Warps lie on four partitions, each with a quarter of the registers. */
const PARTITIONS = 4;

export interface Occupancy {
  /** Warps that are resident at once, as a part of those that could be: 0 … 1. */
  readonly occupancy: number;
  readonly warps: number;
  /** Blocks that are resident on one multiprocessor at once; 0 where not even one fits. */
  readonly blocks: number;
  /** What there is least of: the first in this order where several allow as many blocks. */
  readonly limitedBy: "warps" | "blocks" | "registers" | "shared memory";
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/**
 * Theoretical occupancy, by the rules of NVIDIA's occupancy calculator: blocks on one multiprocessor are as many as
 * its warp slots, block slots, registers (given out to warps, in units of 256, on four partitions) and shared memory
 * (in units of 128 bytes) allow. The shared memory is taken as configured to its largest size.
 *
 * @param use threads of a block; registers of a thread; shared bytes of a block, without what the system reserves
 */
export function occupancy(
  gpu: GpuDescription,
  use: { readonly threads: number; readonly registers: number; readonly sharedBytes: number },
): Occupancy {
  const slots = gpu.threadsPerMultiprocessor / WARP;
  const warpsPerBlock = Math.ceil(use.threads / WARP);
  const registersPerWarp = roundUp(use.registers * WARP, REGISTER_UNIT);
  const warpsOfRegisters =
    use.registers === 0
      ? Number.POSITIVE_INFINITY
      : Math.floor(gpu.registersPerMultiprocessor / PARTITIONS / registersPerWarp) * PARTITIONS;
  const sharedPerBlock = roundUp(use.sharedBytes + gpu.sharedReservedPerBlock, SHARED_UNIT);
  const limits: readonly (readonly [Occupancy["limitedBy"], number])[] = [
    ["warps", Math.floor(slots / warpsPerBlock)],
    ["blocks", gpu.blocksPerMultiprocessor],
    ["registers", Math.floor(warpsOfRegisters / warpsPerBlock)],
    [
      "shared memory",
      sharedPerBlock === 0
        ? Number.POSITIVE_INFINITY
        : Math.floor(gpu.sharedPerMultiprocessor / sharedPerBlock),
    ],
  ];
  const [limitedBy, blocks] = limits.reduce((least, each) => (each[1] < least[1] ? each : least));
  const warps = blocks * warpsPerBlock;
  return { occupancy: warps / slots, warps, blocks, limitedBy };
}

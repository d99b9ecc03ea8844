import type { KernelResources } from "./resources.js";

/** What one multiprocessor holds at once. */
interface Multiprocessor {
  /** Compute capability, as in sm_90. */
  readonly capability: number;
  readonly warps: number;
  readonly blocks: number;
  readonly sharedBytes: number;
  /** Shared memory that the system takes for itself in each block. */
  readonly reservedPerBlock: number;
}

/** Threads of a warp; registers of a multiprocessor; the units in which registers and shared memory are given out. */
const WARP = 32;
const REGISTERS = 65_536;
const REGISTER_UNIT = 256;
const SHARED_UNIT = 128;
/** Warps lie on four partitions, each with a quarter of the registers. */
const PARTITIONS = 4;

const KIB = 1024;

/**
 * CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability"; the reserved KiB: the sections
 * on shared memory of compute capabilities 8.x and above. In ascending order.
 */
const MULTIPROCESSORS: readonly Multiprocessor[] = [
  multiprocessor(75, 32, 16, 64, 0),
  multiprocessor(80, 64, 32, 164, 1),
  multiprocessor(86, 48, 16, 100, 1),
  multiprocessor(87, 48, 16, 164, 1),
  multiprocessor(89, 48, 24, 100, 1),
  multiprocessor(90, 64, 32, 228, 1),
  multiprocessor(100, 64, 32, 228, 1),
  multiprocessor(120, 48, 24, 100, 1),
];

function multiprocessor(
  capability: number,
  warps: number,
  blocks: number,
  sharedKib: number,
  reservedKib: number,
): Multiprocessor {
  return {
    capability,
    warps,
    blocks,
    sharedBytes: sharedKib * KIB,
    reservedPerBlock: reservedKib * KIB,
  };
}

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
 * @param threads of a block
 * @param architecture "sm_90"; one that is not known is taken for the nearest older one
 */
export function occupancy(
  { registers, sharedBytes }: Pick<KernelResources, "registers" | "sharedBytes">,
  threads: number,
  architecture: string,
): Occupancy {
  const capability = Number(architecture.replace(/^sm_(\d+).*$/, "$1"));
  const device = MULTIPROCESSORS.findLast((one) => one.capability <= capability) ?? MULTIPROCESSORS[0];
  const warpsPerBlock = Math.ceil(threads / WARP);
  const registersPerWarp = roundUp(registers * WARP, REGISTER_UNIT);
  const warpsOfRegisters =
    registers === 0
      ? Number.POSITIVE_INFINITY
      : Math.floor(REGISTERS / PARTITIONS / registersPerWarp) * PARTITIONS;
  const sharedPerBlock = roundUp(sharedBytes + device.reservedPerBlock, SHARED_UNIT);
  const limits: readonly (readonly [Occupancy["limitedBy"], number])[] = [
    ["warps", Math.floor(device.warps / warpsPerBlock)],
    ["blocks", device.blocks],
    ["registers", Math.floor(warpsOfRegisters / warpsPerBlock)],
    [
      "shared memory",
      sharedPerBlock === 0 ? Number.POSITIVE_INFINITY : Math.floor(device.sharedBytes / sharedPerBlock),
    ],
  ];
  const [limitedBy, blocks] = limits.reduce((least, each) => (each[1] < least[1] ? each : least));
  const warps = blocks * warpsPerBlock;
  return { occupancy: warps / device.warps, warps, blocks, limitedBy };
}

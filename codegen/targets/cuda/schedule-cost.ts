import type { Contraction } from "../../contraction/contraction.js";
import type { Split } from "../../contraction/split-sum.js";
import { sizeOf } from "../../ir/graph.js";
import type { GpuDescription } from "../../ir/target-description.js";
import { occupancy } from "./occupancy.js";
import type { TeamShape } from "./team-sum.js";
import { sharedElements, type Tile, threadsOf } from "./tile-shape.js";

/** How a contraction is carried out. `split.slices` counts slices of the tile, terms of a team, outermost axis alone. */
export type Schedule =
  | { readonly kind: "tiled"; readonly tile: Tile; readonly split: Split }
  | { readonly kind: "team"; readonly team: TeamShape; readonly split: Split }
  | { readonly kind: "direct"; readonly split: Split };

export interface Costed {
  readonly schedule: Schedule;
  readonly seconds: number;
}

// Figures of the model: orders of magnitude that hold for all of the architectures in cuda-description.ts.

/** From one kernel's start to the next inside a graph. */
const LAUNCH_SECONDS = 2e-6;
/** Cycles from asking global memory (mostly the L2 cache) to having it. */
const LATENCY = 500;
/** A block's cycles before and after its sums: indices, the first slice, the epilogue. */
const BLOCK_CYCLES = 1500;
/** The L2 cache's bandwidth in global memory's. */
const L2_SPEED = 2.5;
/** Of the work of the other units, what the busiest one does not hide. */
const UNHIDDEN = 0.2;
/** Registers of a thread beside its sums, fragments and staged elements: indices and bounds. */
const OTHER_REGISTERS = 32;
/** Elements of a slice that a thread brings at most: each takes registers for its value and its place. */
const MOST_LOADS = 18;
/** How much faster a split sum must be than a whole one. */
const SPLIT_MARGIN = 1.05;
/** Instructions of a slice that do not grow with it: loop, barrier, places. */
const SLICE_INSTRUCTIONS = 24;
/** The workspace of partial sums is at most this long. */
const MOST_PARTIAL_BYTES = 64 * 2 ** 20;
/** Warp instructions that a multiprocessor starts in a cycle; its shared memory serves one 128-byte access. */
const ISSUED_PER_CYCLE = 4;

const SHAPES: readonly (readonly [
  rows: number,
  columns: number,
  threadRows: number,
  threadColumns: number,
])[] = [
  [128, 128, 8, 8],
  [128, 64, 8, 8],
  [64, 128, 8, 8],
  [128, 64, 8, 4],
  [64, 128, 4, 8],
  [96, 128, 8, 8],
  [96, 64, 8, 8],
  [96, 64, 8, 4],
  [64, 64, 8, 8],
  [64, 64, 8, 4],
  [64, 64, 4, 4],
  [128, 32, 8, 4],
  [32, 128, 4, 8],
  [32, 128, 8, 8],
  [64, 32, 4, 4],
  [32, 64, 4, 4],
  [48, 64, 4, 8],
  [24, 128, 4, 8],
  [24, 64, 4, 4],
  [32, 32, 4, 4],
  [32, 32, 2, 4],
  [128, 16, 8, 4],
  [16, 128, 4, 8],
  [16, 128, 4, 4],
  [64, 16, 4, 4],
  [16, 64, 4, 4],
  [16, 32, 2, 4],
  [32, 16, 4, 2],
  [8, 128, 4, 4],
  [8, 256, 8, 4],
];

/** A slice of so many channels' or kernel rows' taps needs no divisions to find them; longer ones take too many registers. */
const LONGEST_SLICE = 25;

/**
 * Depths of a slice: 8 and 16; where depth is channels × taps, also what comes near to it in whole kernels or whole rows
 * of them.
 */
function slicesOf({ depth, b }: Contraction): readonly number[] {
  const whole =
    b.contiguous === "depth" || depth.length === 1 ? [] : [sizeOf(depth.slice(1)), depth[depth.length - 1]];
  const near = whole
    .filter((taps) => taps > 1)
    .map((taps) => taps * Math.ceil(8 / taps))
    .filter((slice) => slice <= LONGEST_SLICE);
  return [...new Set([8, 16, ...near])];
}

const tilesFor = (contraction: Contraction, gpu: GpuDescription): readonly Tile[] =>
  SHAPES.flatMap(([rows, columns, threadRows, threadColumns]) =>
    slicesOf(contraction).map(
      (slice): Tile => ({
        unit: "fma",
        rows,
        columns,
        depth: slice,
        perThread: { rows: threadRows, columns: threadColumns },
      }),
    ),
  ).filter(
    (tile) =>
      sharedElements(tile) * 4 <= gpu.sharedPerBlock &&
      loadsOf(tile, tile.rows) + loadsOf(tile, tile.columns) <= MOST_LOADS,
  );

/** Elements of an operand's slice that a thread brings. */
const loadsOf = (tile: Tile, extent: number): number => Math.ceil((extent * tile.depth) / threadsOf(tile));

/** An estimate: sums, fragments, and for each element that a thread brings, its value and where it lies. */
function registersOf(tile: Tile): number {
  const { rows, columns } = tile.perThread;
  const loads = loadsOf(tile, tile.rows) + loadsOf(tile, tile.columns);
  return rows * columns + rows + columns + 3 * loads + OTHER_REGISTERS;
}

const PARTS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256];

/** The splits of so many slices that give no part less than `least`. */
function splitsOf(slices: number, least: number, contraction: Contraction): readonly Split[] {
  const elements = contraction.batch * contraction.rows * contraction.columns;
  const splits = PARTS.filter(
    (parts) => parts === 1 || (parts * least <= slices && parts * elements * 4 <= MOST_PARTIAL_BYTES),
  ).map((parts): Split => {
    const each = Math.ceil(slices / parts);
    return { parts: Math.ceil(slices / each), slices: each };
  });
  return splits.filter((split, i) => i === 0 || split.parts !== splits[i - 1].parts);
}

interface Work {
  readonly blocks: number;
  readonly threads: number;
  readonly registers: number;
  readonly sharedBytes: number;
  /** Cycles that one block's instructions take where it has a multiprocessor's issue slots to itself. */
  readonly cycles: number;
  /** Instructions of a thread that wait for none of each other. */
  readonly independent: number;
  /** Times that a block waits for global memory, one after the other. */
  readonly waits: number;
  /** Bytes that all blocks ask of the L2 cache. */
  readonly l2Bytes: number;
}

/** Seconds of a kernel: instructions, latencies and memory, of which the longest counts. */
function secondsOf(gpu: GpuDescription, work: Work, leastBytes: number): number {
  const resident = Math.max(1, occupancy(gpu, work).blocks);
  const busiest = Math.ceil(work.blocks / gpu.multiprocessors);
  const together = Math.min(resident, busiest);
  const warps = (together * work.threads) / 32;
  // Half of the latencies are hidden by so many warps: fewer, where a warp has more independent work.
  const hidden = warps / (warps + 0.6 + 40 / work.independent);
  const issue = (busiest * work.cycles) / hidden;
  const rounds = Math.ceil(busiest / resident);
  const latency = rounds * (BLOCK_CYCLES + work.waits * LATENCY);
  const memory = Math.max(leastBytes, work.l2Bytes / L2_SPEED) / gpu.bytesPerSecond;
  return (
    LAUNCH_SECONDS +
    Math.max((issue + rounds * BLOCK_CYCLES) / (gpu.gigahertz * 1e9), latency / (gpu.gigahertz * 1e9), memory)
  );
}

/** The second pass of a split sum: it starts, reads all parts (from L2) and stores the elements. */
function joinSeconds(gpu: GpuDescription, elements: number, { parts }: Split): number {
  if (parts === 1) return 0;
  const bytes = elements * 4 * (parts / L2_SPEED + 1);
  return (
    LAUNCH_SECONDS +
    (1000 + LATENCY * Math.ceil(parts / 8)) / (gpu.gigahertz * 1e9) +
    bytes / gpu.bytesPerSecond
  );
}

const elementsOf = ({ batch, rows, columns }: Contraction): number => batch * rows * columns;
const bytesOf = (contraction: Contraction, { parts }: Split): number =>
  4 * (contraction.a.elements + contraction.b.elements + elementsOf(contraction) * parts);

/** The time of units that work side by side. */
function overlapped(units: readonly number[]): number {
  const busiest = Math.max(...units);
  return busiest + UNHIDDEN * (units.reduce((sum, unit) => sum + unit, 0) - busiest);
}

function tiledSeconds(gpu: GpuDescription, contraction: Contraction, tile: Tile, split: Split): number {
  const { rows: m, columns: n } = tile.perThread;
  const threads = threadsOf(tile);
  const [loadsA, loadsB] = [loadsOf(tile, tile.rows), loadsOf(tile, tile.columns)];
  const products = tile.depth * m * n;
  const loads =
    loadsA * (contraction.a.instructions(tile.depth) + 1) +
    loadsB * (contraction.b.instructions(tile.depth) + 1);
  // A warp reads few different rows, all at once, and 16 or so chunks of columns.
  const [chunksA, chunksB] = [Math.ceil(m / 4), Math.ceil(n / 4)];
  const units = [
    products + tile.depth * (chunksA + chunksB) + loads + SLICE_INSTRUCTIONS,
    (products * ISSUED_PER_CYCLE * 32) / gpu.fmaPerCycle,
    (tile.depth * (chunksA + 2 * chunksB) + loadsA + loadsB) * ISSUED_PER_CYCLE,
  ];
  const slots = overlapped(units);
  const epilogue = m * n * 10;
  const slices = split.slices;
  const warps = threads / 32;
  const blocks =
    contraction.share *
    contraction.batch *
    split.parts *
    Math.ceil(contraction.rows / tile.rows) *
    Math.ceil(contraction.columns / tile.columns);
  return secondsOf(
    gpu,
    {
      blocks,
      threads,
      registers: registersOf(tile),
      sharedBytes: 4 * sharedElements(tile),
      cycles: ((slots * slices + epilogue) * warps) / ISSUED_PER_CYCLE,
      independent: m * n,
      waits: slices,
      l2Bytes: blocks * 4 * (slices * tile.depth * (tile.rows + tile.columns) + tile.rows * tile.columns),
    },
    bytesOf(contraction, split),
  );
}

function teamSeconds(gpu: GpuDescription, contraction: Contraction, team: TeamShape, split: Split): number {
  const { rows, columns, threads } = team;
  const turns = Math.ceil(split.slices / threads);
  const each =
    rows * columns +
    rows * (contraction.a.instructions(1) + 1) +
    columns * (contraction.b.instructions(1) + 1) +
    4;
  const warps = threads / 32;
  const blocks =
    contraction.share *
    contraction.batch *
    split.parts *
    Math.ceil(contraction.rows / rows) *
    Math.ceil(contraction.columns / columns);
  return secondsOf(
    gpu,
    {
      blocks,
      threads,
      registers: 2 * rows * columns + 4 * (rows + columns) + OTHER_REGISTERS,
      sharedBytes: 4 * warps * rows * columns,
      cycles: ((turns * each + rows * columns * 12 + 60) * warps) / ISSUED_PER_CYCLE,
      independent: rows * columns + 4,
      // The compiler keeps the loads of a few turns in flight.
      waits: Math.ceil(turns / 4),
      l2Bytes: blocks * 4 * split.slices * (rows * wasted(contraction.a) + columns * wasted(contraction.b)),
    },
    bytesOf(contraction, split),
  );
}

/** A team's neighbouring threads read neighbouring depths: where rows are neighbours instead, of each 32 bytes, 4 count. */
const wasted = ({ contiguous }: Contraction["a"]): number => (contiguous === "depth" ? 1 : 8);

function directSeconds(gpu: GpuDescription, contraction: Contraction, split: Split): number {
  const { a, b, depth, share } = contraction;
  const taps = sizeOf(depth.slice(1));
  const terms = split.slices * taps;
  const threads = 128;
  const blocks = (share * elementsOf(contraction) * split.parts) / threads;
  // A row is the same for a whole warp. A column's neighbours are other threads', and its taps lie in the first cache.
  const loads = terms * (1 / 32 + (b.contiguous === "outer" ? 1 / taps : 8));
  return secondsOf(
    gpu,
    {
      blocks,
      threads,
      registers: 40,
      sharedBytes: 0,
      cycles: ((terms * (1 + a.walked + b.walked + 2) + 40) * threads) / 32 / ISSUED_PER_CYCLE,
      independent: 6,
      waits: Math.ceil(terms / 6),
      l2Bytes: blocks * threads * 4 * loads,
    },
    bytesOf(contraction, split),
  );
}

const TEAMS: readonly TeamShape[] = [64, 128, 256].flatMap((threads) =>
  [
    [1, 1],
    [1, 2],
    [1, 4],
    [1, 9],
    [2, 2],
    [2, 4],
    [4, 4],
    [4, 1],
    [4, 2],
  ].map(([rows, columns]) => ({ threads, rows, columns })),
);

/** Every schedule with what the model says of it. */
export function candidates(gpu: GpuDescription, contraction: Contraction): readonly Costed[] {
  const terms = sizeOf(contraction.depth);
  const elements = elementsOf(contraction);
  const costed = (schedule: Schedule, seconds: number): Costed => ({
    schedule,
    seconds: seconds + joinSeconds(gpu, elements, schedule.split),
  });
  return [
    ...tilesFor(contraction, gpu).flatMap((tile) =>
      splitsOf(Math.ceil(terms / tile.depth), 4, contraction).map((split) =>
        costed({ kind: "tiled", tile, split }, tiledSeconds(gpu, contraction, tile, split)),
      ),
    ),
    ...TEAMS.filter(
      ({ threads, rows, columns }) =>
        terms >= threads && rows <= contraction.rows && columns <= contraction.columns,
    ).flatMap((team) =>
      splitsOf(terms, 4 * team.threads, contraction).map((split) =>
        costed({ kind: "team", team, split }, teamSeconds(gpu, contraction, team, split)),
      ),
    ),
    ...splitsOf(contraction.depth[0], 4, contraction).map((split) =>
      costed({ kind: "direct", split }, directSeconds(gpu, contraction, split)),
    ),
  ];
}

/** The fastest by the model; the first of equals. A split takes memory for its parts: it must be worth it. */
export function chooseSchedule(gpu: GpuDescription, contraction: Contraction): Costed {
  const weight = ({ schedule, seconds }: Costed): number =>
    schedule.split.parts > 1 ? seconds * SPLIT_MARGIN : seconds;
  return candidates(gpu, contraction).reduce((best, one) => (weight(one) < weight(best) ? one : best));
}

import { type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { type RealType, realBytes } from "../../codegen/ir/real.js";
import { showBytes } from "../../proto/words/amounts.js";
import type { LoweredNet } from "../layers/index.js";

/** What a net takes, in bytes: known from its plan, before any of it is taken. */
export interface NetMemory {
  /** Each shared one once; those that another net lends are not counted. */
  readonly parameters: number;
  /** The arenas of its programs. */
  readonly blobs: number;
  /** A solver's values beside the parameters. */
  readonly history: number;
  /** What kernels work in beside the blobs, on every thread. */
  readonly scratch: number;
  /** What data layers have read: the batch at hand, and the next. */
  readonly batches: number;
  /** What a call takes a copy of: the inputs given, the outputs returned. */
  readonly copies: number;
}

/** What one program takes beside parameters. */
export interface ProgramMemory {
  readonly arenaBytes: number;
  /** On every thread: the target's `scratchBytes`. */
  readonly scratchBytes: number;
}

export interface MemoryOptions {
  readonly dtype: RealType;
  readonly threads: number;
}

/**
 * @param programs what is loaded at once
 * @param elements of the parameters, and of a solver's history
 */
export function netMemory(
  { feeds, blobs, inputs, outputs }: LoweredNet,
  programs: readonly ProgramMemory[],
  elements: { readonly parameters: number; readonly history?: number },
  { dtype, threads }: MemoryOptions,
): NetMemory {
  const bytesOf = (names: Iterable<string>): number =>
    4 * [...names].reduce((sum, name) => sum + sizeOf(blobs.get(name)?.shape ?? NOTHING), 0);
  const total = (of: keyof ProgramMemory): number => programs.reduce((sum, one) => sum + one[of], 0);
  const fed = new Set(feeds.flatMap(({ layer }) => layer.top));
  return {
    parameters: elements.parameters * realBytes(dtype),
    blobs: total("arenaBytes"),
    history: (elements.history ?? 0) * realBytes(dtype),
    scratch: threads * total("scratchBytes"),
    batches: 2 * bytesOf(fed),
    copies: bytesOf([...inputs.keys()].filter((blob) => !fed.has(blob))) + bytesOf(outputs),
  };
}

const NOTHING: Shape = [0];

const PARTS: readonly (keyof NetMemory)[] = [
  "parameters",
  "blobs",
  "history",
  "scratch",
  "batches",
  "copies",
];

export const totalMemory = (memory: NetMemory): number => PARTS.reduce((sum, part) => sum + memory[part], 0);

/** `blobs 4.4 MiB, parameters 1.6 MiB`: the largest first, without what takes nothing. */
export const describeMemory = (memory: NetMemory): string =>
  PARTS.filter((part) => memory[part] > 0)
    .sort((a, b) => memory[b] - memory[a])
    .map((part) => `${part} ${showBytes(memory[part])}`)
    .join(", ");

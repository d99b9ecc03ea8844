import { InternalError } from "../../proto/errors/index.js";
import type { Kernel, Launch, Range } from "./kernel.js";

/** Blocks and threads of a kernel's launch on a GPU, both in one dimension. */
export interface LaunchShape {
  readonly blocks: number;
  readonly threads: number;
}

/** From so many iterations on, blocks are large: there are enough of them for every multiprocessor. */
const MANY = 65_536;

/** A team's threads are a block; iterations that stand alone have one thread each. */
export function launchShape({ parallel, team }: Kernel): LaunchShape {
  if (team) return { blocks: parallel.extent, threads: team.threads };
  const threads = parallel.extent >= MANY ? 256 : 64;
  return { blocks: Math.ceil(parallel.extent / threads), threads };
}

/** What launches look at of a kernel: not what it computes. */
export interface Launchable extends Pick<Kernel, "note" | "flops" | "bytes"> {
  readonly parallel: Pick<Kernel["parallel"], "extent">;
}

/** That alone of a kernel, to be written down. */
export const launchableOf = ({ parallel: { extent }, note, flops, bytes }: Launchable): Launchable => ({
  ...{ parallel: { extent }, flops, bytes, note },
});

/** The iterations that a launch of the kernel carries out. */
export function rangeOf(
  { range }: Pick<Launch, "range">,
  { parallel: { extent }, note }: Pick<Launchable, "parallel" | "note">,
): Range {
  const { from, to } = range ?? { from: 0, to: extent };
  if (!(from >= 0 && from <= to && to <= extent))
    throw new InternalError(`a launch over ${from} to ${to} of ${extent} iterations (${note})`);
  return { from, to };
}

/** How much of its kernel's work a launch is. */
export function shareOf(launch: Pick<Launch, "range">, kernel: Pick<Kernel, "parallel" | "note">): number {
  const { from, to } = rangeOf(launch, kernel);
  return (to - from) / Math.max(1, kernel.parallel.extent);
}

/** On a GPU a block knows its iteration by its own number alone. */
export function requireWhole({ range, kernel }: Launch): void {
  if (range)
    throw new InternalError(`kernel ${kernel} is launched over a part, and a GPU runs kernels whole`);
}

import type { Kernel } from "./kernel.js";

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

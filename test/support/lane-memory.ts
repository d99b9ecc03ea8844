/** Memory as the kernel language has it: what a kernel may not do with it is an error. */
import type { Kernel, Memory } from "../../codegen/kernel/kernel.js";

export type Buffer = Float32Array | Float64Array | Int32Array;
/** One number a lane. */
export type Lanes = readonly number[];
export type Mask = readonly boolean[];

const NOTHING = Symbol("nothing");

/** What a run of a kernel happens in. */
export interface LaneRun {
  readonly kernel: Kernel;
  readonly threads: number;
  readonly variables: Map<number, number[]>;
  every<T>(of: (lane: number) => T): T[];
  fail(what: string): never;
}

export function laneMemory({ kernel, every, fail }: LaneRun, buffers: readonly Buffer[]) {
  const scratch = kernel.scratch.map(({ elements, team }) =>
    every(() => 0).map((_, lane): (number | typeof NOTHING)[] =>
      lane === 0 || !team ? new Array<number | typeof NOTHING>(elements).fill(NOTHING) : [],
    ),
  );
  const cellsOf = (memory: Memory, lane: number) => {
    const slot = -1 - memory;
    return scratch[slot][kernel.scratch[slot].team ? 0 : lane];
  };
  const read = (memory: Memory, at: number, lane: number): number => {
    if (memory >= 0) {
      const buffer = buffers[memory];
      if (!(at >= 0 && at < kernel.buffers[memory].elements)) fail(`b${memory}[${at}] is read`);
      return buffer[at];
    }
    const cells = cellsOf(memory, lane);
    if (!(at >= 0 && at < cells.length)) fail(`s${-1 - memory}[${at}] is read`);
    const cell = cells[at];
    return cell === NOTHING ? fail(`s${-1 - memory}[${at}] is read before it is written`) : cell;
  };
  const write = (memory: Memory, at: number, value: number, lane: number): void => {
    if (memory >= 0) {
      if (!(at >= 0 && at < kernel.buffers[memory].elements)) fail(`b${memory}[${at}] is written`);
      buffers[memory][at] = value;
      return;
    }
    const cells = cellsOf(memory, lane);
    if (!(at >= 0 && at < cells.length)) fail(`s${-1 - memory}[${at}] is written`);
    cells[at] = value;
  };

  const put = (memory: Memory, at: Lanes, values: Lanes, mask: Mask): void => {
    const written = new Map<number, number>();
    const shared = memory >= 0 || kernel.scratch[-1 - memory].team;
    mask.forEach((on, lane) => {
      if (!on) return;
      const before = written.get(at[lane]);
      if (shared && before !== undefined && !Object.is(before, values[lane]))
        fail(`lanes store ${before} and ${values[lane]} in one place`);
      written.set(at[lane], values[lane]);
      write(memory, at[lane], values[lane], lane);
    });
  };
  return { read, put };
}

/** Memory as the kernel language has it: what a kernel may not do with it is an error. */
import type { Kernel, Memory } from "../../codegen/kernel/kernel.js";

export type Buffer = Float32Array | Float64Array | Int32Array;
/** One number a lane. */
export type Lanes = Float64Array;
/** 1 for each lane that takes part, 0 for the others. */
export type Mask = Uint8Array;

/** A variable: what it holds now, where it holds anything. */
export interface Cell {
  now: Lanes | undefined;
}

/** What a run of a kernel happens in. */
export interface LaneRun {
  readonly kernel: Kernel;
  readonly threads: number;
  /** The cell of a variable by its number. */
  readonly cellOf: (variable: number) => Cell;
  fail(what: string): never;
}

/** A piece of scratch: its numbers, and 1 where something was written. */
interface Cells {
  readonly values: Float64Array;
  readonly written: Uint8Array;
}

export function laneMemory({ kernel, threads, fail }: LaneRun, buffers: readonly Buffer[]) {
  const scratch = kernel.scratch.map(({ elements, team }) =>
    Array.from({ length: team ? 1 : threads }, (): Cells => {
      return { values: new Float64Array(elements), written: new Uint8Array(elements) };
    }),
  );
  /** What reads an element of a memory. */
  const readerOf = (memory: Memory): ((at: number, lane: number) => number) => {
    if (memory >= 0) {
      const [buffer, { elements }] = [buffers[memory], kernel.buffers[memory]];
      return (at) => (at >= 0 && at < elements ? buffer[at] : fail(`b${memory}[${at}] is read`));
    }
    const slot = -1 - memory;
    const { team, elements } = kernel.scratch[slot];
    return (at, lane) => {
      const { values, written } = scratch[slot][team ? 0 : lane];
      if (!(at >= 0 && at < elements)) fail(`s${slot}[${at}] is read`);
      return written[at] ? values[at] : fail(`s${slot}[${at}] is read before it is written`);
    };
  };
  const writerOf = (memory: Memory): ((at: number, value: number, lane: number) => void) => {
    if (memory >= 0) {
      const [buffer, { elements }] = [buffers[memory], kernel.buffers[memory]];
      return (at, value) => {
        if (!(at >= 0 && at < elements)) fail(`b${memory}[${at}] is written`);
        buffer[at] = value;
      };
    }
    const slot = -1 - memory;
    const { team, elements } = kernel.scratch[slot];
    return (at, value, lane) => {
      const { values, written } = scratch[slot][team ? 0 : lane];
      if (!(at >= 0 && at < elements)) fail(`s${slot}[${at}] is written`);
      values[at] = value;
      written[at] = 1;
    };
  };
  /** Whether two lanes that take part may store in one place: not where each stores behind those before it. */
  const mayMeet = (at: Lanes, mask: Mask): boolean => {
    let before = Number.NEGATIVE_INFINITY;
    for (let lane = 0; lane < threads; lane++) {
      if (!mask[lane]) continue;
      if (!(at[lane] > before)) return true;
      before = at[lane];
    }
    return false;
  };
  const refuseTwo = (at: Lanes, values: Lanes, mask: Mask): void => {
    const stored = new Map<number, number>();
    for (let lane = 0; lane < threads; lane++) {
      if (!mask[lane]) continue;
      const before = stored.get(at[lane]);
      if (before !== undefined && !Object.is(before, values[lane]))
        fail(`lanes store ${before} and ${values[lane]} in one place`);
      stored.set(at[lane], values[lane]);
    }
  };
  /** What stores one value a lane, `offset` elements behind the places given. */
  const storeOf = (memory: Memory, offset = 0): ((at: Lanes, values: Lanes, mask: Mask) => void) => {
    const shared = memory >= 0 || kernel.scratch[-1 - memory].team;
    const write = writerOf(memory);
    return (at, values, mask) => {
      if (shared && mayMeet(at, mask)) refuseTwo(at, values, mask);
      for (let lane = 0; lane < threads; lane++) if (mask[lane]) write(at[lane] + offset, values[lane], lane);
    };
  };
  return { readerOf, storeOf };
}

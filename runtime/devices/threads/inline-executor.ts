/** Kernels on the caller's thread. Needs nothing of Node's: built nets run it in browsers too. */
import type { NetPass } from "../../../codegen/ir/graph.js";
import type { RealArray, RealType } from "../../../codegen/ir/real.js";
import type { Argument } from "../../../codegen/kernel/kernel.js";
import { InternalError } from "../../../proto/errors/errors.js";
import { copyValues } from "../../copy-values.js";
import type { Executor, ParamMemory } from "../../device.js";
import type { Schedule } from "../../net/program-table.js";

/** What a kernel is given for a buffer: the array, or where it begins in the memory that it knows. */
export type KernelArgument = RealArray | Int32Array | number | bigint;

export type KernelArguments = (view: RealArray | Int32Array) => KernelArgument;

/** A kernel: its buffers, then the part of its outermost loop to do. */
export type HostKernel = (...buffersAndRange: KernelArgument[]) => unknown;

/** A parameter in this process. */
export interface ArrayParam extends ParamMemory {
  readonly array: RealArray;
}

export const paramIn = (array: RealArray): ArrayParam => paramOf(() => array);

/** A parameter in memory whose buffer is another when it has grown. @param open makes its array anew */
export function paramOf<A extends RealArray>(open: () => A): ArrayParam {
  const array = open();
  const param: ArrayParam = {
    get array() {
      return open();
    },
    elements: array.length,
    changes: 0,
    read: async () => open().slice(),
    async write(values) {
      copyValues(open(), values);
      param.changes++;
    },
    ...(array instanceof Float32Array && {
      fill(write) {
        write(open() as Float32Array);
        param.changes++;
      },
    }),
  };
  return param;
}

function arrayOf(memory: ParamMemory): RealArray {
  if (!("array" in memory)) throw new InternalError("a parameter lies on another device than its net");
  return (memory as ArrayParam).array;
}

/** A program's memory in this process. */
export interface ArrayMemory {
  /** Asked for at each use: memory that has grown has another. */
  readonly arena: ArrayBuffer | SharedArrayBuffer;
  /** Where the arena begins in its buffer, in bytes; default 0. */
  readonly arenaOffset?: number;
  readonly params: readonly ParamMemory[];
  readonly dtype: RealType;
}

/** The typed view of one launch argument, over the arena or over a parameter: live memory. */
export function viewOf(
  at: Argument,
  { arena, arenaOffset = 0, params, dtype }: ArrayMemory,
): RealArray | Int32Array {
  if (at.storage === "param") return arrayOf(params[at.param]).subarray(at.offset, at.offset + at.elements);
  const from = arenaOffset + at.byteOffset;
  if (at.dtype === "index") return new Int32Array(arena, from, at.elements);
  return dtype === "float32"
    ? new Float32Array(arena, from, at.elements)
    : new Float64Array(arena, from, at.elements);
}

/** The copies that are due when a pass ends. */
export function copiesIn({ copies }: Pick<Schedule, "copies">, memory: ArrayMemory): (pass: NetPass) => void {
  return (pass) => {
    for (const copy of copies) if (copy.pass === pass) viewOf(copy.to, memory).set(viewOf(copy.from, memory));
  };
}

/** What is read and written of memory in this process. */
export const accessTo = (memory: ArrayMemory): Pick<Executor, "read" | "write"> => ({
  read: async (at) => viewOf(at, memory).slice(),
  write: async (at, values) => copyValues(viewOf(at, memory), values),
});

/** The event loop gets a turn this often, over all passes of all nets: small ones follow one another without any. */
const TURN_MS = 12;
/** What a piece of a kernel's range is to take: so the event loop is held for no longer than the two together. */
const PIECE_MS = 3;
/** A piece has at most this many times the iterations of the one before, from which its time is told. */
const GROWTH = 2;
let turn = 0;

/** A MessagePort, as Node and browsers both have it. */
interface TurnPort {
  onmessage: () => void;
  postMessage(message: number): void;
  close(): void;
}

/** Lets the event loop have a turn; in browsers a timer would wait for some milliseconds. */
const giveTurn = (): Promise<void> =>
  new Promise((resolve) => {
    const { setImmediate: soon } = globalThis as { setImmediate?: (run: () => void) => void };
    if (soon) {
      soon(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel() as unknown as Record<"port1" | "port2", TurnPort>;
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });

/** Iterations of the piece after one of `done` iterations that took `ms`; `piece` is what that one might have had. */
function pieceAfter(done: number, ms: number, piece: number): number {
  const fitting = Math.floor((done * PIECE_MS) / ms);
  // A clock may be too coarse to tell that anything took time; the end of a range says nothing of more than it had.
  const most = done < piece ? piece : GROWTH * done;
  return Math.max(1, ms > 0 ? Math.min(fitting, most) : most);
}

/**
 * Runs kernels on the caller's thread, in pieces of their ranges: of those before it is told how many iterations the next
 * has, so that a long kernel does not hold the event loop. The bits do not depend on it.
 *
 * @param extents iterations of each kernel's outermost loop
 * @param argumentOf what kernels take for an array; default: the array
 */
export function createInlineExecutor(
  schedule: Schedule,
  kernels: readonly HostKernel[],
  extents: readonly number[],
  memory: ArrayMemory,
  argumentOf: KernelArguments = (view) => view,
): Executor {
  const bound = (pass: NetPass) =>
    schedule[pass].map(({ kernel, args, range }) => ({
      run: kernels[kernel],
      from: range?.from ?? 0,
      to: range?.to ?? extents[kernel],
      given: args.map((at) => argumentOf(viewOf(at, memory))),
      // Iterations of the next piece: nothing is known of their time yet.
      piece: 1,
    }));
  const passes = { prepare: bound("prepare"), forward: bound("forward"), backward: bound("backward") };
  const times: Record<NetPass, number[]> = { prepare: [], forward: [], backward: [] };
  const copy = copiesIn(schedule, memory);
  return {
    ...accessTo(memory),
    async run(pass) {
      const took = times[pass];
      took.length = 0;
      for (const launch of passes[pass]) {
        const { run, to, given } = launch;
        let time = 0;
        for (let from = launch.from; from < to; ) {
          const end = Math.min(to, from + launch.piece);
          const start = performance.now();
          run(...given, from, end);
          const now = performance.now();
          time += now - start;
          launch.piece = pieceAfter(end - from, now - start, launch.piece);
          from = end;
          if (now - turn > TURN_MS) {
            await giveTurn();
            turn = performance.now();
          }
        }
        took.push(time);
      }
      copy(pass);
    },
    times: (pass) => times[pass],
    async close() {},
  };
}

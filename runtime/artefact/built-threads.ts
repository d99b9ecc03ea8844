import { messageOf } from "../../proto/words/trouble.js";
import { coresWithin } from "../core-quota.js";
import type { Executor, ParamMemory } from "../device.js";
import {
  createCallerExecutor,
  createHostExecutor,
  isSmall,
  takesWorkers,
} from "../devices/threads/host-executor.js";
import type { HostKernels, LaunchableProgram } from "../devices/threads/host-kernels.js";
import type { ArrayMemory } from "../devices/threads/inline-executor.js";
import { startNodeThread } from "../devices/threads/node-thread.js";
import { startPageThread } from "../devices/threads/page-thread.js";
import type { StartThread } from "../devices/threads/worker-job.js";
import type { ProgramTable } from "../net/program-table.js";
import type { LoadedProgram } from "../net/runner.js";
import { MOST_THREADS, threadsRefused } from "../thread-sharing.js";
import type { BuiltDevice } from "./built-device.js";
import { type ThreadOptions, threadsAsked } from "./thread-option.js";

/** How the programs of a build run where it is loaded. */
export interface BuiltThreads {
  /** Of each program. */
  readonly counts: readonly number[];
  /** Nobody asked for threads: where some cannot be had, one is enough. */
  readonly atMost: boolean;
  /** Absent where all run on the caller's thread, so that memory need not be shared. */
  readonly start?: StartThread;
}

/**
 * As many threads as `load` is asked for; else one for each core, where threads can share memory, of programs that they
 * make faster.
 *
 * @param text of `workerMain`
 * @throws Error where threads are asked for that cannot be had
 */
export async function planThreads(
  programs: readonly LaunchableProgram[],
  speed: Pick<HostKernels, "perMillisecond">,
  options: ThreadOptions,
  text: string,
): Promise<BuiltThreads> {
  const asked = threadsAsked(options);
  const atMost = asked === undefined;
  const small = programs.map((program) => isSmall(program, speed));
  // Node's modules are asked for by those nets alone that take threads.
  const one = atMost && (threadsRefused() !== undefined || !small.includes(false));
  const threads = asked ?? (one ? 1 : Math.min(await coresHere(), MOST_THREADS));
  const counts = small.map((isOne) => (atMost && isOne ? 1 : threads));
  if (!programs.some((program, i) => takesWorkers(program, speed, counts[i]))) return { counts, atMost };
  const start = await starterHere(text);
  if (start) return { counts, atMost, start };
  if (threads > 1 && !atMost) throw notHad(threads, "there are no workers here");
  return oneThread(programs);
}

/** All on the caller's thread. */
export const oneThread = (programs: readonly unknown[]): BuiltThreads => ({
  counts: programs.map(() => 1),
  atMost: true,
});

const notHad = (threads: number, why: string): Error =>
  new Error(`threads: ${threads} cannot be had: ${why}`);

/** A program with what it runs over. */
interface RunnableProgram {
  readonly program: LaunchableProgram;
  readonly memory: ArrayMemory;
  readonly kernels: HostKernels;
}

/** The programs of a build on their threads. @param at a program by its number */
export async function openPrograms(
  params: readonly ParamMemory[],
  tables: readonly ProgramTable[],
  { counts, ...how }: BuiltThreads,
  at: (number: number) => RunnableProgram,
): Promise<BuiltDevice> {
  const programs: LoadedProgram[] = [];
  const close = async (): Promise<void> => {
    for (const { executor } of programs) await executor.close();
  };
  try {
    for (const [i, table] of tables.entries()) {
      const { program, memory, kernels } = at(i);
      const threads = counts[i];
      programs.push({
        table,
        executor: await createThreadsExecutor(program, memory, kernels, { threads, ...how }),
      });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { params, programs, close };
}

/** A program in workers, if it has any. A page's policy may allow none: what nobody asked for is then done without. */
async function createThreadsExecutor(
  program: LaunchableProgram,
  memory: ArrayMemory,
  kernels: HostKernels,
  { threads, atMost, start }: Pick<BuiltThreads, "atMost" | "start"> & { readonly threads: number },
): Promise<Executor> {
  if (!start) return createCallerExecutor(program, memory, kernels);
  try {
    return await createHostExecutor(program, memory, kernels, { threads, start });
  } catch (error) {
    if (threads > 1 && !atMost) throw notHad(threads, messageOf(error));
    return createCallerExecutor(program, memory, kernels);
  }
}

const hasPageWorkers = (): boolean => "Worker" in globalThis;

/** Cores that the process or the page may use. */
async function coresHere(): Promise<number> {
  try {
    if (hasPageWorkers()) {
      const { navigator } = globalThis as { readonly navigator?: { readonly hardwareConcurrency?: number } };
      return Math.max(1, navigator?.hardwareConcurrency ?? 1);
    }
    // What bundlers do not find they leave to where it runs, as it stands in a try.
    const { availableParallelism } = await import("node:os");
    const { readFileSync } = await import("node:fs");
    return coresWithin(availableParallelism(), (path) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    });
  } catch {
    return 1;
  }
}

/** What starts threads here; undefined where there are none, as in a service worker. */
async function starterHere(text: string): Promise<StartThread | undefined> {
  if (hasPageWorkers()) return (job, told) => startPageThread(text, job, told);
  try {
    const threads = await import("node:worker_threads");
    return (job, told) => startNodeThread(threads, text, job, told);
  } catch {
    return undefined;
  }
}

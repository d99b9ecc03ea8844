import { Worker } from "node:worker_threads";
import type { Argument, Launch, Program } from "../codegen/kernel.js";
import { InternalError } from "../src/errors/index.js";
import { allocateShared, type ParamStore, type RealArray, viewOf } from "./memory.js";
import { CONTROL, type WorkerJob, type WorkerLaunch, workerMain } from "./threads/worker.js";

export type Pass = "forward" | "backward";

/** A kernel as the `ts` target makes it: its buffers, then the part of its parallel range to do. */
export type KernelFunction = (...buffersAndRange: (RealArray | Int32Array | number)[]) => void;

/** Runs the launches of one program over one arena. */
export interface Executor {
  run(pass: Pass): Promise<void>;
  /** The memory behind an argument: live, not a copy. */
  view(argument: Argument): RealArray | Int32Array;
  /** Milliseconds that each launch of the pass took when it last ran. */
  times(pass: Pass): readonly number[];
  close(): Promise<void>;
}

export interface ExecutorOptions {
  readonly program: Program;
  /** JavaScript text whose value (as a function body) is the array of kernels. */
  readonly kernelSource: string;
  readonly load: (source: string, filename: string) => readonly KernelFunction[];
  readonly filename: string;
  readonly params: ParamStore;
  readonly threads: number;
}

/** Below this many operations and bytes a launch costs less than a barrier. */
const ALONE = 20_000;
/** On the caller's own thread, let the event loop breathe this often. */
const BREATHE_MS = 12;

/** On one thread the kernels run on the caller's, giving way to the event loop; on several, in workers. */
export async function createExecutor(options: ExecutorOptions): Promise<Executor> {
  return options.threads > 1 ? threadedExecutor(options) : inlineExecutor(options);
}

function bind(options: ExecutorOptions): { arena: SharedArrayBuffer; passes: Record<Pass, WorkerLaunch[]> } {
  const { program, params } = options;
  const arena = allocateShared(program.arenaBytes, "the blobs");
  const bound = (launch: Launch): WorkerLaunch => {
    const kernel = program.kernels[launch.kernel];
    return {
      kernel: launch.kernel,
      extent: kernel.parallel.extent,
      alone: kernel.flops + kernel.bytes < ALONE,
      views: launch.args.map((argument) => viewOf(argument, arena, params)),
    };
  };
  return { arena, passes: { forward: program.forward.map(bound), backward: program.backward.map(bound) } };
}

function inlineExecutor(options: ExecutorOptions): Executor {
  const { arena, passes } = bind(options);
  const kernels = options.load(options.kernelSource, options.filename);
  const times: Record<Pass, number[]> = { forward: [], backward: [] };
  return {
    async run(pass) {
      let breath = performance.now();
      const took = times[pass];
      took.length = 0;
      for (const { kernel, extent, views } of passes[pass]) {
        const start = performance.now();
        kernels[kernel](...(views as RealArray[]), 0, extent);
        const end = performance.now();
        took.push(end - start);
        if (end - breath > BREATHE_MS) {
          await new Promise((resolve) => setImmediate(resolve));
          breath = performance.now();
        }
      }
    },
    view: (argument) => viewOf(argument, arena, options.params),
    times: (pass) => times[pass],
    async close() {},
  };
}

async function threadedExecutor(options: ExecutorOptions): Promise<Executor> {
  const { threads, kernelSource, filename } = options;
  const { arena, passes } = bind(options);
  const order: readonly Pass[] = ["forward", "backward"];
  const longest = Math.max(...order.map((pass) => passes[pass].length), 1);
  const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL.words));
  const times = new Float64Array(new SharedArrayBuffer(8 * longest));
  const handedOut = new Int32Array(new SharedArrayBuffer(4 * longest));
  const took: Record<Pass, number[]> = { forward: [], backward: [] };
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  const workers = await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const job: WorkerJob = {
        kernelSource,
        filename,
        passes: order.map((pass) => passes[pass]),
        control,
        handedOut,
        times,
        thread,
        threads,
      };
      // The worker's source travels as text, so that it needs no file of its own next to the package.
      const worker = new Worker(`(${workerMain.toString()})(require)`, { eval: true, workerData: job });
      return new Promise<Worker>((resolve, reject) => {
        worker.on("message", (message: "ready" | "done" | { error: string }) => {
          if (message === "ready") {
            // A worker that only waits for work must not keep the process alive.
            worker.unref();
            resolve(worker);
          } else if (message === "done") settle?.resolve();
          else settle?.reject(new InternalError(`A kernel thread failed: ${message.error}`));
        });
        worker.on("error", (error) => {
          reject(error);
          settle?.reject(new InternalError(`A kernel thread failed: ${error.message}`));
        });
      });
    }),
  );

  return {
    async run(pass) {
      const done = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      // While a pass runs, its end is awaited: hold the process open for it.
      workers[0].ref();
      handedOut.fill(0);
      Atomics.store(control, CONTROL.pass, order.indexOf(pass));
      Atomics.add(control, CONTROL.generation, 1);
      Atomics.notify(control, CONTROL.generation);
      try {
        await done;
      } finally {
        workers[0].unref();
        settle = undefined;
      }
      took[pass] = [...times.subarray(0, passes[pass].length)];
    },
    view: (argument) => viewOf(argument, arena, options.params),
    times: (pass) => took[pass],
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

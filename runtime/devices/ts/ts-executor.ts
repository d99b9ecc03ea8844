import { Worker } from "node:worker_threads";
import { NET_PASSES, type NetPass } from "../../../codegen/ir/graph.js";
import type { RealArray } from "../../../codegen/ir/real.js";
import type { Argument, Launch, Program } from "../../../codegen/kernel/kernel.js";
import { rangeOf } from "../../../codegen/kernel/launch.js";
import { loadKernels } from "../../../codegen/targets/ts/ts-module.js";
import { InternalError } from "../../../proto/errors/index.js";
import type { Executor, ParamStore } from "../../device.js";
import { allocateShared } from "../../memory.js";
import { viewOf } from "./ts-memory.js";
import { CONTROL, type WorkerJob, type WorkerLaunch, workerMain } from "./ts-worker.js";

export interface ExecutorOptions {
  readonly program: Program;
  /** JavaScript text whose value (as a function body) is the array of kernels. */
  readonly kernelSource: string;
  readonly params: ParamStore;
  readonly threads: number;
}

/** The name of generated code in stack traces. */
const FILENAME = "cortado-net.js";
/** Below this many operations and bytes a launch costs less than a barrier. */
const ALONE = 20_000;
/**
 * On the caller's own thread, let the event loop breathe this often: over all passes of all nets, since small ones run
 * one after another without ever giving way.
 */
const BREATHE_MS = 12;
let breath = 0;

/** On one thread the kernels run on the caller's, giving way to the event loop; on several, in workers. */
export async function createExecutor(options: ExecutorOptions): Promise<Executor> {
  return options.threads > 1 ? threadedExecutor(options) : inlineExecutor(options);
}

/** A program over memory: its launches' views, and what an executor does beside running kernels. */
interface Bound extends Pick<Executor, "read" | "write"> {
  readonly passes: Readonly<Record<NetPass, readonly WorkerLaunch[]>>;
  /** Carries out the copies that are due when a pass ends. */
  copy(pass: NetPass): void;
}

function bind({ program, params }: ExecutorOptions): Bound {
  const arena = allocateShared(program.arenaBytes, "the blobs");
  const view = (argument: Argument): RealArray | Int32Array => viewOf(argument, arena, params);
  const bound = (launch: Launch): WorkerLaunch => {
    const kernel = program.kernels[launch.kernel];
    const { from, to } = rangeOf(launch, kernel);
    return {
      kernel: launch.kernel,
      from,
      to,
      alone: (kernel.flops + kernel.bytes) * (to - from) < ALONE * kernel.parallel.extent,
      views: launch.args.map(view),
    };
  };
  const copies = program.copies.map(({ pass, from, to }) => ({ pass, from: view(from), to: view(to) }));
  return {
    passes: {
      prepare: program.prepare.map(bound),
      forward: program.forward.map(bound),
      backward: program.backward.map(bound),
    },
    copy(pass) {
      for (const { pass: due, from, to } of copies) if (due === pass) to.set(from);
    },
    read: async (at) => view(at).slice(),
    write: async (at, values) => view(at).set(values),
  };
}

function inlineExecutor(options: ExecutorOptions): Executor {
  const { passes, copy, read, write } = bind(options);
  const kernels = loadKernels(options.kernelSource, FILENAME);
  const times: Record<NetPass, number[]> = { prepare: [], forward: [], backward: [] };
  return {
    async run(pass) {
      const took = times[pass];
      took.length = 0;
      for (const { kernel, from, to, views } of passes[pass]) {
        const start = performance.now();
        kernels[kernel](...(views as RealArray[]), from, to);
        const end = performance.now();
        took.push(end - start);
        if (end - breath > BREATHE_MS) {
          await new Promise((resolve) => setImmediate(resolve));
          breath = performance.now();
        }
      }
      copy(pass);
    },
    read,
    write,
    times: (pass) => times[pass],
    async close() {},
  };
}

async function threadedExecutor(options: ExecutorOptions): Promise<Executor> {
  const { threads, kernelSource } = options;
  const { passes, copy, read, write } = bind(options);
  const order = NET_PASSES;
  const longest = Math.max(...order.map((pass) => passes[pass].length), 1);
  const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL.words));
  const times = new Float64Array(new SharedArrayBuffer(8 * longest));
  const handedOut = new Int32Array(new SharedArrayBuffer(4 * longest));
  const took: Record<NetPass, number[]> = { prepare: [], forward: [], backward: [] };
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  const workers = await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const job: WorkerJob = {
        kernelSource,
        filename: FILENAME,
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
      copy(pass);
    },
    read,
    write,
    times: (pass) => took[pass],
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

import { Worker } from "node:worker_threads";
import { NET_PASSES, type NetPass } from "../../../codegen/ir/graph.js";
import type { Launch, Program } from "../../../codegen/kernel/kernel.js";
import { rangeOf } from "../../../codegen/kernel/launch.js";
import { loadKernels } from "../../../codegen/targets/ts/ts-module.js";
import { InternalError } from "../../../proto/errors/index.js";
import type { Executor, ParamStore } from "../../device.js";
import { allocateShared } from "../../memory.js";
import {
  type ArrayMemory,
  accessTo,
  copiesIn,
  createInlineExecutor,
  type TsKernel,
  viewOf,
} from "../threads/inline-executor.js";
import { CONTROL, type WorkerJob, type WorkerLaunch, workerMain } from "../threads/kernel-worker.js";

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
/** Operations and bytes of one iteration, about 8 ms: the event loop cannot have a turn within it. */
const LONG_ITERATION = 16_000_000;

const holdsLoop = ({ kernels }: Program): boolean =>
  kernels.some(({ flops, bytes, parallel }) => flops + bytes > LONG_ITERATION * Math.max(1, parallel.extent));

/**
 * On one thread the kernels run on the caller's, giving way to the event loop; on several, in workers. Kernels that could
 * not give way often enough run in a worker also where it is the only one.
 */
export async function createExecutor({
  program,
  kernelSource,
  params,
  threads,
}: ExecutorOptions): Promise<Executor> {
  const arena = allocateShared(program.arenaBytes, "the blobs");
  const memory: ArrayMemory = { arena, params: params.memories, dtype: params.dtype };
  if (threads > 1 || holdsLoop(program)) return threadedExecutor(program, memory, kernelSource, threads);
  const extents = program.kernels.map(({ parallel }) => parallel.extent);
  const kernels = loadKernels(kernelSource, FILENAME) as readonly TsKernel[];
  return createInlineExecutor(program, kernels, extents, memory);
}

async function threadedExecutor(
  program: Program,
  memory: ArrayMemory,
  kernelSource: string,
  threads: number,
): Promise<Executor> {
  const bound = (launch: Launch): WorkerLaunch => {
    const kernel = program.kernels[launch.kernel];
    const { from, to } = rangeOf(launch, kernel);
    return {
      kernel: launch.kernel,
      from,
      to,
      alone: (kernel.flops + kernel.bytes) * (to - from) < ALONE * kernel.parallel.extent,
      views: launch.args.map((at) => viewOf(at, memory)),
    };
  };
  const copy = copiesIn(program, memory);
  const order = NET_PASSES;
  const passes = order.map((pass) => program[pass].map(bound));
  const longest = Math.max(...passes.map(({ length }) => length), 1);
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
        passes,
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
      took[pass] = [...times.subarray(0, program[pass].length)];
      copy(pass);
    },
    ...accessTo(memory),
    times: (pass) => took[pass],
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

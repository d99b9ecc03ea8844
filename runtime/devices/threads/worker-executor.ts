import { NET_PASSES, type NetPass } from "../../../codegen/ir/graph.js";
import type { Launch } from "../../../codegen/kernel/kernel.js";
import { rangeOf } from "../../../codegen/kernel/launch.js";
import { InternalError } from "../../../proto/errors/errors.js";
import type { Executor } from "../../device.js";
import type { HostKernels, LaunchableProgram } from "./host-kernels.js";
import { type ArrayMemory, accessTo, copiesIn, viewOf } from "./inline-executor.js";
import {
  CONTROL,
  type KernelThread,
  type StartThread,
  type WorkerJob,
  type WorkerLaunch,
} from "./worker-job.js";

/** Milliseconds of a launch below which it costs less than a barrier. */
const ALONE_MS = 0.01;

/** Runs kernels in workers, as many as there are threads. */
export async function createWorkerExecutor(
  program: LaunchableProgram,
  memory: ArrayMemory,
  kernels: HostKernels,
  { threads, start }: { readonly threads: number; readonly start: StartThread },
): Promise<Executor> {
  const { argumentOf = (view) => view, perMillisecond } = kernels;
  const bound = (launch: Launch): WorkerLaunch => {
    const { flops, bytes, parallel } = program.kernels[launch.kernel];
    const { from, to } = rangeOf(launch, program.kernels[launch.kernel]);
    return {
      kernel: launch.kernel,
      from,
      to,
      alone: (flops + bytes) * (to - from) < ALONE_MS * perMillisecond * parallel.extent,
      given: launch.args.map((at) => argumentOf(viewOf(at, memory))),
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
  let running: Promise<void> = Promise.resolve();
  /** What ended a thread: the others wait for it for ever. */
  let failure: InternalError | undefined;

  const started: KernelThread[] = [];
  const endAll = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((worker) => worker.end()));
  };
  const ready = (thread: number): Promise<KernelThread> => {
    const code = kernels.codeOf(thread);
    const job: WorkerJob = { code, passes, control, handedOut, times, thread, threads };
    return new Promise((resolve, reject) => {
      const worker = start(job, (message) => {
        if (message === "ready") {
          // A worker that only waits for work must not keep the process alive.
          worker.hold(false);
          resolve(worker);
        } else if (message === "done") settle?.resolve();
        else {
          failure ??= new InternalError(`A kernel thread failed: ${message.error}`);
          reject(failure);
          settle?.reject(failure);
        }
      });
      started.push(worker);
    });
  };
  const workers = await Promise.all(Array.from({ length: threads }, (_, thread) => ready(thread))).catch(
    async (error: unknown) => {
      await endAll();
      throw error;
    },
  );

  return {
    async run(pass) {
      if (failure) throw failure;
      const done = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      running = done;
      // While a pass runs, its end is awaited: hold the process open for it.
      workers[0].hold(true);
      handedOut.fill(0);
      Atomics.store(control, CONTROL.pass, order.indexOf(pass));
      Atomics.add(control, CONTROL.generation, 1);
      Atomics.notify(control, CONTROL.generation);
      try {
        await done;
      } finally {
        workers[0].hold(false);
        settle = undefined;
      }
      took[pass] = [...times.subarray(0, program[pass].length)];
      copy(pass);
    },
    ...accessTo(memory),
    times: (pass) => took[pass],
    async close() {
      // What was asked for is done first; whoever asked is told of its failure.
      await running.catch(() => {});
      await endAll();
    },
  };
}

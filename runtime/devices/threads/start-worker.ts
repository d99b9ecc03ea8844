import { Worker } from "node:worker_threads";
import type { WorkerJob, WorkerMessage } from "./kernel-worker.js";
import { workerText } from "./worker-text.js";

/** A kernel thread that is running. */
export interface KernelThread {
  /** While it is held, it keeps the process alive. */
  hold(held: boolean): void;
  end(): Promise<void>;
}

/** Starts a kernel thread. @param told of each message, and of what ends the thread */
export function startWorker(job: WorkerJob, told: (message: WorkerMessage) => void): KernelThread {
  const host = `(() => {
    const { workerData, parentPort } = require("node:worker_threads");
    const { compileFunction } = require("node:vm");
    return {
      job: workerData,
      evaluate: (source, filename) => compileFunction(source, [], { filename })(),
      post: (message) => parentPort.postMessage(message),
    };
  })()`;
  const worker = new Worker(`(${workerText()})(${host})`, { eval: true, workerData: job });
  worker.on("message", told);
  worker.on("error", (error) => told({ error: error.message }));
  let ending = false;
  worker.on("exit", (code) => {
    if (!ending) told({ error: `its worker ended with code ${code}` });
  });
  return {
    hold: (held) => (held ? worker.ref() : worker.unref()),
    async end() {
      ending = true;
      await worker.terminate();
    },
  };
}

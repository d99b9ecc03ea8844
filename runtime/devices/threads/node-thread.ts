import type { Worker } from "node:worker_threads";
import type { KernelThread, WorkerJob, WorkerMessage } from "./worker-job.js";

/** What is used of `node:worker_threads`: who needs no threads does not load it. */
export interface NodeThreads {
  readonly Worker: new (
    text: string,
    options: { readonly eval: true; readonly execArgv: string[]; readonly workerData: unknown },
  ) => Pick<Worker, "on" | "ref" | "unref" | "terminate">;
}

/** A kernel thread of Node's. @param program the text of `workerMain` */
export function startNodeThread(
  { Worker: NodeWorker }: NodeThreads,
  program: string,
  job: WorkerJob,
  told: (message: WorkerMessage) => void,
): KernelThread {
  const host = `(() => {
    const { workerData, parentPort } = require("node:worker_threads");
    const { compileFunction } = require("node:vm");
    return {
      job: workerData,
      evaluate: (source, filename) => compileFunction(source, [], { filename })(),
      post: (message) => parentPort.postMessage(message),
    };
  })()`;
  // Flags of the process are not for it: by --input-type=module the text would be one, and what --import names is loaded for nothing.
  const worker = new NodeWorker(`(${program})(${host})`, { eval: true, execArgv: [], workerData: job });
  worker.on("message", told);
  worker.on("error", (error: Error) => told({ error: error.message }));
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

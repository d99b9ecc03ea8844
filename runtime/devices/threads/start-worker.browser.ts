import type { WorkerJob, WorkerMessage } from "./kernel-worker.js";
import { workerText } from "./worker-text.js";

/** Starts a kernel thread. @param told of each message, and of what ends the thread */
export function startWorker(job: WorkerJob, told: (message: WorkerMessage) => void) {
  const program = `onmessage = ({ data }) => (${workerText()})({
    job: data,
    evaluate: (source, filename) => new Function(source + "\\n//# sourceURL=" + filename)(),
    post: (message) => postMessage(message),
  });`;
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onmessage = ({ data }) => told(data as WorkerMessage);
  worker.onerror = ({ message }) =>
    told({ error: message || "the page's Content-Security-Policy may allow no worker (worker-src blob:)" });
  worker.postMessage(job);
  return {
    /** A page is kept by its window. */
    hold(_held: boolean): void {},
    async end(): Promise<void> {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

import type { KernelThread, WorkerJob, WorkerMessage } from "./worker-job.js";

/** What is used of a browser's workers: the library that types know has them only where there is a page. */
interface PageWorker {
  onmessage: (event: { readonly data: unknown }) => void;
  onerror: (event: { readonly message?: string }) => void;
  postMessage(message: unknown): void;
  terminate(): void;
}

/** A kernel thread of a browser's. @param program the text of `workerMain` */
export function startPageThread(
  program: string,
  job: WorkerJob,
  told: (message: WorkerMessage) => void,
): KernelThread {
  const { Worker: ThreadOfPage } = globalThis as unknown as {
    readonly Worker: new (url: string) => PageWorker;
  };
  // A page's policy may allow no code that is made of text, and it would hold for the worker too.
  const { source, filename } =
    "source" in job.code ? job.code : { source: "", filename: "cortado-thread.js" };
  const text = `onmessage = ({ data }) => (${program})({
    job: data,
    evaluate: () => (() => {\n${source}\n})(),
    post: (message) => postMessage(message),
  });\n//# sourceURL=${filename}`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new ThreadOfPage(url);
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

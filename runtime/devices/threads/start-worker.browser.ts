import { startPageThread } from "./page-thread.js";
import type { StartThread } from "./worker-job.js";
import { workerText } from "./worker-text.js";

export const startWorker: StartThread = (job, told) => startPageThread(workerText(), job, told);

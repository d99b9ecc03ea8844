import { Worker } from "node:worker_threads";
import { startNodeThread } from "./node-thread.js";
import type { StartThread } from "./worker-job.js";
import { workerText } from "./worker-text.js";

export const startWorker: StartThread = (job, told) => startNodeThread({ Worker }, workerText(), job, told);

import { workerMain } from "./kernel-worker.js";

/** The program of a kernel thread, as the text of a function: a worker needs no file of its own beside the package. */
export const workerText = (): string => workerMain.toString();

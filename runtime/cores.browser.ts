import { threadsRefused } from "./thread-sharing.js";

/** Cores that the page may use: one where threads cannot share memory. */
export const availableCores = (): number =>
  threadsRefused() === undefined ? Math.max(1, navigator.hardwareConcurrency) : 1;

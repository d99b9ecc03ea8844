/** When a process had done what, in milliseconds since it began. */
export interface ReadyTimes {
  /** All modules are there. */
  readonly loaded: number;
  /** `compile` has given the net. */
  readonly compiled: number;
  /** The first pass has been run. */
  readonly first: number;
  /** Kernels of the net's program. */
  readonly kernels: number;
}

import type { ProgramTable } from "../net/program-table.js";
import type { BuiltAddon } from "./built-addon.js";

/** What the `cuda` target adds to the tables. */
export interface CudaTables {
  /** The CUDA version of the compiler: a driver of an older major does not load what it made. */
  readonly compiler: readonly [major: number, minor: number];
  /** What talks to the driver, for each platform that the build serves. */
  readonly addons: readonly BuiltAddon[];
  /** One for each architecture. */
  readonly variants: readonly CudaVariant[];
}

/** The net for one architecture. */
export interface CudaVariant {
  /** "sm_90". */
  readonly architecture: string;
  readonly kernels: readonly BuiltKernel[];
  readonly programs: readonly ProgramTable[];
}

export interface BuiltKernel {
  readonly symbol: string;
  /** Of its cubin, in the folder. */
  readonly path: string;
  readonly blocks: number;
  readonly threads: number;
  /** What it computes, for errors: operation and shapes. */
  readonly note: string;
}

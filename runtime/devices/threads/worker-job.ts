/** What a worker makes kernels of. */
export type WorkerCode =
  /** JavaScript text, as a function body, whose value is the array of kernels; its name shows in stack traces. */
  | { readonly source: string; readonly filename: string }
  /** A module of WebAssembly with what it imports; kernels by the names of its functions. */
  | { readonly module: unknown; readonly imports: object; readonly names: readonly string[] };

/** What one kernel thread is given. Typed arrays are over shared memory. */
export interface WorkerJob {
  readonly code: WorkerCode;
  readonly passes: readonly (readonly WorkerLaunch[])[];
  /** Control words: see `CONTROL`. */
  readonly control: Int32Array;
  /** How much of each launch's range has been handed out. All 0 when a pass starts. */
  readonly handedOut: Int32Array;
  /** Milliseconds of each launch of the last pass, written by thread 0. */
  readonly times: Float64Array;
  readonly thread: number;
  readonly threads: number;
}

export interface WorkerLaunch {
  readonly kernel: number;
  /** Iterations of its parallel loop: from ≤ i < to. */
  readonly from: number;
  readonly to: number;
  /** Too small to be worth a barrier of its own: thread 0 does it alone. */
  readonly alone: boolean;
  /** What the kernel takes for its buffers. */
  readonly given: readonly (ArrayBufferView | number | bigint)[];
}

/** Words of the control array. */
export const CONTROL = { generation: 0, pass: 1, arrived: 2, turn: 3, failed: 4, words: 8 } as const;

/** What a kernel thread says. */
export type WorkerMessage = "ready" | "done" | { readonly error: string };

/** A kernel thread that is running. */
export interface KernelThread {
  /** While it is held, it keeps the process alive. */
  hold(held: boolean): void;
  end(): Promise<void>;
}

/** Starts a kernel thread. @param told of each message, and of what ends the thread */
export type StartThread = (job: WorkerJob, told: (message: WorkerMessage) => void) => KernelThread;

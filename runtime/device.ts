import type { RealArray, RealType } from "../codegen/ir/real.js";
import type { TargetDescription } from "../codegen/ir/target-description.js";
import type { Argument, Program } from "../codegen/kernel/kernel.js";
import type { NetPass } from "../codegen/plan/plan.js";
import type { Target } from "../codegen/targets/target.js";
import type { ProgramTable } from "./net/program-table.js";

/**
 * Memory of one parameter, wherever its net runs: it outlives any one program, and several nets may share it (a test
 * net beside its train net). A device's own type extends it by what its kernels need.
 */
export interface ParamMemory {
  readonly elements: number;
  /** Counts what changed the values: writes, and updates by any program. What was made of them is then out of date. */
  changes: number;
  /** A copy of the values, after every pass that was run before. */
  read(): Promise<RealArray>;
  /** Takes as many values as there are elements; the caller's array may change when this has resolved. */
  write(values: ArrayLike<number>): Promise<void>;
  /** Where the values lie in this process as float32: hands them on to be written there, before any pass was run. */
  fill?(write: (values: Float32Array) => void): void;
}

/** The parameters of a net, by index. A solver's history is added behind a net's own. */
export interface ParamStore {
  readonly dtype: RealType;
  readonly memories: ParamMemory[];
}

/**
 * Runs the launches of one program over one arena. Work on one device happens in the order it was asked for, so what
 * follows a call sees its result, whether or not the call had resolved.
 */
export interface Executor {
  /** Runs a pass's launches, then its copies. May resolve when they are queued: a fault then shows in the next read. */
  run(pass: NetPass): Promise<void>;
  /** A copy of what lies there. */
  read(at: Argument): Promise<RealArray | Int32Array>;
  /** Takes as many values as the argument has elements; the caller's array may change when this has resolved. */
  write(at: Argument, values: ArrayLike<number>): Promise<void>;
  /** Milliseconds that each launch of the pass took when it last ran; empty where it has not been measured. */
  times(pass: NetPass): readonly number[];
  /**
   * Runs a pass as `run` does, measuring each launch: `times` then tells. Where a device has it, measuring costs time
   * and `run` does not measure.
   */
  profile?(pass: NetPass): Promise<void>;
  /** Waits for what was asked for, then frees the arena, threads and kernels; parameters stay. Again does nothing. */
  close(): Promise<void>;
}

/**
 * Where a net's numbers live and its kernels run. A net opens one; nets that share its parameters run on the same one,
 * and it is closed when the last of them is.
 */
export interface Device {
  /** What its programs are compiled for. */
  readonly target: Target;
  /** The target's, for this device. */
  readonly description: TargetDescription;
  /** Whether its memory is this machine's own, which batches and results lie in too. */
  readonly hostMemory: boolean;
  /**
   * Refuses what cannot fit, before anything of it is taken.
   *
   * @param what what the memory is for, as the subject of a sentence: "the parameters"
   * @throws CortadoError that says how much is needed
   */
  checkMemory(bytes: number, what: string): void;
  /** Memory for a parameter, all zeros, of the device's real type. It is freed when the device is closed. */
  allocate(elements: number): ParamMemory;
  /** Compiles a program's kernels and binds them to memory: parameters that this device allocated, and an arena. */
  load(program: Program, params: ParamStore, options: LoadOptions): Promise<Executor>;
  /**
   * A program that was loaded before, in this or in another process, by the key that it was kept by; undefined where there is
   * none, or not all of it. Absent where nothing is kept.
   */
  find?(key: string): Promise<KeptProgram | undefined>;
  /** Frees everything; executors are closed before. Further calls are refused. */
  close(): Promise<void>;
}

/** A program whose kernels lie compiled. */
export interface KeptProgram {
  readonly table: ProgramTable;
  /** As the target's `scratchBytes`. */
  readonly scratchBytes: number;
  /** Binds it to memory, as `Device.load` does; undefined where its kernels are for other memory than this net's. */
  load(params: ParamStore, options: Pick<LoadOptions, "threads" | "atMost">): Promise<Executor | undefined>;
}

export interface LoadOptions {
  /** Threads of this machine that run the kernels, where that is a choice. */
  readonly threads: number;
  /** Fewer will do, where the program is so small that more would not make it faster. */
  readonly atMost?: boolean;
  /** The layers that steps of the program's plan compute, for errors: `"conv1", "relu1"`. */
  readonly describe?: (steps: readonly number[]) => string;
  /** The key to keep the program by, where the device keeps any, and what running it takes beside its kernels. */
  readonly keep?: { readonly key: string; readonly table: ProgramTable };
}

import type { Plan } from "../codegen/plan/plan.js";
import type { DeviceName } from "./devices/index.js";

/** Values by blob name. A fresh object per call, without a prototype: any name is safe as a key. */
export type Blobs = Record<string, Float32Array>;

/** One parameter of a layer, as the solver sees it. */
export interface ParamInfo {
  readonly shape: readonly number[];
  readonly lrMult: number;
  readonly decayMult: number;
}

/** A parameter that can be read and written. `read` copies. */
export interface Param extends ParamInfo {
  read(): Promise<Float32Array>;
  /** Throws a CortadoError if the length is not the shape's. */
  write(data: Float32Array): Promise<void>;
}

/** A parameter of a net, with what backward leaves on it. */
export interface NetParam extends Param {
  /**
   * The diff that the last call left: its gradient after `backward`; after a step, as in Caffe, what the update took from
   * the parameter (its rate, momentum and decay are in it), where `keepDiffs` asks for that.
   */
  readDiff(): Promise<Float32Array>;
}

export interface LayerInfo {
  readonly name: string;
  /**
   * Under which `params` and gradients have it: its name. Of several layers of one name the last one has that, as in
   * pycaffe, and the others `name (1)`, `name (2)` …
   */
  readonly key: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly needsBackward: boolean;
  readonly params: readonly ParamInfo[];
}

/** Layers between two names, both included, as pycaffe's `start` and `end`. */
export interface LayerRange {
  readonly from?: string;
  readonly to?: string;
}

/** The gradients of one backward pass: fresh, never accumulated. */
export interface Gradients {
  /** By input blob: only where Caffe computes them (force_backward). */
  readonly inputs: Blobs;
  /** By layer (see `LayerInfo.key`) and index. */
  readonly params: Record<string, Float32Array[]>;
}

/** A net that runs. Its functions are closures: they can be taken apart from it. */
export interface RunningNet {
  /**
   * Runs the net. Inputs by blob name, row-major, float32; a net with data layers feeds itself when none is given.
   * Returns every output blob. A missing, unknown or wrongly sized input is a CortadoError that names all of them.
   */
  forward(inputs?: Readonly<Record<string, Float32Array>>, range?: LayerRange): Promise<Blobs>;
  /**
   * Differentiates the last forward. Without diffs it starts from the loss weights; with `{ fc8: diff }` the
   * caller's diff is put on that blob, and losses it does not name keep their weight.
   */
  backward(diffs?: Readonly<Record<string, Float32Array>>, range?: LayerRange): Promise<Gradients>;
  /**
   * The value of a blob that is an input, an output or in `keep`, as the last forward, step or forward of a range computed
   * it. What only an earlier call computed is refused, as is what is not kept: the error says how to keep it.
   */
  read(blob: string): Promise<Float32Array>;
  /** The diff that Caffe would leave on a blob after the last backward or step. Needs `keep`. */
  readDiff(blob: string): Promise<Float32Array>;
  readonly layers: readonly LayerInfo[];
  readonly blobs: Readonly<Record<string, { readonly shape: readonly number[] }>>;
  /** Blobs that the caller gives: tops of Input layers. Those of data layers may be given too. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly lossWeights: Readonly<Record<string, number>>;
  /** By layer: its name, where no other has it too (see `LayerInfo.key`). Layers without any are absent. */
  readonly params: Readonly<Record<string, readonly NetParam[]>>;
  /** Schedules and memory of the program that last ran (before the first run: of forward). Prints itself. */
  readonly plan: Plan;
  /** The generated source of that program, as text a person can read. */
  readonly source: string;
  readonly target: { readonly name: DeviceName; readonly why: string };
  /** Frees threads, data sources and memory. Calls after it are refused. */
  close(): Promise<void>;
}

/** What a net gains when a solver's update rule is compiled into its backward pass. */
export interface Trainable {
  /**
   * One iteration: `iterSize` times forward and backward on fresh batches, then the update of every learnable
   * parameter and of its history, in generated code. `scalars` are the rule's own (rate, momentum …).
   * Inputs are as in `forward`; with `iterSize` > 1 the same ones serve each time, so data layers are the rule.
   * Returns the mean weighted loss and the outputs of the last batch. `log` takes the lines of debug_info, where the
   * solver or the net asks for it.
   */
  step(
    scalars: Readonly<Record<string, number>>,
    inputs?: Readonly<Record<string, Float32Array>>,
    log?: (line: string) => void,
  ): Promise<{ readonly loss: number; readonly outputs: Blobs }>;
  /** The solver's state in Caffe's order: slot 0 of every learnable parameter, then slot 1 … */
  readonly history: readonly Param[];
}

import type { DeviceName } from "../../runtime/devices/index.js";
import type { WeightSource } from "../../runtime/weights/index.js";
import type { LayerType } from "../layers/index.js";
import type { CompiledNet } from "./compiled-net.js";

/** Options when they have been taken: files by path or bytes. */
export type TakenOptions<O> = { readonly [K in keyof O]: Exclude<O[K], URL | ArrayBuffer> };

/** Options of `compile`. */
export interface CompileOptions {
  /** Which layers stay and how they act. Default "TEST". */
  readonly phase?: "TRAIN" | "TEST";
  /**
   * "auto": the fastest target that works here, but not `native` where its kernels would take longer to compile than they
   * save in the work that is known (a solver's iterations, else a hundred passes); with `share`, that of the other net. "emulator" is a test device, chosen
   * by name only. Default: what CORTADO_TARGET in the environment says, else "auto".
   */
  readonly target?: "auto" | DeviceName;
  /** Blobs to be readable after forward and backward; outputs always are. Default: none but those. */
  readonly keep?: "all" | readonly string[];
  /**
   * Layers whose parameters' diffs are to be readable after a step of training: what the update took. Default: those of all
   * with `keep: "all"`, else none. After `backward` all gradients are readable.
   */
  readonly keepDiffs?: "all" | readonly string[];
  /**
   * As `force_backward: true` in the net: every layer takes part in backward, so that `backward` gives the gradients of
   * inputs, whether anything below them learns or not.
   */
  readonly forceBackward?: boolean;
  /** A `.caffemodel`, `.caffemodel.h5` or `.safetensors` (path, file: URL or bytes), matched by layer name. */
  readonly weights?: WeightSource;
  /** Layer types beside Cortado's own: what `defineLayer` made. One of the same name takes the place of ours. */
  readonly layers?: readonly LayerType[];
  /** Where relative paths of data layers start. Default: the folder of the file, else the working directory. */
  readonly root?: string | URL;
  readonly stages?: readonly string[];
  readonly level?: number;
  /** Of fillers, dropout and random crops. Default: the solver's `random_seed`, else 1701. */
  readonly seed?: number;
  /**
   * Threads of this machine that run the kernels. The bits of the result do not depend on it. Default: what
   * CORTADO_THREADS in the environment says, else one for each core that the process may use; on `ts` a single one where the
   * net's passes are so small that threads would take longer.
   */
  readonly threads?: number;
  /** Other shapes for input blobs, e.g. another batch size. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Use this net's parameters: a test net beside its train net, or the same net at another batch size. */
  readonly share?: CompiledNet;
  /**
   * "finite": after each pass every value that passes between layers is looked at, and the first layer that makes a NaN
   * or an infinity is an error that names blob, element and the ranges of what the layer computed from. Slow: nothing
   * shares memory.
   */
  readonly debug?: "finite";
  /** Where the lines of a net with `debug_info: true` go. Default: stderr. */
  readonly log?: (line: string) => void;
  /**
   * Passes of the compiler that a target has beside those of all, by name: `{ winograd: false }` leaves one out. Of a target
   * that has no such pass it changes nothing. Default: all run.
   */
  readonly passes?: Readonly<Record<string, boolean>>;
  /**
   * "never" on `wasm`: products and sums are rounded apart, as on engines that have no one instruction for both: the bits are
   * then the same on every machine, and kernels take up to twice as long where the engine has it. On `ts` nothing else is ever
   * done. Default "auto".
   */
  readonly fma?: "auto" | "never";
  /** "float64" on `ts` and `native`: gradient checks. Values cross the public API as Float32Array all the same. Default "float32". */
  readonly dtype?: "float32" | "float64";
}

/** Options of `parseNet` and `parseSolver`. */
export interface ParseOptions {
  /** How messages name the text: a path. */
  readonly name?: string;
  /** Layer types whose settings the text may hold, beside Caffe's: as `compile`'s. */
  readonly layers?: readonly LayerType[];
}

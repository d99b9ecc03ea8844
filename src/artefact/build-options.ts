import type { TargetName } from "../../codegen/targets/index.js";
import {
  NATIVE_ARCHITECTURES,
  type NativeArchitecture,
} from "../../codegen/targets/native/native-description.js";
import { WASM_ARCHITECTURES, type WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import {
  argumentsOf,
  either,
  flag,
  listOf,
  optionsOf,
  orThrow,
  type Rule,
  type Say,
  text,
  word,
} from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { orList } from "../../proto/errors/suggest.js";
import { quoted } from "../../proto/words/names.js";
import type { WeightSource } from "../../runtime/weights/index.js";
import type { LayerType } from "../layers/index.js";
import type { TakenOptions } from "../net/compile-options.js";
import { netSource, SHARED_OPTIONS, solverSource } from "../net/net-arguments.js";
import type { SolverSource, Unread } from "../net/read-definition.js";
import type { SolverDef } from "../net-text/index.js";
import { ARCHITECTURE_OPTIONS, BUILD_TARGETS } from "./build-target.js";

/** Options of `buildNet`. */
export interface BuildOptions {
  /** The folder to write into; made where it is not there. */
  readonly out: string | URL;
  /**
   * `ts`: a JavaScript module for Node and browsers. `wasm`: kernels in WebAssembly's vectors, for both. `native`: kernels in a
   * processor's vectors, for Node. `cuda`: kernels of NVIDIA GPUs. Default "ts".
   */
  readonly target?: TargetName;
  /** For `cuda`: the architectures to compile for, as "sm_90". Default: sm_80 and sm_90. */
  readonly arch?: readonly string[];
  /**
   * The vectors to compile for. For `native`: of processors of this machine's kind; default: this machine's own. For `wasm`:
   * `simd128`, in which any engine gives the same bits, `relaxed`, which multiplies and adds in one, and `memory64`, which
   * also keeps more sums, as newer engines can; default: all.
   */
  readonly cpu?: readonly (NativeArchitecture | WasmArchitecture)[];
  /** Default "TEST", and "TRAIN" with `train`. */
  readonly phase?: "TRAIN" | "TEST";
  /** Blobs to be readable after forward and backward; outputs always are. Default: none but those. */
  readonly keep?: "all" | readonly string[];
  /** Layers whose parameters' diffs are readable after a step. Default: all with `keep: "all"`, else none. */
  readonly keepDiffs?: "all" | readonly string[];
  /** Passes of the compiler that the target has beside those of all, by name: see `compile`'s. Default: all run. */
  readonly passes?: Readonly<Record<string, boolean>>;
  /** As `force_backward: true` in the net: backward gives the gradients of inputs. */
  readonly forceBackward?: boolean;
  /** A `.caffemodel`, `.caffemodel.h5` or `.safetensors` (path, file: URL or bytes), matched by layer name. Default: as filled. */
  readonly weights?: WeightSource;
  /**
   * `true`: with backward, from the loss weights, or in a net without a loss from diffs of its outputs. Names: with
   * backward from the diffs that the caller gives for these blobs, and the loss weights of the others.
   */
  readonly backward?: boolean | readonly string[];
  /** With backward and a solver's update. */
  readonly train?: boolean;
  /** Whose update, as `createSolver` takes it. Default: Caffe's SGD without momentum or decay, its rate given to each step. */
  readonly solver?: SolverSource;
  readonly layers?: readonly LayerType[];
  readonly root?: string | URL;
  readonly stages?: readonly string[];
  readonly level?: number;
  /** Of fillers and dropout. Default: the solver's random_seed, else 1701. */
  readonly seed?: number;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

/** Options that were taken. */
export type TakenBuildOptions = Omit<TakenOptions<BuildOptions>, "solver"> & {
  readonly solver?: string | SolverDef | Unread;
};

const { phase, keep, keepDiffs, passes, forceBackward, weights, layers, root, stages, level, seed, shapes } =
  SHARED_OPTIONS;

/** What option cpu may name: of each target its own. */
export const PROCESSORS = keysOf({ ...NATIVE_ARCHITECTURES, ...WASM_ARCHITECTURES });

function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): readonly Key[] {
  return Object.keys(record) as Key[];
}

const folder: Rule<string> = {
  ...path,
  nouns: ["the path of a folder to write into", "a file: URL"],
  is: (value) => value !== "" && path.is(value),
  hint: () => 'write out: "dist"; on the command line, --out dist',
};

const TAKE = argumentsOf("buildNet", {
  net: netSource,
  options: optionsOf<TakenBuildOptions>(
    "build",
    {
      out: folder,
      target: word(BUILD_TARGETS.map(({ name }) => name)),
      arch: listOf("a list of architectures, as sm_80, sm_90", text(), 1),
      cpu: listOf("a list of processors, as avx2, avx512", word(PROCESSORS), 1),
      train: flag,
      backward: either<boolean | readonly string[]>(flag, listOf("an array of blob names", text())),
      solver: solverSource,
      ...{
        phase,
        keep,
        keepDiffs,
        passes,
        forceBackward,
        weights,
        layers,
        root,
        stages,
        level,
        seed,
        shapes,
      },
    },
    ["out"],
  ),
});

/** The arguments of `buildNet`, taken. @throws CortadoError with every mistake */
export function takeBuildArguments(net: unknown, options: unknown): ReturnType<typeof TAKE> {
  const taken = TAKE(net, options);
  orThrow((say) => checkTogether(taken.options, say));
  return taken;
}

/** An architecture as NVRTC names it. */
const ARCH = /^sm_\d{2,3}[af]?$/;

/** What of the options goes together. */
function checkTogether({ target = "ts", solver, train, phase, ...given }: TakenBuildOptions, say: Say): void {
  const found = BUILD_TARGETS.find(({ name }) => name === target);
  for (const option of ARCHITECTURE_OPTIONS) {
    if (given[option] === undefined || !found || found.architectures?.option === option) continue;
    const able = BUILD_TARGETS.filter(({ architectures }) => architectures?.option === option);
    say(
      `option ${option} is for the target ${orList(able.map(({ name }) => quoted(name)))}`,
      found.architectures
        ? `the ${target} target has option ${found.architectures.option}`
        : `the ${target} target has no architectures: leave ${option} out`,
    );
  }
  for (const name of given.arch ?? [])
    if (!ARCH.test(name))
      say(
        `there is no architecture ${quoted(name)}`,
        "architectures are named sm_80, sm_90, sm_90a, sm_120 …",
      );
  const able = found?.architectures?.option === "cpu" ? found.architectures.names : undefined;
  for (const name of new Set(given.cpu)) {
    if (given.cpu?.indexOf(name) !== given.cpu?.lastIndexOf(name))
      say(`option cpu names ${quoted(name)} more than once`);
    if (able && !able.includes(name))
      say(
        `option cpu names ${quoted(name)}, which the target ${target} does not have`,
        `it has ${orList(able)}`,
      );
  }
  if (solver !== undefined && train !== true)
    say("a solver is only used for the update", "give train as well (--train)");
  if (train === true && phase === "TEST") say("a net is trained in phase TRAIN, not TEST");
}

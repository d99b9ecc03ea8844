import type { TargetName } from "../../codegen/targets/index.js";
import { CortadoError, type Diagnostic } from "../../proto/errors/index.js";
import { didYouMean, orList } from "../../proto/errors/suggest.js";
import { quoted, shownValue } from "../../proto/words/names.js";
import type { WeightSet } from "../../runtime/weights/index.js";
import type { LayerType } from "../layers/index.js";
import { checkOptions } from "../net/check-options.js";
import type { SolverDef } from "../net-text/index.js";
import { BUILD_TARGETS } from "./build-target.js";

/** Options of `buildNet`. */
export interface BuildOptions {
  /** The folder to write into; made where it is not there. */
  readonly out: string;
  /** `ts`: a JavaScript module for Node and browsers. `cuda`: kernels of NVIDIA GPUs. Default "ts". */
  readonly target?: TargetName;
  /** For `cuda`: the architectures to compile for, as "sm_90". Default: sm_80 and sm_90. */
  readonly arch?: readonly string[];
  /** Default "TEST", and "TRAIN" with `train`. */
  readonly phase?: "TRAIN" | "TEST";
  /** Blobs to be readable after forward and backward; outputs always are. Default: none but those. */
  readonly keep?: "all" | readonly string[];
  /** Layers whose parameters' diffs are readable after a step. Default: all with `keep: "all"`, else none. */
  readonly keepDiffs?: "all" | readonly string[];
  /** As `force_backward: true` in the net: backward gives the gradients of inputs. */
  readonly forceBackward?: boolean;
  /** A `.caffemodel`, `.caffemodel.h5` or `.safetensors` (path or bytes), matched by layer name. Default: as filled. */
  readonly weights?: string | Uint8Array | WeightSet;
  /**
   * `true`: with backward, from the loss weights, or in a net without a loss from diffs of its outputs. Names: with
   * backward from the diffs that the caller gives for these blobs, and the loss weights of the others.
   */
  readonly backward?: boolean | readonly string[];
  /** With backward and a solver's update. */
  readonly train?: boolean;
  /** Whose update, as text, path or value. Default: Caffe's SGD without momentum or decay, its rate given to each step. */
  readonly solver?: string | SolverDef;
  readonly layers?: readonly LayerType[];
  readonly root?: string;
  readonly stages?: readonly string[];
  readonly level?: number;
  /** Of fillers and dropout. Default: the solver's random_seed, else 1701. */
  readonly seed?: number;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

/** Options that `compile` has as well and checks. */
const SHARED = [
  "phase",
  "keep",
  "keepDiffs",
  "forceBackward",
  "weights",
  "layers",
  "root",
  "stages",
  "level",
  "seed",
  "shapes",
] as const;
const OWN = ["out", "target", "arch", "backward", "train", "solver"] as const;
const KNOWN: readonly string[] = [...OWN, ...SHARED];

/** An architecture as NVRTC names it. */
const ARCH = /^sm_\d{2,3}[af]?$/;

/** Whether the target can be built for, and has the architectures that are asked for. */
function checkTarget(
  { target = "ts", arch }: BuildOptions,
  show: (value: unknown) => string,
  error: (message: string, hint?: string) => void,
): void {
  const names = BUILD_TARGETS.map(({ name }) => name);
  const found = BUILD_TARGETS.find(({ name }) => name === target);
  if (!found)
    error(
      `option target is ${show(target)}; it may be ${orList(names.map(quoted))}`,
      typeof target === "string" ? didYouMean(target, names) : undefined,
    );
  if (arch !== undefined && found && !found.architectures) {
    const able = BUILD_TARGETS.filter(({ architectures }) => architectures).map(({ name }) => quoted(name));
    error(
      `option arch is for the target ${orList(able)}`,
      `the ${target} target has no architectures: leave arch out`,
    );
  }
  if (arch !== undefined && !(Array.isArray(arch) && arch.length > 0))
    error("option arch is a list of architectures, as sm_80, sm_90");
  else
    for (const name of arch ?? [])
      if (typeof name !== "string" || !ARCH.test(name))
        error(
          `there is no architecture ${show(name)}`,
          "architectures are named sm_80, sm_90, sm_90a, sm_120 …",
        );
}

/** Checks options that plain JavaScript, or a command line, may get wrong. @throws CortadoError with every mistake */
export function checkBuildOptions(options: BuildOptions): void {
  const mistakes: Diagnostic[] = [];
  const error = (message: string, hint?: string): void =>
    void mistakes.push({ severity: "error", message, hint });
  const given = options as unknown as Readonly<Record<string, unknown>>;
  const show = (value: unknown): string => shownValue(value);
  for (const name of Object.keys(given))
    if (!KNOWN.includes(name))
      error(`build has no option ${quoted(name)}`, didYouMean(name, KNOWN) ?? `options: ${KNOWN.join(", ")}`);
  const { out, backward, train, solver, phase } = options;
  if (typeof out !== "string" || out === "")
    error("build needs the folder to write into", "cortado build net.prototxt --out dist");
  checkTarget(options, show, error);
  if (train !== undefined && typeof train !== "boolean")
    error(`option train is ${show(train)}; it may be true or false`);
  if (
    backward !== undefined &&
    typeof backward !== "boolean" &&
    !(Array.isArray(backward) && backward.every((blob) => typeof blob === "string"))
  )
    error(`option backward is ${show(backward)}; it may be true, false or an array of blob names`);
  if (solver !== undefined && train !== true)
    error("a solver is only used for the update", "give train as well (--train)");
  if (train === true && phase === "TEST") error("a net is trained in phase TRAIN, not TEST");
  if (mistakes.length > 0) throw new CortadoError(mistakes);
  checkOptions(
    Object.fromEntries(SHARED.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]]))),
  );
}

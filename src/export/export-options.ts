import {
  argumentsOf,
  callback,
  either,
  fields,
  flag,
  integer,
  listOf,
  optional,
  optionsOf,
  real,
  text,
} from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import type { CompileOptions, TakenOptions } from "../net/compile-options.js";
import type { CompiledNet } from "../net/compiled-net.js";
import { compiledNet, netSource, SHARED_OPTIONS, solverSource } from "../net/net-arguments.js";
import type { NetSource, SolverSource, Unread } from "../net/read-definition.js";
import type { NetDef, SolverDef } from "../net-text/index.js";
import { OPSETS } from "./onnx-message.js";

/** Options of `exportOnnx`: those of `compile` say which net it is; a net that is compiled takes the others alone. */
export interface ExportOptions
  extends Pick<
    CompileOptions,
    "phase" | "weights" | "shapes" | "root" | "layers" | "stages" | "level" | "seed" | "forceBackward"
  > {
  /** The version of ONNX's operators, from 13 to 21. Default 17. */
  readonly opset?: number;
  /** Blobs that are outputs of the file beside the net's own. */
  readonly keep?: CompileOptions["keep"];
  /** The first extent of inputs, of those that have the first one's. Default: as the net or `shapes` says. */
  readonly batch?: number;
  /** Whether the first extent of inputs is left open, for any batch. */
  readonly dynamicBatch?: boolean;
  /**
   * Whether a BatchNorm and a Scale behind a convolution become part of its filters and bias. Default false: they are a
   * BatchNormalization, whose parameters people find again.
   */
  readonly fold?: boolean;
  /** Whether weights are numbers of 16 bits, made those of 32 when the file is read: half the size. Default false. */
  readonly float16?: boolean;
  /**
   * Convolutions and InnerProducts in numbers of 8 bits, as QuantizeLinear and DequantizeLinear around them: the file is a quarter
   * as large, and runtimes have kernels for it. Ranges of values are measured on data; a layer that loses too much stays float.
   * BatchNorm and Scale are folded. Default false.
   */
  readonly int8?: boolean | Int8Options;
  /**
   * Also the backward pass: diffs of parameters (`diff:conv1/0`) and, as the net or `forceBackward` asks for them, of inputs
   * (`diff:data`) are outputs. `true`: from the loss weights, or in a net without a loss from diffs of its outputs, which are
   * inputs then (`diff:prob`). Names: from the diffs of these blobs, and the loss weights of the others.
   */
  readonly backward?: boolean | readonly string[];
  /**
   * A whole training step: parameters and what the solver keeps are inputs with values in the file (`conv1/0`,
   * `history0:conv1/0`), their next values outputs (`next:conv1/0`); `rate` is an input, too.
   */
  readonly train?: boolean;
  /** Whose update, as `createSolver` takes it. Default: Caffe's SGD without momentum or decay. */
  readonly solver?: SolverSource;
}

/** How a file in 8 bits is made. */
export interface Int8Options {
  /**
   * A net whose data layers give images, by blobs that are named as the net's inputs (phase TEST), and labels to count by. Default:
   * the net itself.
   */
  readonly calibrate?: NetSource;
  /** Images that ranges are measured on, and as many others on which outputs are compared; full batches. Default 256. */
  readonly images?: number;
  /**
   * How many in a hundred of a value's numbers lie below the greatest that 8 bits reach, and above the least: what lies beyond is cut
   * off. Default 100, all of them.
   */
  readonly percentile?: number;
  /** The relative L2 distance by which a layer alone may move the net's outputs: one that moves them farther stays float. Default 0.05. */
  readonly tolerance?: number;
  /** Is told how far measuring has come: of the layers, or of the images. */
  readonly progress?: (state: Int8Progress) => void;
}

/** How far measuring has come. */
export interface Int8Progress {
  /** What is being done, in a few words. */
  readonly doing: string;
  readonly done: number;
  readonly total: number;
}

/** Options of `writeOnnx`. */
export interface WriteOnnxOptions extends ExportOptions {
  /** Whether constants go into a file beside the model's. Default: where they take more than 2 GiB, which no file holds. */
  readonly externalData?: boolean;
}

export type TakenInt8Options = Omit<Int8Options, "calibrate"> & { readonly calibrate?: NetDef | Unread };

export type TakenExportOptions = Omit<TakenOptions<ExportOptions>, "solver" | "int8"> & {
  readonly solver?: string | SolverDef | Unread;
  readonly int8?: boolean | TakenInt8Options;
};

const { phase, weights, shapes, root, layers, stages, level, seed, forceBackward, keep } = SHARED_OPTIONS;

const net = either<CompiledNet | NetDef | Unread>(compiledNet, netSource);
const OPTIONS = {
  ...{ phase, weights, shapes, root, layers, stages, level, seed, forceBackward, keep },
  backward: either<boolean | readonly string[]>(flag, listOf("an array of blob names", text())),
  train: flag,
  solver: solverSource,
  opset: integer(OPSETS.least, OPSETS.greatest),
  batch: integer(1),
  dynamicBatch: flag,
  float16: flag,
  fold: flag,
  int8: either<boolean | TakenInt8Options>(
    flag,
    fields<TakenInt8Options>(
      {
        calibrate: netSource,
        images: integer(1),
        percentile: real(50, 100),
        tolerance: real(0),
        progress: callback(),
      },
      { noun: "an object of options", closed: () => "int8 has no option" },
    ),
  ),
};

export const EXPORT_ONNX = argumentsOf("exportOnnx", {
  net,
  options: optional(optionsOf<TakenExportOptions>("exportOnnx", OPTIONS)),
});

export const WRITE_ONNX = argumentsOf("writeOnnx", {
  file: path,
  net,
  options: optional(
    optionsOf<TakenExportOptions & Pick<WriteOnnxOptions, "externalData">>("writeOnnx", {
      ...OPTIONS,
      externalData: flag,
    }),
  ),
});

/** Options that say which net it is: of one that is compiled that is known. */
export const NET_OPTIONS = [
  "phase",
  "weights",
  "shapes",
  "root",
  "layers",
  "stages",
  "level",
  "seed",
] as const;

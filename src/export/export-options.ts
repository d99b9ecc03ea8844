import {
  argumentsOf,
  either,
  flag,
  integer,
  optional,
  optionsOf,
} from "../../proto/arguments/argument-rules.js";
import type { CompileOptions, TakenOptions } from "../net/compile-options.js";
import type { CompiledNet } from "../net/compiled-net.js";
import { compiledNet, netSource, SHARED_OPTIONS } from "../net/net-arguments.js";
import type { Unread } from "../net/read-definition.js";
import type { NetDef } from "../net-text/index.js";
import { OPSETS } from "./onnx-message.js";

/** Options of `exportOnnx`: those of `compile` say which net it is; a net that is compiled takes the others alone. */
export interface ExportOptions
  extends Pick<
    CompileOptions,
    "phase" | "weights" | "shapes" | "root" | "layers" | "stages" | "level" | "seed"
  > {
  /** The version of ONNX's operators, from 13 to 21. Default 17. */
  readonly opset?: number;
  /** Blobs that are outputs of the file beside the net's own. */
  readonly keep?: CompileOptions["keep"];
  /** Whether the first extent of inputs is left open, for any batch. */
  readonly dynamicBatch?: boolean;
}

export type TakenExportOptions = TakenOptions<ExportOptions>;

const { phase, weights, shapes, root, layers, stages, level, seed, keep } = SHARED_OPTIONS;

export const EXPORT_ONNX = argumentsOf("exportOnnx", {
  net: either<CompiledNet | NetDef | Unread>(compiledNet, netSource),
  options: optional(
    optionsOf<TakenExportOptions>("exportOnnx", {
      ...{ phase, weights, shapes, root, layers, stages, level, seed, keep },
      opset: integer(OPSETS.least, OPSETS.greatest),
      dynamicBatch: flag,
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

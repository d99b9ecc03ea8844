import type { TargetName } from "../../codegen/targets/index.js";
import type { Span } from "../../proto/errors/diagnostic.js";
import type { ParamInfo } from "../net-types.js";
import type { RateSettings } from "../solver/rate.js";
import type { RuleScalar } from "../solver/rule-scalars.js";
import type { BatchTable } from "./batch-table.js";

/**
 * All that running a net needs to know of it, beside its programs: made from what was lowered, for a net that runs
 * here as for one that is built ahead of time. Names are data here, never keys.
 */
export interface NetTables {
  readonly blobs: readonly NamedShape[];
  /** Blobs that are given from outside, in the net's order, with the shapes that are given: in place they may change. */
  readonly inputs: readonly NamedShape[];
  readonly outputs: readonly string[];
  /** Readable beside the outputs. */
  readonly kept: readonly string[];
  /** Parameters whose diffs a step leaves readable. */
  readonly keptDiffs: readonly number[];
  /** Inputs that get a diff. */
  readonly inputDiffs: readonly string[];
  /** By layer, in the net's order; a shared parameter stands under each layer that has it. */
  readonly layers: readonly LayerTable[];
  readonly losses: readonly { readonly blob: string; readonly weight: number }[];
  /** Values that must be in range when a forward has run. */
  readonly checks: readonly CheckTable[];
}

/** What a built module knows of its net: written as literals beside the kernels. */
export interface Tables extends NetTables {
  /** Ties net.js to the manifest that was written with it. */
  readonly build: string;
  /** The net's name, for messages. */
  readonly net: string;
  readonly target: TargetName;
  /** Elements of every parameter, then of each state of the update, by index. */
  readonly parameters: readonly number[];
  /** Blobs whose diff the caller gives; those not given start from their loss weight, or from 0. Absent without backward. */
  readonly seeds?: readonly string[];
  /** Absent where the module was built without. */
  readonly train?: TrainTable;
  /** Absent where the inputs have no first extent in common, or it is 1. */
  readonly batch?: BatchTable;
}

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export const shapesIn = (named: readonly NamedShape[]): ReadonlyMap<string, readonly number[]> =>
  new Map(named.map(({ name, shape }) => [name, shape]));

export interface LayerTable {
  readonly name: string;
  readonly type: string;
  readonly params: readonly ParamTable[];
}

export interface ParamTable extends ParamInfo {
  /** Its index among the net's parameters. */
  readonly param: number;
}

export interface CheckTable {
  readonly min: number;
  readonly max: number;
  readonly except?: number;
  /** One sentence, without the value found. */
  readonly message: string;
  /** Where the layer stands; a build does not carry it. */
  readonly span?: Span;
}

export interface TrainTable {
  /** Batches of one step: the solver's iter_size. */
  readonly batches: number;
  /** Scalars that a step takes beside the rate. */
  readonly scalars: readonly RuleScalar[];
  readonly constants: { readonly momentum: number; readonly momentum2: number };
  /** How the rate is computed where a step is given none; absent where the build had no solver. */
  readonly rate?: RateSettings;
  /** The update's states in Caffe's order: slot 0 of every parameter, then slot 1 … */
  readonly history: readonly ParamTable[];
}

/** The programs' inputs, as the graph names them: see `inputName`, `diffName`, `STEP` and `scalarInput`. */
export const INPUT = {
  blob: (name: string): string => `blob:${name}`,
  diff: (name: string): string => `diff:${name}`,
  scalar: (name: string): string => `solver:${name}`,
  step: "#step",
} as const;

import type { Argument } from "../../codegen/kernel/kernel.js";
import type { RateSettings } from "../solver/rate.js";

/** What a built module knows of its net: written as literals beside the kernels. Names are data here, never keys. */
export interface Tables {
  /** Ties net.js to the manifest that was written with it. */
  readonly build: string;
  /** The net's name, for messages. */
  readonly net: string;
  readonly target: "ts" | "cuda";
  readonly blobs: readonly NamedShape[];
  /** Blobs that the caller gives, in the net's order. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Readable beside the outputs. */
  readonly kept: readonly string[];
  /** By layer, in the net's order; a shared parameter stands under each layer that has it. */
  readonly layers: readonly LayerTable[];
  /** Elements of every parameter, then of each state of the update, by index. */
  readonly parameters: readonly number[];
  readonly losses: readonly { readonly blob: string; readonly weight: number }[];
  /** Values that must be in range when a forward has run. */
  readonly checks: readonly CheckTable[];
  /** Absent where the module was built without. */
  readonly backward?: {
    /** Blobs whose diff the caller gives; those not given start from their loss weight, or from 0. */
    readonly seeds: readonly string[];
    /** Inputs that get a diff. */
    readonly inputs: readonly string[];
  };
  /** Absent where the module was built without. */
  readonly train?: TrainTable;
}

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface LayerTable {
  readonly name: string;
  readonly type: string;
  readonly params: readonly { readonly param: number; readonly shape: readonly number[] }[];
}

export interface CheckTable {
  readonly min: number;
  readonly max: number;
  readonly except?: number;
  /** One sentence, without the value found. */
  readonly message: string;
}

export interface TrainTable {
  /** Batches of one step: the solver's iter_size. */
  readonly batches: number;
  /** Scalars that a step takes beside the rate. */
  readonly scalars: readonly string[];
  readonly constants: { readonly momentum: number; readonly momentum2: number };
  /** How the rate is computed where a step is given none; absent where the build had no solver. */
  readonly rate?: RateSettings;
  /** The update's states in Caffe's order: slot 0 of every parameter, then slot 1 … */
  readonly history: readonly { readonly param: number; readonly shape: readonly number[] }[];
}

/** A number into `ProgramTable.places`. */
export type Place = number;

/**
 * One program over one arena: what runs, and where values lie. A net has first that of forward and backward; then that
 * of a step; then, where a step takes several batches, that of the update.
 */
export interface ProgramTable {
  readonly arenaBytes: number;
  readonly places: readonly Argument[];
  /** The number of a kernel, then the places of its arguments. */
  readonly prepare: readonly (readonly number[])[];
  readonly forward: readonly (readonly number[])[];
  readonly backward: readonly (readonly number[])[];
  /** Copies due when a pass ends: a parameter's next value. */
  readonly copies: readonly {
    readonly pass: "forward" | "backward";
    readonly from: Place;
    readonly to: Place;
  }[];
  /** By the graph's name of the input: `blob:data`, `diff:fc8`, `#step`, `solver:rate`. */
  readonly inputs: readonly NamedPlace[];
  readonly values: readonly NamedPlace[];
  readonly diffs: readonly NamedPlace[];
  /** By parameter. */
  readonly gradients: readonly { readonly param: number; readonly place: Place }[];
  /** Of `Tables.checks`, in their order; empty for a program that computes none. */
  readonly checks: readonly Place[];
}

export interface NamedPlace {
  readonly name: string;
  readonly place: Place;
}

/** The programs' inputs, as the graph names them: see `inputName`, `diffName`, `STEP` and `scalarInput`. */
export const INPUT = {
  blob: (name: string): string => `blob:${name}`,
  diff: (name: string): string => `diff:${name}`,
  scalar: (name: string): string => `solver:${name}`,
  step: "#step",
} as const;

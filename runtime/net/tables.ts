import type { NetPass } from "../../codegen/ir/graph.js";
import type { Argument, Launch } from "../../codegen/kernel/kernel.js";
import type { TargetName } from "../../codegen/targets/index.js";
import type { Span } from "../../proto/errors/diagnostic.js";
import type { ParamInfo } from "../net-types.js";
import type { Schedule } from "../schedule.js";
import type { RateSettings } from "../solver/rate.js";
import type { RuleScalar } from "../solver/rule-scalars.js";

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
  /** Launches of a part of their kernel's outermost loop, from ≤ i < to, by their number in their pass; all others are whole. */
  readonly ranges?: readonly {
    readonly pass: NetPass;
    readonly launch: number;
    readonly from: number;
    readonly to: number;
  }[];
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
  /** What an update took from parameters, where that is kept. */
  readonly taken?: readonly { readonly param: number; readonly place: Place }[];
  /** Of `NetTables.checks`, in their order; empty for a program that computes none. */
  readonly checks: readonly Place[];
  /** Blobs whose diff it takes; absent where it has no backward, or a step's. */
  readonly seeds?: readonly string[];
  /** Parameters that a pass changes. */
  readonly updates: readonly { readonly pass: "forward" | "backward"; readonly param: number }[];
}

export interface NamedPlace {
  readonly name: string;
  readonly place: Place;
}

/** What runs in a pass, as an executor takes it. */
export function scheduleOf(table: ProgramTable): Schedule {
  const { places, arenaBytes } = table;
  const launches = (pass: NetPass) => {
    const all: Launch[] = table[pass].map(([kernel, ...args]) => {
      return { kernel, args: args.map((at) => places[at]), steps: [] };
    });
    for (const { launch, from, to } of table.ranges?.filter((range) => range.pass === pass) ?? [])
      all[launch] = { ...all[launch], range: { from, to } };
    return all;
  };
  return {
    arenaBytes,
    prepare: launches("prepare"),
    forward: launches("forward"),
    backward: launches("backward"),
    copies: table.copies.map(({ pass, from, to }) => ({ pass, from: places[from], to: places[to] })),
  };
}

/** The programs' inputs, as the graph names them: see `inputName`, `diffName`, `STEP` and `scalarInput`. */
export const INPUT = {
  blob: (name: string): string => `blob:${name}`,
  diff: (name: string): string => `diff:${name}`,
  scalar: (name: string): string => `solver:${name}`,
  step: "#step",
} as const;

import type { NetPass } from "../../codegen/ir/graph.js";
import type { Argument, Launch, Program } from "../../codegen/kernel/kernel.js";

/** What an executor reads of a program: kernels are named by their number. */
export type Schedule = Pick<Program, NetPass | "copies" | "arenaBytes">;

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

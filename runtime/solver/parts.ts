/** What a training loop is made of, and what it asks for. */

import type { SolverParameter } from "../../proto/index.js";
import type { Blobs, Param, RunningNet, Trainable } from "../net-types.js";
import type { WeightSet } from "../weights/index.js";
import type { SnapshotContent, SnapshotFiles, SolverEvent } from "./events.js";

/** Where a solver stands between two updates: what a snapshot holds beside weights and history. */
export interface SolverPosition {
  readonly iteration: number;
  readonly currentStep: number;
}

/** A batch that a net without data layers asks for. */
export interface BatchRequest {
  readonly phase: "TRAIN" | "TEST";
  /** Which test net; 0 in training. */
  readonly net: number;
  /** The iteration, or the number of the batch in a test; both from 0. */
  readonly batch: number;
}

/** Input blobs by name: the same for every batch, or as asked for. With iter_size > 1 a batch serves each time. */
export type BatchSource = Blobs | ((request: BatchRequest) => Blobs | Promise<Blobs>);

/** What the loop is made of. All of it is checked. */
export interface SolverParts<
  Train extends RunningNet & Trainable = RunningNet & Trainable,
  Test extends RunningNet = RunningNet,
> {
  readonly solver: SolverParameter;
  readonly net: Train;
  /** For messages. */
  readonly netName: string;
  /** One for each test_iter. */
  readonly testNets: readonly Test[];
  /** What the update rule is fed at an iteration (from 0) beside the rate, by name. */
  readonly ruleScalars: (iteration: number) => Readonly<Record<string, number>>;
  /** Writes weights, history and position. */
  readonly save: (position: SolverPosition) => Promise<SnapshotFiles>;
  /** Reads weights and history of a `.solverstate`, or of what a snapshot gave, into the net, and gives its position. */
  readonly load: (from: string | SnapshotContent) => Promise<SolverPosition>;
  /** Throws a CortadoError where snapshots cannot be written. */
  readonly checkWritable?: () => Promise<void>;
  /** For nets that are not fed by data layers. */
  readonly inputs?: BatchSource;
  /** Whether the train net reports its debug_info. */
  readonly debugInfo?: boolean;
  readonly onEvent?: (event: SolverEvent) => void;
  /** Seconds from any start. */
  readonly now?: () => number;
}

/** What of a net in training a snapshot is made of. */
export interface SnapshotSource {
  readonly history: readonly Param[];
  weights(): Promise<WeightSet>;
}

/** Where snapshots go. */
export interface SnapshotPlace {
  /** @throws CortadoError where they cannot go there */
  check(): Promise<void>;
  /** @throws CortadoError for names of layers that the format cannot hold */
  checkNames(layers: readonly { readonly name: string; readonly params: readonly unknown[] }[]): void;
  save(position: SolverPosition, of: SnapshotSource): Promise<SnapshotFiles>;
}

import type { Shape } from "../../codegen/ir/graph.js";
import type { FeedSpec } from "./feed-spec.js";

/** A data layer, open: batches for its tops, for ever. */
export interface Feed {
  /** One for each top. */
  readonly shapes: readonly Shape[];
  /** Writes the next batch: one array for each top, of its shape's size. */
  next(into: readonly Float32Array[]): Promise<void>;
  close(): Promise<void>;
}

export interface FeedOptions {
  /** Where relative paths start. */
  readonly root: string;
  readonly phase: "TRAIN" | "TEST";
  readonly seed: number;
  /** Tells the random draws of several feeds of a net apart. Default 0. */
  readonly index?: number;
}

export type FeedOf<K extends FeedSpec["kind"]> = Extract<FeedSpec, { kind: K }>;

import type { Node, Shape } from "../../ir/graph.js";
import type { Packing } from "./pack.js";
import type { PaddedPlanes } from "./pad.js";

/**
 * Results of a convolution, or of its adjoint in x, that sum the same taps: along each axis, evenly apart. Channels of the
 * result lie in lanes; planes of the source are read element by element, each for all lanes.
 */
export interface Correlation {
  readonly images: number;
  readonly groups: number;
  /** Of one group: those summed over, and those of the result. */
  readonly channels: number;
  readonly results: number;
  readonly source: PlaneSource;
  readonly weights: Packing;
  /** Extents of the kernel, in the order of the packed depth. */
  readonly kernel: Shape;
  /** The result's extents, an axis less where planes are long rows. */
  readonly extents: Shape;
  /** Of every axis but the last. */
  readonly outer: readonly Line[];
  /** Of the last axis: all that make up its rows, a step apart and as many as that. */
  readonly inner: readonly Line[];
}

/** Planes of so many extents, in memory as they are or copied with padding. */
export interface PlaneSource {
  readonly node: Node;
  readonly extents: Shape;
  readonly copy?: PaddedPlanes;
}

/** Results along one axis: result i, at `result.start + i · result.step`, sums over taps t at `source.start + i · source.step + t · taps.step`. */
export interface Line {
  readonly count: number;
  readonly result: Even;
  readonly source: Even;
  readonly taps: { readonly count: number; readonly step: number; readonly weights: Even };
}

interface Even {
  readonly start: number;
  readonly step: number;
}

/** Where, in the step's workspace, packed weights and padded planes lie. */
export interface Places {
  readonly weights: number;
  readonly source: number;
}

/** Multiplications and additions of a correlation. */
export const flopsOf = ({
  images,
  groups,
  channels,
  results,
  outer,
  inner,
}: Omit<Correlation, "weights" | "source">): number => {
  const products = outer.reduce(
    (all, line) => all * line.count * line.taps.count,
    inner.reduce((all, line) => all + line.count * line.taps.count, 0),
  );
  return 2 * images * groups * channels * results * products;
};

import type { Span } from "../../proto/errors/index.js";
import type { FillerParameter } from "../../proto/index.js";

/** How a data layer alters a record before it becomes part of a batch: Caffe's transform_param. */
export interface TransformSpec {
  readonly scale: number;
  readonly mirror: boolean;
  /** Side of the square crop, 0 for none: at random in TRAIN, the centre in TEST. */
  readonly cropSize: number;
  /** Path of a binaryproto mean image, subtracted before `scale`. */
  readonly meanFile?: string;
  /** One value for all channels or one per channel, subtracted before `scale`. */
  readonly meanValues: readonly number[];
  readonly forceColor: boolean;
  readonly forceGray: boolean;
  readonly span?: Span;
}

/**
 * Where the values of a data layer come from, as data: the layer says it, the runtime opens it. One array per
 * top, in the layer's order.
 */
export type FeedSpec =
  | {
      readonly kind: "records";
      /** LMDB or LevelDB folder, MNIST idx file, or `builtin:digits/train`, `builtin:digits/test`. */
      readonly source: string;
      readonly backend: "LMDB" | "LEVELDB";
      readonly batchSize: number;
      readonly randSkip: number;
      /** In a new order each round, from memory. */
      readonly shuffle: boolean;
      readonly transform: TransformSpec;
      /** 1: images only; 2: images and labels. */
      readonly tops: 1 | 2;
      readonly span?: Span;
    }
  | {
      readonly kind: "images";
      /** A text file: the path of an image and its label on each line. */
      readonly source: string;
      /** Stands before each of those paths, as it is. */
      readonly rootFolder: string;
      readonly batchSize: number;
      readonly randSkip: number;
      readonly shuffle: boolean;
      /** The size that images are brought to; undefined: as they are. */
      readonly size?: { readonly height: number; readonly width: number };
      /** Three channels (blue, green, red), or one. */
      readonly color: boolean;
      readonly transform: TransformSpec;
      readonly span?: Span;
    }
  | {
      readonly kind: "windows";
      /** A window file, as R-CNN writes them: images, each with its windows, their labels and overlaps. */
      readonly source: string;
      /** Stands before each image's path, as it is. */
      readonly rootFolder: string;
      readonly batchSize: number;
      /** Windows that overlap an object by this much or more are foreground. */
      readonly fgThreshold: number;
      /** Those that are not, and overlap by less than this, are background: label 0. */
      readonly bgThreshold: number;
      /** How much of a batch is foreground, from 0 to 1. */
      readonly fgFraction: number;
      /** Pixels around a window, counted in the crop. */
      readonly contextPad: number;
      /** `square`: the window grows to a square before it is warped. */
      readonly cropMode: "warp" | "square";
      /** Keep the image files in memory. */
      readonly cacheImages: boolean;
      /** Its crop size is what windows are warped to; `scale` is window_data_param's own, as in Caffe. */
      readonly transform: TransformSpec;
      readonly span?: Span;
    }
  | {
      readonly kind: "hdf5";
      /** A text file that lists HDF5 files, one a line. */
      readonly source: string;
      readonly batchSize: number;
      readonly shuffle: boolean;
      /** Dataset names: the layer's tops. */
      readonly tops: readonly string[];
      readonly span?: Span;
    }
  | {
      readonly kind: "filler";
      /** A constant filler fills once; the others draw anew for each batch, as Caffe's DummyData does. */
      readonly tops: readonly { readonly shape: readonly number[]; readonly filler: FillerParameter }[];
      readonly span?: Span;
    };

/** Height and width of a data layer's images, where its settings fix them. */
export function fixedSizeOf(spec: FeedSpec): readonly [height: number, width: number] | undefined {
  if (spec.kind !== "records" && spec.kind !== "images" && spec.kind !== "windows") return undefined;
  const { cropSize } = spec.transform;
  if (cropSize > 0) return [cropSize, cropSize];
  return spec.kind === "images" && spec.size ? [spec.size.height, spec.size.width] : undefined;
}

/** Where a layer leaves values at each forward, as data: the layer says it, the runtime writes it. */
export interface SinkSpec {
  readonly kind: "hdf5";
  /** The file; relative to the net's root. */
  readonly path: string;
  /** The name of each value's dataset. */
  readonly datasets: readonly string[];
  readonly span?: Span;
}

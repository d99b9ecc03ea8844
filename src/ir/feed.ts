import type { FillerParameter } from "../../proto/index.js";
import type { Span } from "../errors/index.js";

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
      readonly transform: TransformSpec;
      /** 1: images only; 2: images and labels. */
      readonly tops: 1 | 2;
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

/** One parameter blob of a layer. */
export interface WeightBlob {
  readonly shape: readonly number[];
  /** Row-major; as many values as the shape has elements. */
  readonly data: Float32Array;
}

/** The parameter blobs of a net, in the order of its layers. Layers without any are left out. */
export interface WeightSet {
  readonly layers: readonly {
    readonly name: string;
    readonly type: string;
    readonly blobs: readonly WeightBlob[];
  }[];
}

export type WeightFormat = "caffemodel" | "hdf5" | "safetensors";

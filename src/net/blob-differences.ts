import type { CompiledNet } from "./compiled-net.js";

/** The greatest relative L2 distance that counts as equal, where nobody says another. */
export const DEFAULT_BOUND = 1e-4;

/** How far two nets are apart in one blob, one blob's diff, or one parameter's gradient. */
export interface BlobDifference {
  readonly pass: "forward" | "backward";
  /** A blob by name, or a parameter as `conv1[0]`. */
  readonly name: string;
  /** The layer of the first net that made it last. */
  readonly layer: string;
  readonly shape: readonly number[];
  /** ‖a − b‖ / max(‖a‖, ‖b‖); 0 where both are 0, infinite where one is not finite where the other is. */
  readonly relative: number;
  /** The element that is farthest apart, and its two values. */
  readonly index: number;
  readonly values: readonly [a: number, b: number];
  readonly differs: boolean;
}

/** Blobs in the order in which a net's layers make them last. */
export function blobsInOrder(net: CompiledNet, blobs: readonly string[]): readonly string[] {
  const wanted = new Set(blobs);
  const made = net.layers.flatMap(({ tops }) => tops).reverse();
  return [...new Set(made)].filter((blob) => wanted.has(blob)).reverse();
}

/** The layer that makes a blob's last value. */
export const makerOf = (net: CompiledNet, blob: string): CompiledNet["layers"][number] | undefined =>
  net.layers.findLast(({ tops }) => tops.includes(blob));

/** What a difference says of a blob beside its values. */
export const namesOf = (
  net: CompiledNet,
  blob: string,
): Pick<BlobDifference, "name" | "layer" | "shape"> => ({
  name: blob,
  layer: makerOf(net, blob)?.name ?? "",
  shape: net.blobs[blob].shape,
});

/** The relative L2 distance of two arrays, and the element that is farthest apart. */
export function distance(
  a: Float32Array,
  b: Float32Array,
  bound: number,
): Pick<BlobDifference, "relative" | "index" | "values" | "differs"> {
  let [apart, sizeA, sizeB, farthest, index] = [0, 0, 0, -1, 0];
  for (let i = 0; i < a.length; i++) {
    const same = Object.is(a[i], b[i]) || a[i] === b[i];
    const gap = same ? 0 : Math.abs(a[i] - b[i]);
    const size = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap;
    if (size > farthest) [farthest, index] = [size, i];
    if (same && !Number.isFinite(a[i])) continue;
    apart += size * size;
    sizeA += a[i] * a[i];
    sizeB += b[i] * b[i];
  }
  const scale = Math.sqrt(Math.max(sizeA, sizeB));
  const relative =
    apart === 0 ? 0 : Number.isFinite(apart) ? Math.sqrt(apart) / scale : Number.POSITIVE_INFINITY;
  return { relative, index, values: [a[index], b[index]], differs: relative > bound };
}

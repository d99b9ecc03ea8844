import { type BlobProto, has } from "../proto/index.js";
import { FLOAT16, FLOAT32, FLOAT64, float32Of, type NumberLayout } from "./numbers.js";

/**
 * The shape and the values of a stored blob, as Blob::FromProto takes them: `double_data`, else `data`; a shape, or the
 * older num, channels, height and width. A blob that says nothing of its shape is a list. NVIDIA's fork keeps values as
 * plain bytes instead.
 *
 * Whether there are as many values as the shape has elements is not looked at.
 */
export function valuesOfBlob(blob: BlobProto): {
  readonly shape: readonly number[];
  readonly data: Float32Array;
} {
  const data = blob.double_data.length > 0 ? Float32Array.from(blob.double_data) : blob.data;
  const isLegacy = (["num", "channels", "height", "width"] as const).some((field) => has(blob, field));
  const shape = blob.shape
    ? blob.shape.dim
    : isLegacy
      ? [blob.num, blob.channels, blob.height, blob.width]
      : [data.length];
  if (data.length > 0 || blob.raw_data.length === 0) return { shape, data };
  const count = shape.reduce((product, extent) => product * extent, 1);
  return { shape, data: rawValues(blob.raw_data, blob.raw_data.length / count, blob.raw_data_type) };
}

/** NVIDIA's numbers of its types of whole numbers; the others are DOUBLE, FLOAT and FLOAT16. */
const [INT, UINT] = [3, 4];

/**
 * Values as they lie in memory, little-endian. Their width tells floating-point types apart: of files that other tools
 * wrote the number of the type is not always NVIDIA's.
 */
function rawValues(bytes: Uint8Array, width: number, type: number): Float32Array {
  const numbers: NumberLayout | undefined =
    width === 4 && (type === INT || type === UINT)
      ? { is: "integer", bytes: 4, signed: type === INT }
      : type > UINT
        ? undefined
        : FLOATS.find((one) => one.bytes === width);
  return (numbers && float32Of(bytes, numbers)) ?? new Float32Array(0);
}

const FLOATS: readonly NumberLayout[] = [
  { is: "float", bytes: 2, layout: FLOAT16 },
  { is: "float", bytes: 4, layout: FLOAT32 },
  { is: "float", bytes: 8, layout: FLOAT64 },
];

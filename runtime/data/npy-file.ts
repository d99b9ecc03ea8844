import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";

/** Numbers of a `.npy` file: NumPy's format of one array. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const MAGIC = "\x93NUMPY";
/** The types of numbers that are read, as NumPy writes them. */
const READERS: Readonly<Record<string, readonly [bytes: number, (view: DataView, at: number) => number]>> = {
  "<f4": [4, (view, at) => view.getFloat32(at, true)],
  "<f8": [8, (view, at) => view.getFloat64(at, true)],
  "|u1": [1, (view, at) => view.getUint8(at)],
};

/** Whether a file begins as NumPy's do. */
export const isNpy = (bytes: Uint8Array): boolean =>
  [...MAGIC].every((character, i) => bytes[i] === character.charCodeAt(0));

/**
 * Reads a `.npy` file of versions 1 to 3, of float32, float64 or uint8 in C's order.
 *
 * @param title how to name the file in an error
 * @throws CortadoError when it is cut short, or of another type or order
 */
export function readNpy(bytes: Uint8Array, title: string): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cut = (): never => {
    throw userError(`${title} is cut short: its ${bytes.length} bytes end before its numbers do`);
  };
  if (bytes.length < 12) return cut();
  const isOld = bytes[6] === 1;
  const start = isOld ? 10 : 12;
  const end = start + (isOld ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) return cut();
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const type = /'descr': *'([^']+)'/.exec(header)?.[1] ?? "";
  const extents = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (!reader || extents === undefined || /'fortran_order': *True/.test(header))
    throw userError(
      `${title} is a NumPy array of another kind: ${header.trim().slice(0, 100)}`,
      "read are float32, float64 and uint8 in C's order: numpy.save(file, array.astype('float32', order='C'))",
    );
  const shape = extents
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const [size, read] = reader;
  if (!Number.isSafeInteger(count) || end + count * size > bytes.length)
    throw userError(
      `${title} is cut short: an array of ${showShape(shape)} does not fit into ${bytes.length} bytes`,
    );
  return { shape, data: Float32Array.from({ length: count }, (_, i) => read(view, end + i * size)) };
}

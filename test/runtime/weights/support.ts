import { CortadoError } from "../../../proto/errors/index.js";
import type { WeightBlob, WeightSet } from "../../../runtime/weights/index.js";

/** A blob whose values are told apart by `start`. */
export function blob(shape: readonly number[], start = 0): WeightBlob {
  const count = shape.reduce((product, extent) => product * extent, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, i) => start + i) };
}

/** A layer with its blobs, given by their shapes. */
export function layer(
  name: string,
  shapes: readonly (readonly number[])[],
  type = "InnerProduct",
): WeightSet["layers"][number] {
  return { name, type, blobs: shapes.map((shape, i) => blob(shape, 100 * i)) };
}

/** The words of the CortadoError that something throws; anything else it throws fails the test. */
export async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CortadoError) return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

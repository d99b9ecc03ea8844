import { type RealType, realBytes } from "../../../codegen/ir/real.js";
import type { Addon } from "../../../native/addon.js";
import { allocateShared } from "../../memory.js";
import { type ArrayParam, paramIn } from "../threads/inline-executor.js";

/** Vectors are loaded fastest where they do not cross from one line of the cache to the next. */
const LINE = 64;
/** What large pages are large by; smaller memory has no use for them. */
const LARGE_PAGE = 2 ** 21;

/** Where memory begins in a buffer that is somewhat larger. */
export interface AlignedMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly offset: number;
}

/**
 * Memory for kernels, all zeros: it begins at a line of the cache or, where it is large, at a large page, which the system is
 * asked for. (With usual pages a pass over hundreds of MiB misses the table of addresses at every few values.)
 *
 * @throws CortadoError where the machine does not grant it
 */
export function allocateAligned(addon: Addon, bytes: number, what: string): AlignedMemory {
  const alignment = bytes >= 2 * LARGE_PAGE ? LARGE_PAGE : LINE;
  const buffer = allocateShared(bytes + alignment, what);
  const address = addon.addressOf(new Uint8Array(buffer));
  const offset = Number(-address & BigInt(alignment - 1));
  if (alignment === LARGE_PAGE) addon.hugePages(new Uint8Array(buffer, offset, bytes));
  return { buffer, offset };
}

/** @throws CortadoError where the machine does not grant the memory */
export function allocateNativeParam(addon: Addon, dtype: RealType, elements: number): ArrayParam {
  const { buffer, offset } = allocateAligned(addon, elements * realBytes(dtype), "the parameters");
  return paramIn(
    dtype === "float32"
      ? new Float32Array(buffer, offset, elements)
      : new Float64Array(buffer, offset, elements),
  );
}

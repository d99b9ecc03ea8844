import { isIndex } from "./children.js";
import { boundsOf } from "./indices.js";
import type { Index, Kernel } from "./kernel.js";
import { visit } from "./visit-forms.js";

const LEAST = -(2 ** 31);
const GREATEST = 2 ** 31 - 1;

/**
 * Whether 32-bit integers hold every index that a kernel computes: each sum and product on the way, by the bounds of
 * its variables. What is loaded from an index buffer is 32 bits wide as it stands, but nothing is known of sums with
 * it: of those `unknownFit` says whether they do.
 */
export function fitsInt32(kernel: Kernel, threads: number, unknownFit = false): boolean {
  if (kernel.parallel.extent + threads > GREATEST) return false;
  let fits = true;
  visit([...kernel.prologue, ...kernel.body], (form) => {
    if (!isIndex(form) || !isComputed(form)) return fits;
    const [least, greatest] = boundsOf(form);
    const known = Number.isFinite(least) && Number.isFinite(greatest);
    fits &&= known ? least >= LEAST && greatest <= GREATEST : unknownFit;
    return fits;
  });
  return fits;
}

/** The same where memory is addressed by exact numbers: what is loaded leads to an element of some buffer. */
export const fitsInt32ByBuffers = (kernel: Kernel): boolean =>
  fitsInt32(
    kernel,
    0,
    kernel.buffers.every(({ elements }) => elements <= GREATEST),
  );

const isComputed = ({ kind }: Index): boolean => kind !== "var" && kind !== "iload" && kind !== "truncate";

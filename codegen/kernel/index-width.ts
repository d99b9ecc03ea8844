import { isIndex } from "./children.js";
import { boundsOf } from "./indices.js";
import type { Index, Kernel } from "./kernel.js";
import { visit } from "./visit-forms.js";

const LEAST = -(2 ** 31);
const GREATEST = 2 ** 31 - 1;

/**
 * Whether 32-bit integers hold every index that a kernel computes: each sum and product on the way, by the bounds of
 * its variables. What is loaded from an index buffer is 32 bits wide as it stands, but nothing is known of sums with it.
 */
export function fitsInt32(kernel: Kernel, threads: number): boolean {
  if (kernel.parallel.extent + threads > GREATEST) return false;
  let fits = true;
  visit([...kernel.prologue, ...kernel.body], (form) => {
    if (!isIndex(form) || !isComputed(form)) return fits;
    const [least, greatest] = boundsOf(form);
    fits &&= least >= LEAST && greatest <= GREATEST;
    return fits;
  });
  return fits;
}

const isComputed = ({ kind }: Index): boolean => kind !== "var" && kind !== "iload" && kind !== "truncate";

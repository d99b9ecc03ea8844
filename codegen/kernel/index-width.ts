import { boundsOf } from "./indices.js";
import type { Index, Kernel, Statement } from "./kernel.js";
import { visit } from "./walk.js";

const LEAST = -(2 ** 31);
const GREATEST = 2 ** 31 - 1;

/**
 * Whether 32-bit integers hold every index that a kernel computes: each sum and product on the way, by the bounds of
 * its variables. What is loaded from an index buffer is 32 bits wide as it stands, but nothing is known of sums with it.
 */
export function fitsInt32(kernel: Kernel, threads: number): boolean {
  if (kernel.parallel.extent + threads > GREATEST) return false;
  let fits = true;
  const check = (x: Index): void => {
    switch (x.kind) {
      case "int":
        fits &&= x.value >= LEAST && x.value <= GREATEST;
        break;
      case "var":
      case "iload":
      case "truncate":
        break;
      default: {
        const [least, greatest] = boundsOf(x);
        fits &&= least >= LEAST && greatest <= GREATEST;
        check(x.a);
        check(x.b);
      }
    }
  };
  const all: readonly Statement[] = [...kernel.prologue, ...kernel.body];
  visit(all, { index: check });
  return fits;
}

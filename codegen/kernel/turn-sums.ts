import type { TargetDescription } from "../ir/target-description.js";
import type { Kernel, Statement } from "./kernel.js";
import { rewriteInside } from "./rewrite-forms.js";

/** Sums in registers from which on a loop is one of products: with fewer, memory sets the pace. */
const SUMS = 4;

/**
 * Has loops that sum products in registers make as many turns between two tests for their end as the processor is described to
 * like: of 24 instructions of a tile of 6 rows × 2 vectors the loop's own are 4.
 */
export function turnSums(kernel: Kernel, { lanes }: Pick<TargetDescription, "lanes">): Kernel {
  const turns = lanes?.turns ?? 1;
  if (turns === 1) return kernel;
  const statement = (one: Statement): Statement => {
    const inside = rewriteInside(one, { statement });
    return inside.kind === "for" && !inside.unrolled && isSumOfProducts(inside.body)
      ? { ...inside, turns }
      : inside;
  };
  return { ...kernel, prologue: kernel.prologue.map(statement), body: kernel.body.map(statement) };
}

const isSumOfProducts = (body: readonly Statement[]): boolean =>
  body.every(({ kind }) => kind === "declare" || kind === "assign") &&
  body.filter((one) => one.kind === "assign" && one.type === "real" && one.value.kind === "fma").length >=
    SUMS;

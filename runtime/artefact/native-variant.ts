import type { Processor } from "../../native/addon.js";
import type { NativeVariant } from "./native-tables.js";
import { bestVariant } from "./variant-choice.js";

type Architecture = Processor["architecture"];

/** The kernels that a processor runs, by its widest vectors; the best first. */
const RUNS: Readonly<Record<Architecture, readonly [Architecture, ...Architecture[]]>> = {
  avx512: ["avx512", "avx2", "sse"],
  avx2: ["avx2", "sse"],
  sse: ["sse"],
  neon: ["neon"],
};

/**
 * The widest kernels that a processor runs.
 *
 * @throws Error that says what was built, what the processor has, and how to build what is missing
 */
export const nativeVariantFor = (
  variants: readonly NativeVariant[],
  { architecture }: Pick<Processor, "architecture">,
): NativeVariant =>
  bestVariant(variants, RUNS[architecture], { target: "native", name: "this machine's processor" });

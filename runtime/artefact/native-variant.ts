import type { Processor } from "../../native/addon.js";
import type { NativeVariant } from "./native-tables.js";

type Architecture = Processor["architecture"];

/** The kernels that a processor runs, by its widest vectors; the best first. */
const RUNS: Readonly<Record<Architecture, readonly Architecture[]>> = {
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
export function nativeVariantFor(
  variants: readonly NativeVariant[],
  { architecture }: Pick<Processor, "architecture">,
): NativeVariant {
  for (const wanted of RUNS[architecture]) {
    const found = variants.find((variant) => variant.architecture === wanted);
    if (found) return found;
  }
  const built = variants.map((variant) =>
    variant.features.length > 0
      ? `${variant.architecture} (${variant.features.join(", ")})`
      : variant.architecture,
  );
  const names = [...variants.map((variant) => variant.architecture), architecture];
  throw new Error(
    `this build has no kernels for this machine's processor, which has ${architecture}: it was built for ${built.join(", ")}\n` +
      `  cortado build <net> --target native --cpu ${names.join(",")} --out <folder> adds them; a build for the target ts runs anywhere`,
  );
}

/** A net's kernels for processors or engines of one architecture. */
export interface BuiltVariant {
  readonly architecture: string;
  /** What is needed to run them, as compilers name it; none where all have it. */
  readonly features: readonly string[];
}

/** Who looks for kernels. */
export interface VariantSeeker {
  readonly target: string;
  /** "this machine's processor" */
  readonly name: string;
}

/**
 * The first variant of the architectures that run here.
 *
 * @param runs the best first: what is there
 * @throws Error that says what was built, what is there, and how to build what is missing
 */
export function bestVariant<Variant extends BuiltVariant>(
  variants: readonly Variant[],
  runs: readonly [string, ...string[]],
  { target, name }: VariantSeeker,
): Variant {
  for (const wanted of runs) {
    const found = variants.find(({ architecture }) => architecture === wanted);
    if (found) return found;
  }
  const built = variants.map(({ architecture, features }) =>
    features.length > 0 ? `${architecture} (${features.join(", ")})` : architecture,
  );
  const names = [...variants.map(({ architecture }) => architecture), runs[0]];
  throw new Error(
    `this build has no kernels for ${name}, which has ${runs[0]}: it was built for ${built.join(", ")}\n` +
      `  cortado build <net> --target ${target} --cpu ${names.join(",")} --out <folder> adds them; a build for the target ts runs anywhere`,
  );
}

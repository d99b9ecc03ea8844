import type { CudaVariant } from "./cuda-tables.js";

/**
 * Capabilities of Jetson modules: what is compiled for them and for other GPUs is not compatible, though the major
 * version be the same.
 */
const JETSON: readonly number[] = [72, 87, 101];

interface Built {
  readonly capability: number;
  /** "a": for this very capability; "f": for its family. */
  readonly suffix: string;
}

const builtFor = (architecture: string): Built => {
  const [, digits = "0", suffix = ""] = /^sm_(\d+)([af]?)$/.exec(architecture) ?? [];
  return { capability: Number(digits), suffix };
};

const runsOn = ({ capability, suffix }: Built, device: number): boolean => {
  if (capability === device) return true;
  if (suffix === "a" || JETSON.includes(capability) || JETSON.includes(device)) return false;
  return Math.floor(capability / 10) === Math.floor(device / 10) && capability < device;
};

/**
 * The kernels for a device ("sm_89"): those of its own architecture, else the newest of the same major version that
 * are older. Cubins are compatible so within a major version (CUDA C++ Programming Guide, "Binary Compatibility").
 *
 * @throws Error that says what was built and how to build what is missing
 */
export function variantFor(variants: readonly CudaVariant[], device: string, name: string): CudaVariant {
  const { capability } = builtFor(device);
  let best: CudaVariant | undefined;
  for (const variant of variants) {
    const built = builtFor(variant.architecture);
    if (!runsOn(built, capability)) continue;
    // Of sm_90 and sm_90a it is the first.
    if (!best || built.capability > builtFor(best.architecture).capability) best = variant;
  }
  if (best) return best;
  const built = variants.map(({ architecture }) => architecture);
  throw new Error(
    `this build has no kernels for ${name} (${device}): it was built for ${built.join(", ")}\n` +
      `  cortado build <net> --target cuda --arch ${[...built, device].join(",")} --out <folder> adds them`,
  );
}

import type { LanesDescription, TargetDescription } from "../../ir/target-description.js";
import { laneDescription } from "../lane-description.js";

/** Written out four times the loop of a sum of products is 9% faster, eight times no faster than that. */
const TURNS = 4;

/** Vectors of processors, the narrowest first. Caches are those of a modest core: a device tells its own. */
export const NATIVE_ARCHITECTURES = {
  sse: lanes(16, 16, 12, false),
  neon: lanes(16, 32, 24, true),
  avx2: lanes(32, 16, 12, true),
  avx512: lanes(64, 32, 24, true),
} as const satisfies Readonly<Record<string, LanesDescription>>;

export type NativeArchitecture = keyof typeof NATIVE_ARCHITECTURES;

function lanes(vectorBytes: number, registers: number, accumulators: number, fma: boolean): LanesDescription {
  return { vectorBytes, registers, accumulators, turns: TURNS, fma, l1Bytes: 32 * 1024, l2Bytes: 512 * 1024 };
}

/** A processor with vectors. @throws CortadoError for an architecture that is not known */
export const nativeDescription = (architecture: string): TargetDescription =>
  laneDescription("native", NATIVE_ARCHITECTURES, architecture);

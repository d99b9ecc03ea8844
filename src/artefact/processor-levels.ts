import type { NativeArchitecture } from "../../codegen/targets/native/native-description.js";
import type { HostCompiler } from "../../runtime/devices/host/host-compiler.js";

/** For which processors kernels of an architecture are compiled. */
export interface ProcessorLevel {
  /** As Node names it: compilers make code for their own. */
  readonly machine: string;
  /** What of a processor the kernels use beyond what all of its kind have, as compilers name it. */
  readonly features: readonly string[];
}

/** The features are exactly what the addon looks for before it names an architecture (native/src/processor.cc). */
export const PROCESSOR_LEVELS: Readonly<Record<NativeArchitecture, ProcessorLevel>> = {
  sse: { machine: "x64", features: [] },
  avx2: { machine: "x64", features: ["avx2", "fma"] },
  avx512: { machine: "x64", features: ["avx512f", "avx512dq", "avx512bw", "avx512vl", "fma"] },
  neon: { machine: "arm64", features: [] },
};

/** A compiler's options for processors that have this and no more. */
export function processorOptions(
  { machine, features }: ProcessorLevel,
  { path, words }: HostCompiler,
): readonly string[] {
  // To Zig a "-" in the name means without.
  const x64 = [path, ...words].some((word) => /zig/.test(word)) ? "x86_64" : "x86-64";
  return [machine === "x64" ? `-march=${x64}` : "-mcpu=generic", ...features.map((name) => `-m${name}`)];
}

import type { WasmArchitecture } from "../../../codegen/targets/wasm/wasm-description.js";
import type { Engine } from "./engine.js";
import { importsOf } from "./module-instance.js";

/** The function of a probe, of a number to a number. */
export const PROBE_FUNCTION = "probe";

/** Modules with one function each, over a memory as kernels have it: an engine shows by them what it has. */
export interface Probes<Bytes = Uint8Array> {
  /** A sum in vectors. */
  readonly sum: Bytes;
  /** The relaxed multiply-add, of numbers of which what rounds once makes no 0. */
  readonly fused: Bytes;
  /** Whether their memory is shared. */
  readonly shared: boolean;
}

/** What `Probes.fused` is given. */
export const TELLING = 1 + 2 ** -12;

/** A module with nothing but a memory of 64-bit addresses. */
const MEMORY64 = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 4, 1);

async function roundsOnce(
  { validate, compile, instantiate, Memory }: Engine,
  { fused, shared }: Probes,
): Promise<boolean> {
  if (!validate(fused)) return false;
  const memory = new Memory({ initial: 1, maximum: 1, shared });
  const { exports } = await instantiate(await compile(fused), importsOf(memory, 0));
  return exports[PROBE_FUNCTION](TELLING) !== 0;
}

/** The best that an engine has; undefined where it has no vectors over such a memory. */
export async function architectureOf(engine: Engine, probes: Probes): Promise<WasmArchitecture | undefined> {
  if (!engine.validate(probes.sum)) return undefined;
  if (!(await roundsOnce(engine, probes))) return "simd128";
  return engine.validate(MEMORY64) ? "memory64" : "relaxed";
}

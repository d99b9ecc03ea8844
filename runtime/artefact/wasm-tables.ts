import type { Launchable } from "../../codegen/kernel/launch.js";
import type { WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import { placesInMemory } from "../devices/wasm/memory-layout.js";
import type { Probes } from "../devices/wasm/probe-engine.js";
import type { ProgramTable } from "../net/program-table.js";

/** What the `wasm` target adds to the tables. */
export interface WasmTables {
  /** In base64. */
  readonly probes: Probes<string>;
  /** Programs that the variants run: some may have the same. */
  readonly lists: readonly WasmPrograms[];
  /** One for each architecture. */
  readonly variants: readonly WasmVariant[];
}

/** The net in the instructions of one architecture. */
export interface WasmVariant {
  readonly architecture: WasmArchitecture;
  /** What an engine must have, as compilers name it. */
  readonly features: readonly string[];
  /** Its module, in the folder. */
  readonly path: string;
  /** Which of `WasmTables.lists`. */
  readonly list: number;
}

export interface WasmPrograms {
  readonly programs: readonly ProgramTable[];
  /** By number. */
  readonly kernels: readonly Launchable[];
  /** Memory of its own that a thread gives to a kernel. */
  readonly scratchBytes: number;
}

/**
 * Where all of a net lies in one memory.
 *
 * @param threads of each program, in their order; default: one
 */
export function layoutOf(
  parameters: readonly number[],
  { programs, scratchBytes }: Pick<WasmPrograms, "programs" | "scratchBytes">,
  threads: readonly number[] = [1],
): {
  readonly pages: number;
  readonly params: readonly number[];
  readonly arenas: readonly number[];
  /** By thread: programs run one after the other. */
  readonly scratch: readonly number[];
} {
  const { addresses, pages } = placesInMemory([
    ...parameters.map((elements) => 4 * elements),
    ...programs.map(({ arenaBytes }) => arenaBytes),
    ...Array<number>(Math.max(...threads)).fill(scratchBytes),
  ]);
  return {
    pages,
    params: addresses.slice(0, parameters.length),
    arenas: addresses.slice(parameters.length, parameters.length + programs.length),
    scratch: addresses.slice(parameters.length + programs.length),
  };
}

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
  /** Iterations of each kernel's outermost loop. */
  readonly extents: readonly number[];
  /** Memory of its own that a thread gives to a kernel. */
  readonly scratchBytes: number;
}

/** Where all of a net lies in one memory. */
export function layoutOf(
  parameters: readonly number[],
  { programs, scratchBytes }: Pick<WasmPrograms, "programs" | "scratchBytes">,
): {
  readonly pages: number;
  readonly params: readonly number[];
  readonly arenas: readonly number[];
  readonly scratch: number;
} {
  const { addresses, pages } = placesInMemory([
    scratchBytes,
    ...parameters.map((elements) => 4 * elements),
    ...programs.map(({ arenaBytes }) => arenaBytes),
  ]);
  const [scratch, ...rest] = addresses;
  return {
    pages,
    scratch,
    params: rest.slice(0, parameters.length),
    arenas: rest.slice(parameters.length),
  };
}

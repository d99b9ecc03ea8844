import { MOST_PAGES, PAGE } from "../../codegen/targets/wasm/module-interface.js";
import type { WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import { showBytes } from "../../proto/words/amounts.js";
import { messageOf } from "../../proto/words/trouble.js";
import { createInlineExecutor, paramIn } from "../devices/threads/inline-executor.js";
import { ENGINE, type Engine, type LinearMemory } from "../devices/wasm/engine.js";
import { addressOf, importsOf, kernelsIn } from "../devices/wasm/module-instance.js";
import { architectureOf, type Probes } from "../devices/wasm/probe-engine.js";
import { scheduleOf } from "../net/program-table.js";
import type { Tables } from "../net/tables.js";
import type { ArtefactFiles } from "./artefact-files.js";
import type { BuiltDevice } from "./built-device.js";
import type { Location } from "./read.js";
import { bestVariant } from "./variant-choice.js";
import { layoutOf, type WasmTables, type WasmVariant } from "./wasm-tables.js";

/** The instructions that an engine runs; the best first. */
const ENGINE_RUNS: Readonly<Record<WasmArchitecture, readonly [WasmArchitecture, ...WasmArchitecture[]]>> = {
  memory64: ["memory64", "relaxed", "simd128"],
  relaxed: ["relaxed", "simd128"],
  simd128: ["simd128"],
};

/**
 * The modules that an engine runs, by its best instructions.
 *
 * @throws Error that says what was built, what the engine has, and how to build what is missing
 */
export const wasmVariantFor = (
  variants: readonly WasmVariant[],
  architecture: WasmArchitecture,
): WasmVariant => bestVariant(variants, ENGINE_RUNS[architecture], { target: "wasm", name: "this engine" });

/**
 * The kernels of a build in this engine of WebAssembly, on the caller's thread, over one memory that has all its pages
 * from the beginning.
 *
 * @param modules where the modules lie, by architecture
 * @throws Error that says what is missing: vectors, kernels for this engine, a file, memory
 */
export async function openWasmDevice(
  { parameters }: Pick<Tables, "parameters">,
  wasm: WasmTables,
  files: ArtefactFiles,
  modules: Readonly<Record<string, Location>>,
): Promise<BuiltDevice> {
  const { engine, architecture } = await engineFor(wasm.probes);
  const variant = wasmVariantFor(wasm.variants, architecture);
  const list = wasm.lists[variant.list];
  const code = await files.read(variant.path, modules[variant.architecture]);
  const module = await allowed(engine.compile(code));
  const places = layoutOf(parameters, list);
  const memory = allocatePages(engine, places.pages);
  const { exports } = await engine.instantiate(module, importsOf(memory, places.scratch));
  const kernels = kernelsIn(exports, list.extents.length);
  const params = parameters.map((elements, i) =>
    paramIn(new Float32Array(memory.buffer, places.params[i], elements)),
  );
  return {
    params,
    programs: list.programs.map((table, i) => ({
      table,
      executor: createInlineExecutor(
        scheduleOf(table),
        kernels,
        list.extents,
        { arena: memory.buffer, arenaOffset: places.arenas[i], params, dtype: "float32" },
        addressOf,
      ),
    })),
    close: async () => {},
  };
}

const bytesIn = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

const ELSEWHERE = "a build for the target ts runs anywhere";

/** This engine and the best that it has. @throws Error where it has no vectors, or does not compile here */
async function engineFor(
  written: WasmTables["probes"],
): Promise<{ readonly engine: Engine; readonly architecture: WasmArchitecture }> {
  const probes: Probes = { ...written, sum: bytesIn(written.sum), fused: bytesIn(written.fused) };
  const architecture = ENGINE && (await allowed(architectureOf(ENGINE, probes)));
  if (!ENGINE || !architecture)
    throw new Error(
      `this net cannot run here: the engine has no WebAssembly${ENGINE ? " with vectors (SIMD)" : ""}\n  ${ELSEWHERE}`,
    );
  return { engine: ENGINE, architecture };
}

/** Of what was checked an engine compiles all, unless it may not. */
const allowed = <T>(compiled: Promise<T>): Promise<T> =>
  compiled.catch((error: unknown) => {
    throw new Error(
      `this net cannot run here: the engine does not compile WebAssembly: ${messageOf(error)}\n` +
        `  a page's Content-Security-Policy allows it by script-src 'wasm-unsafe-eval'; ${ELSEWHERE}`,
      { cause: error },
    );
  });

function allocatePages({ Memory }: Engine, pages: number): LinearMemory {
  try {
    if (pages > MOST_PAGES) throw new RangeError("more than addresses reach");
    return new Memory({ initial: pages, maximum: pages, shared: false });
  } catch (error) {
    throw new Error(
      `the parameters and the blobs need ${showBytes(pages * PAGE)} of memory in one piece, and this engine does not grant it\n` +
        "  a smaller batch, or smaller layers, need less",
      { cause: error },
    );
  }
}

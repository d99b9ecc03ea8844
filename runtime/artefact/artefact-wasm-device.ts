import { MOST_PAGES, PAGE } from "../../codegen/targets/wasm/module-interface.js";
import { withSharedMemory } from "../../codegen/targets/wasm/shared-memory.js";
import type { WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import { showBytes } from "../../proto/words/amounts.js";
import { messageOf } from "../../proto/words/trouble.js";
import type { HostKernels } from "../devices/threads/host-kernels.js";
import { paramIn } from "../devices/threads/inline-executor.js";
import { VECTORS_PER_MILLISECOND } from "../devices/threads/speeds.js";
import { ENGINE, type Engine, type LinearMemory } from "../devices/wasm/engine.js";
import { addressOf, importsOf, kernelNames, kernelsIn } from "../devices/wasm/module-instance.js";
import { architectureOf, type Probes } from "../devices/wasm/probe-engine.js";
import { scheduleOf } from "../net/program-table.js";
import type { Tables } from "../net/tables.js";
import type { ArtefactFiles } from "./artefact-files.js";
import type { BuiltDevice } from "./built-device.js";
import { type BuiltThreads, oneThread, openPrograms, planThreads } from "./built-threads.js";
import type { Location } from "./read.js";
import type { ThreadOptions } from "./thread-option.js";
import { bestVariant } from "./variant-choice.js";
import { layoutOf, type WasmPrograms, type WasmTables, type WasmVariant } from "./wasm-tables.js";

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

/** What `load` found in net.js. */
export interface WasmParts {
  readonly wasm: WasmTables;
  /** Where the modules lie, by architecture. */
  readonly modules: Readonly<Record<string, Location>>;
  /** The text of `workerMain`. */
  readonly threadText: string;
}

/**
 * The kernels of a build in this engine of WebAssembly, over one memory that has all its pages from the beginning: in workers
 * that share it, or on the caller's thread.
 *
 * @throws Error that says what is missing: vectors, kernels for this engine, a file, memory, threads that are asked for
 */
export async function openWasmDevice(
  { parameters }: Pick<Tables, "parameters">,
  { wasm, modules, threadText }: WasmParts,
  files: ArtefactFiles,
  options: ThreadOptions,
): Promise<BuiltDevice> {
  const { engine, architecture } = await engineFor(wasm.probes);
  const variant = wasmVariantFor(wasm.variants, architecture);
  const list = wasm.lists[variant.list];
  const { kernels, programs } = list;
  const runnable = programs.map((table) => ({ ...scheduleOf(table), kernels }));
  const plan = await planThreads(runnable, SPEED, options, threadText);
  const { memory, places, threads } = placeNet(engine, parameters, list, plan);
  const code = await files.read(variant.path, modules[variant.architecture]);
  const module = await allowed(engine.compile(threads.start ? withSharedMemory(code) : code));
  const importsFor = (thread: number) => importsOf(memory, places.scratch[thread]);
  const names = kernelNames(kernels.length);
  const host: HostKernels = {
    ...SPEED,
    open: async () => kernelsIn((await engine.instantiate(module, importsFor(0))).exports, kernels.length),
    codeOf: (thread) => ({ module, imports: importsFor(thread), names }),
    argumentOf: addressOf,
  };
  const params = parameters.map((elements, i) =>
    paramIn(new Float32Array(memory.buffer, places.params[i], elements)),
  );
  return openPrograms(params, programs, threads, (i) => ({
    program: runnable[i],
    memory: { arena: memory.buffer, arenaOffset: places.arenas[i], params, dtype: "float32" },
    kernels: host,
  }));
}

const SPEED = { perMillisecond: VECTORS_PER_MILLISECOND };

/** Memory for all of a net. Where there is none for threads that nobody asked for, one does with less. */
function placeNet(engine: Engine, parameters: readonly number[], list: WasmPrograms, threads: BuiltThreads) {
  const place = (chosen: BuiltThreads) => {
    const places = layoutOf(parameters, list, chosen.counts);
    return {
      places,
      memory: allocatePages(engine, places.pages, chosen.start !== undefined),
      threads: chosen,
    };
  };
  try {
    return place(threads);
  } catch (error) {
    if (!threads.start || !threads.atMost) throw error;
    return place(oneThread(list.programs));
  }
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

function allocatePages({ Memory }: Engine, pages: number, shared: boolean): LinearMemory {
  try {
    if (pages > MOST_PAGES) throw new RangeError("more than addresses reach");
    return new Memory({ initial: pages, maximum: pages, shared });
  } catch (error) {
    throw new Error(
      `the parameters and the blobs need ${showBytes(pages * PAGE)} of memory in one piece, and this engine does not grant it\n` +
        "  a smaller batch, or smaller layers, need less",
      { cause: error },
    );
  }
}

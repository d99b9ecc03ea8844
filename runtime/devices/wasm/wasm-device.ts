import type { Program } from "../../../codegen/kernel/kernel.js";
import { wasmBytes } from "../../../codegen/targets/wasm/render-wasm.js";
import { WASM_ARCHITECTURES } from "../../../codegen/targets/wasm/wasm-description.js";
import { wasmTarget } from "../../../codegen/targets/wasm/wasm-target.js";
import { present, userError } from "../../../proto/errors/index.js";
import type { Device, Executor, ParamStore } from "../../device.js";
import { checkMemory } from "../../memory.js";
import type { Availability } from "../availability.js";
import { createHostExecutor, isSmall } from "../threads/host-executor.js";
import type { HostKernels } from "../threads/host-kernels.js";
import { type ArrayMemory, type HostKernel, paramIn } from "../threads/inline-executor.js";
import { createWasmMemory, type WasmMemory } from "./linear-memory.js";
import { findVectors, importsOf, type Vectors } from "./vectors.js";

/** Vectors of four lanes, on one thread. */
const PER_MILLISECOND = 20_000_000;

/** Whether this engine has WebAssembly with vectors. */
export async function wasmAvailability(): Promise<Availability> {
  const vectors = await findVectors();
  return vectors
    ? { works: true, why: `WebAssembly in vectors (${vectors.architecture})` }
    : { works: false, why: "this engine has no WebAssembly with vectors" };
}

/**
 * The engine of this process as a device: WebAssembly over one memory, on the caller's thread or on several.
 *
 * @throws CortadoError where the engine has no WebAssembly with vectors
 */
export async function createWasmDevice(): Promise<Device> {
  const vectors = await findVectors();
  if (!vectors) throw userError("target wasm is not available: this engine has no WebAssembly with vectors");
  const memory = createWasmMemory(vectors.engine);
  const { architecture } = vectors;
  return {
    target: wasmTarget,
    description: wasmTarget.describe(architecture),
    hostMemory: true,
    checkMemory,
    allocate: (elements) => {
      const address = memory.allocate(4 * elements, "the parameters");
      return paramIn(new Float32Array(memory.memory.buffer, address, elements));
    },
    async load(program, params, { threads: most, atMost }) {
      const threads = atMost && isSmall(program, { perMillisecond: PER_MILLISECOND }) ? 1 : most;
      return loadProgram(program, { vectors, memory, params, threads });
    },
    // Memory goes when nobody refers to it any longer; threads are the executors'.
    async close() {},
  };
}

async function loadProgram(
  program: Program,
  {
    vectors: { engine, architecture },
    memory,
    params,
    threads,
  }: {
    readonly vectors: Vectors;
    readonly memory: WasmMemory;
    readonly params: ParamStore;
    readonly threads: number;
  },
): Promise<Executor> {
  const module = await engine.compile(wasmBytes(program, { fused: WASM_ARCHITECTURES[architecture].fma }));
  const names = program.kernels.map((_, number) => `k${number}`);
  const scratchBytes = wasmTarget.scratchBytes(program);
  const taken: number[] = [];
  const take = (bytes: number, what: string): number => {
    const address = memory.allocate(bytes, what);
    taken.push(address);
    return address;
  };
  const arenaOffset = take(program.arenaBytes, "the blobs");
  const scratch = Array.from({ length: threads }, () => take(scratchBytes, "the kernels"));
  const arena: ArrayMemory = {
    arena: memory.memory.buffer,
    arenaOffset,
    params: params.memories,
    dtype: params.dtype,
  };
  const importsFor = (thread: number) => importsOf(memory.memory, scratch[thread]);
  const kernels: HostKernels = {
    open() {
      const { exports } = new engine.Instance(module, importsFor(0));
      return names.map((name) => present(exports[name], "a kernel's function") as HostKernel);
    },
    codeOf: (thread) => ({ module, imports: importsFor(thread), names }),
    argumentOf: ({ byteOffset }) => byteOffset,
    perMillisecond: PER_MILLISECOND,
  };
  const executor = await createHostExecutor(program, arena, kernels, threads);
  return {
    ...executor,
    async close() {
      await executor.close();
      for (const address of taken.splice(0)) memory.free(address);
    },
  };
}

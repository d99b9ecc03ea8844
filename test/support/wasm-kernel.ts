import type { Kernel } from "../../codegen/kernel/kernel.js";
import { encodeModule } from "../../codegen/targets/wasm/encode-module.js";
import { wasmModule } from "../../codegen/targets/wasm/render-wasm.js";
import type { WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import { wasmTarget } from "../../codegen/targets/wasm/wasm-target.js";
import { randomValues } from "./graph-values.js";
import { type Buffer, runInLanes } from "./run-lanes.js";
import { moduleMemory } from "./wasm-engine.js";

/** Bytes on both sides of each buffer, which a kernel must leave as they are. */
const AROUND = 64;
const UNTOUCHED = 0xa5;

/** What a kernel's buffers hold before it: reals, and integers below `rows`. */
export function buffersOf({ buffers }: Kernel, seed: number, rows = 4): Buffer[] {
  return buffers.map(({ dtype, elements }, i) => {
    const values = randomValues(seed + i, elements);
    return dtype === "index"
      ? Int32Array.from(values, (x) => Math.floor(((x + 2) / 4) * rows))
      : Float32Array.from(values);
  });
}

const programOf = (kernel: Kernel) => ({
  kernels: [kernel],
  ...{ prepare: [], forward: [], backward: [], copies: [], arenaBytes: 0 },
});

/** A kernel as the module of one. */
export const moduleOf = (kernel: Kernel, architecture: WasmArchitecture = "simd128") =>
  wasmModule(programOf(kernel), { fused: architecture === "relaxed" });

/**
 * Runs a kernel in the engine, the second half of its iterations first; what its buffers hold then.
 *
 * @param ahead so many bytes of memory lie in front of them
 */
export async function runAsWasm(
  kernel: Kernel,
  before: readonly Buffer[],
  architecture: WasmArchitecture = "simd128",
  ahead = 0,
): Promise<readonly Buffer[]> {
  const { allocate, open } = moduleMemory();
  allocate(ahead);
  const blocks = before.map((values) => {
    const block = allocate(2 * AROUND + values.byteLength).fill(UNTOUCHED);
    const { buffer, byteOffset } = block.subarray(AROUND);
    const inside =
      values instanceof Int32Array
        ? new Int32Array(buffer, byteOffset, values.length)
        : new Float32Array(buffer, byteOffset, values.length);
    inside.set(values);
    return { block, inside };
  });
  const scratch = allocate(wasmTarget.scratchBytes(programOf(kernel)));
  const { k0 } = await open(encodeModule(moduleOf(kernel, architecture)), scratch);
  const { extent } = kernel.parallel;
  const half = Math.floor(extent / 2);
  for (const range of [
    [half, extent],
    [0, half],
    [extent, extent],
  ]) {
    // What a kernel finds in its own memory means nothing.
    scratch.fill(0xff);
    k0(...blocks.map(({ inside }) => inside.byteOffset), ...range);
  }
  for (const { block, inside } of blocks)
    for (const edge of [block.subarray(0, AROUND), block.subarray(AROUND + inside.byteLength)])
      if (edge.some((byte) => byte !== UNTOUCHED)) throw new Error("a kernel wrote outside of its buffers");
  return blocks.map(({ inside }) => inside.slice());
}

/** What the meaning of the kernel language says that the buffers hold then. */
export function runAsMeant(kernel: Kernel, before: readonly Buffer[]): readonly Buffer[] {
  const buffers = before.map((values) => values.slice());
  runInLanes(kernel, buffers, { from: 0, to: kernel.parallel.extent }, true);
  return buffers;
}

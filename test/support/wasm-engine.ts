/** The engine that the tests run in: every one of today has what target wasm needs. */
import { encodeModule, type WasmModule } from "../../codegen/targets/wasm/encode-module.js";
import type { AddressType } from "../../codegen/targets/wasm/instructions.js";
import { WASM_ARCHITECTURES, type WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import { present } from "../../proto/errors/index.js";
import { ENGINE, type WasmFunctions } from "../../runtime/devices/wasm/engine.js";
import { createWasmMemory, hasWideMemory } from "../../runtime/devices/wasm/linear-memory.js";
import { importsOf } from "../../runtime/devices/wasm/module-instance.js";
import { findVectors } from "../../runtime/devices/wasm/vectors.js";

export const engine = present(ENGINE, "WebAssembly");
/** The best architecture of target wasm that runs here. */
export const architecture = await bestArchitecture();
const all = Object.keys(WASM_ARCHITECTURES) as WasmArchitecture[];
/** The architectures of target wasm whose modules run here. */
export const architectures: readonly WasmArchitecture[] = all.slice(0, all.indexOf(architecture) + 1);

export interface ModuleMemory {
  /** So many bytes, all zeros, that the modules reach. */
  allocate(bytes: number): Uint8Array;
  /** The functions of a module, for a thread whose own memory begins there. */
  open(module: Uint8Array | WasmModule, scratch?: Uint8Array): Promise<WasmFunctions>;
}

/** The types of addresses that memories have here. */
export const addresses: readonly AddressType[] = hasWideMemory(engine) ? ["i32", "i64"] : ["i32"];

/** Memory of its own, and modules over it. */
export function moduleMemory(address: AddressType = "i32"): ModuleMemory {
  const { memory, allocate } = createWasmMemory(engine, address);
  return {
    allocate(bytes) {
      const address = allocate(bytes, "arrays of a test");
      return new Uint8Array(memory.buffer, address, bytes);
    },
    async open(module, scratch) {
      const bytes = module instanceof Uint8Array ? module : encodeModule(module);
      const start = scratch?.byteOffset ?? 0;
      const imports = importsOf(memory, address === "i64" ? BigInt(start) : start);
      return (await engine.instantiate(await engine.compile(bytes), imports)).exports;
    },
  };
}

async function bestArchitecture(): Promise<WasmArchitecture> {
  const found = await findVectors();
  if ("why" in found) throw new Error(found.why);
  return found.architecture;
}

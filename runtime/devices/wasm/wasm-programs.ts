import { createHash } from "node:crypto";
import { type Cache, cacheRefused, openCache } from "../../cache.js";
import { codeIdentity } from "../../code-identity.js";
import { readKeptJson } from "../../kept-json.js";
import type { KeptWasmProgram, WasmPrograms } from "./wasm-device.js";

const [TABLES, MODULE] = [".json", ".wasm"];

/** What determines a program beside `key`, which says what it computes and for which vectors: this code. */
const entryOf = (key: string): string =>
  createHash("sha256")
    .update(JSON.stringify(["wasm", codeIdentity(), key]))
    .digest("hex");

/** The user's folder; undefined where nothing may be loaded from it, or kept in it: then programs are made each time. */
async function userCache(): Promise<Cache | undefined> {
  if ((await cacheRefused()) !== undefined) return undefined;
  const cache = await openCache();
  return cache.temporary === undefined ? cache : undefined;
}

/** Programs in the user's folder of what was compiled: tables and the module, each an entry of its own. */
export const keptWasmPrograms: WasmPrograms = {
  async find(key) {
    const cache = await userCache();
    if (!cache) return undefined;
    const entry = entryOf(key);
    const [tables, module] = await Promise.all([cache.read(entry, TABLES), cache.read(entry, MODULE)]);
    const written =
      tables &&
      readKeptJson<Omit<KeptWasmProgram, "module">>(
        tables,
        ({ table, kernels, scratchBytes }) =>
          table !== undefined && Array.isArray(kernels) && typeof scratchBytes === "number",
      );
    return written && module && { ...written, module: Uint8Array.from(module) };
  },
  async keep(key, { module, ...written }) {
    const cache = await userCache();
    if (!cache) return;
    const entry = entryOf(key);
    // Tables alone are nothing: the module lies there before them.
    await cache.store(entry, MODULE, module);
    await cache.store(entry, TABLES, Buffer.from(JSON.stringify(written)));
  },
};

import { fileURLToPath } from "node:url";
import { showBytes } from "../../proto/words/amounts.js";
import { availableCores } from "../cores.js";
import type { ParamStore } from "../device.js";
import { allocateNativeParam } from "../devices/native/aligned-memory.js";
import { createNativeExecutor } from "../devices/native/native-executor.js";
import { checkMemory } from "../memory.js";
import { scheduleOf } from "../net/program-table.js";
import type { Tables } from "../net/tables.js";
import { MOST_THREADS } from "../thread-sharing.js";
import type { ArtefactFiles } from "./artefact-files.js";
import { openBuiltAddon } from "./built-addon.js";
import type { BuiltDevice } from "./built-device.js";
import type { NativeTables } from "./native-tables.js";
import { nativeVariantFor } from "./native-variant.js";
import { plainly } from "./plain-error.js";
import { type ThreadOptions, threadsAsked } from "./thread-option.js";

/**
 * The kernels of a build on this machine's processor: those in the widest vectors that it has.
 *
 * @param folder where the build lies
 * @throws Error that says what is missing: a file, kernels for this processor, memory
 */
export async function openNativeDevice(
  { parameters }: Pick<Tables, "parameters">,
  native: NativeTables,
  files: ArtefactFiles,
  options: ThreadOptions,
  folder: URL,
): Promise<BuiltDevice> {
  const threads = threadsAsked(options) ?? Math.min(availableCores(), MOST_THREADS);
  const addon = await openBuiltAddon(native.addons, files, folder);
  const { modules, kernels, programs } = nativeVariantFor(native.variants, addon.processor());
  // Code is opened when all of it is known to be what was built.
  const checked = await Promise.all(
    modules.map(async (module) => {
      const at = new URL(module.path, folder);
      await files.read(module.path, at);
      return { path: fileURLToPath(at), kernels: module.kernels };
    }),
  );
  const parameterBytes = parameters.reduce((sum, elements) => sum + 4 * elements, 0);
  const arenaBytes = programs.reduce((sum, { table }) => sum + table.arenaBytes, 0);
  return plainly(() => {
    checkMemory(
      parameterBytes + arenaBytes,
      `the parameters (${showBytes(parameterBytes)}) and the blobs (${showBytes(arenaBytes)})`,
    );
    const params: ParamStore = {
      dtype: "float32",
      memories: parameters.map((elements) => allocateNativeParam(addon, "float32", elements)),
    };
    const loaded = programs.map(({ table, scratchBytes }) => ({
      table,
      executor: createNativeExecutor({
        ...{ addon, kernels, scratchBytes, params, threads },
        modules: checked,
        schedule: scheduleOf(table),
      }),
    }));
    return {
      params: params.memories,
      programs: loaded,
      async close() {
        for (const { executor } of loaded) await executor.close();
      },
    };
  });
}

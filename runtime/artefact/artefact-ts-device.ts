import type { Launchable } from "../../codegen/kernel/launch.js";
import type { HostKernels } from "../devices/threads/host-kernels.js";
import { type HostKernel, paramIn } from "../devices/threads/inline-executor.js";
import { SCALARS_PER_MILLISECOND } from "../devices/threads/speeds.js";
import { type ProgramTable, scheduleOf } from "../net/program-table.js";
import type { Tables } from "../net/tables.js";
import type { ArtefactFiles } from "./artefact-files.js";
import type { BuiltDevice } from "./built-device.js";
import { openPrograms, planThreads } from "./built-threads.js";
import type { Location } from "./read.js";
import type { ThreadOptions } from "./thread-option.js";

/** What the `ts` target adds to the tables. */
export interface TsParts {
  readonly programs: readonly ProgramTable[];
  readonly functions: readonly HostKernel[];
  /** By number. */
  readonly kernels: readonly Launchable[];
  /** The functions' text once more, for workers: in the folder, and where that lies. */
  readonly text: { readonly path: string; readonly at: Location };
  /** The text of `workerMain`. */
  readonly threadText: string;
}

function allocateBytes(bytes: number, what: string, shared: boolean): ArrayBuffer | SharedArrayBuffer {
  try {
    return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  } catch {
    throw new Error(`${what} need ${bytes} bytes of memory, and there are not as many in one piece`);
  }
}

/**
 * JavaScript functions over memory of this thread, or of workers that share it.
 *
 * @throws Error that says what is missing: memory, a file, threads that are asked for
 */
export async function openTsDevice(
  { parameters }: Pick<Tables, "parameters">,
  { programs, functions, kernels, text, threadText }: TsParts,
  files: ArtefactFiles,
  options: ThreadOptions,
): Promise<BuiltDevice> {
  const speed = { perMillisecond: SCALARS_PER_MILLISECOND };
  const runnable = programs.map((table) => ({ ...scheduleOf(table), kernels }));
  const threads = await planThreads(runnable, speed, options, threadText);
  const shared = threads.start !== undefined;
  const source = shared ? new TextDecoder().decode(await files.read(text.path, text.at)) : "";
  const host: HostKernels = {
    ...speed,
    open: () => functions,
    codeOf: () => ({ source, filename: "cortado-net.js" }),
  };
  const params = parameters.map((elements) =>
    paramIn(new Float32Array(allocateBytes(4 * elements, "the parameters", shared))),
  );
  return openPrograms(params, programs, threads, (i) => ({
    program: runnable[i],
    memory: {
      arena: allocateBytes(programs[i].arenaBytes, "the blobs", shared),
      params,
      dtype: "float32",
    },
    kernels: host,
  }));
}

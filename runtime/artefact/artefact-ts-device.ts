import { createInlineExecutor, type HostKernel, paramIn } from "../devices/threads/inline-executor.js";
import { type ProgramTable, scheduleOf } from "../net/program-table.js";
import type { Tables } from "../net/tables.js";
import type { BuiltDevice } from "./built-device.js";

/** What the `ts` target adds to the tables. */
export interface TsKernels {
  readonly functions: readonly HostKernel[];
  /** Iterations of each kernel's outermost loop. */
  readonly extents: readonly number[];
}

function allocate(bytes: number, what: string): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    throw new Error(`${what} need ${bytes} bytes of memory, and there are not as many in one piece`);
  }
}

/** JavaScript functions over memory of this thread. */
export async function openTsDevice(
  { parameters }: Pick<Tables, "parameters">,
  programs: readonly ProgramTable[],
  { functions, extents }: TsKernels,
): Promise<BuiltDevice> {
  const params = parameters.map((elements) =>
    paramIn(new Float32Array(allocate(4 * elements, "the parameters"))),
  );
  return {
    params,
    programs: programs.map((table) => {
      const memory = { arena: allocate(table.arenaBytes, "the blobs"), params, dtype: "float32" } as const;
      return { table, executor: createInlineExecutor(scheduleOf(table), functions, extents, memory) };
    }),
    close: async () => {},
  };
}

/** What ptxas says that one kernel takes. */
export interface KernelResources {
  /** Of one thread, 32 bits each. */
  readonly registers: number;
  /** Bytes of one thread that went to memory because registers were missing. */
  readonly spillStores: number;
  readonly spillLoads: number;
  /** Static shared memory of one block, in bytes. */
  readonly sharedBytes: number;
  /** Bytes of one thread in local memory: spills, and arrays that no registers could hold. */
  readonly stackBytes: number;
}

/**
 * Reads what `--ptxas-options=-v` writes of a translation unit with one kernel. Undefined where the log has no such
 * lines.
 */
export function parseResources(log: string): KernelResources | undefined {
  const frame = /(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads/.exec(log);
  const used = /Used (\d+) registers[^\n]*/.exec(log);
  if (!frame || !used) return undefined;
  const shared = /(\d+) bytes smem/.exec(used[0]);
  return {
    registers: Number(used[1]),
    spillStores: Number(frame[2]),
    spillLoads: Number(frame[3]),
    sharedBytes: Number(shared?.[1] ?? 0),
    stackBytes: Number(frame[1]),
  };
}

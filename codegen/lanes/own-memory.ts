import type { Kernel, Memory } from "../kernel/kernel.js";

/** Whether each lane has memory of its own under this name: an element is then a vector. */
export const hasOwnMemory = ({ team, scratch }: Kernel, buffer: Memory): boolean =>
  buffer < 0 && team !== undefined && !scratch[-1 - buffer].team;

/** Whether memory holds integers, of 32 bits. */
export const holdsIntegers = ({ buffers, scratch }: Kernel, buffer: Memory): boolean =>
  buffer >= 0 ? buffers[buffer].dtype === "index" : scratch[-1 - buffer].type === "index";

/** Memory of a thread starts at multiples of so many bytes, and so does each array in it. */
const ALIGNMENT = 64;

/** Where the arrays of a kernel lie in the memory of the thread that runs it, in bytes, and where they end. */
export function scratchLayout({ scratch, team }: Kernel, realBytes: number) {
  let end = 0;
  const offsets = scratch.map((array) => {
    const offset = end;
    const bytes = array.type === "index" ? 4 : realBytes;
    const copies = team && !array.team ? team.threads : 1;
    end = Math.ceil((offset + array.elements * bytes * copies) / ALIGNMENT) * ALIGNMENT;
    return offset;
  });
  return { offsets, bytes: end };
}

/** Bytes that a thread needs for kernels that it runs one after the other. */
export const scratchBytesOf = (kernels: readonly Kernel[], realBytes: number): number =>
  Math.max(0, ...kernels.map((kernel) => scratchLayout(kernel, realBytes).bytes));

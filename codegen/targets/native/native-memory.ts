import type { Kernel, Memory } from "../../kernel/kernel.js";

export const memoryName = (buffer: Memory): string => (buffer >= 0 ? `b${buffer}` : `s${-1 - buffer}`);

/** Whether each lane has memory of its own under this name: an element is then a vector. */
export const hasOwnMemory = ({ team, scratch }: Kernel, buffer: Memory): boolean =>
  buffer < 0 && team !== undefined && !scratch[-1 - buffer].team;

/** Whether memory holds integers, of 32 bits. */
export const holdsIntegers = ({ buffers, scratch }: Kernel, buffer: Memory): boolean =>
  buffer >= 0 ? buffers[buffer].dtype === "index" : scratch[-1 - buffer].type === "index";

/** What a module and whoever runs it agree on. It knows nothing of how modules are made, so built nets carry it. */

/** What a module imports, all from module `IMPORTS`: memory, and an i32 that says where the thread's own begins. */
export const IMPORTS = "cortado";
export const MEMORY = "memory";
export const SCRATCH_START = "scratch";

/** Bytes of a page of memory. */
export const PAGE = 65536;
/** Pages that a memory of 32-bit addresses has at most. */
export const MOST_PAGES = 65536;

/** The function of a kernel, by its number. */
export const kernelName = (number: number): string => `k${number}`;

/** What a module and whoever runs it agree on. It knows nothing of how modules are made, so built nets carry it. */

/** What a module imports, all from module `IMPORTS`: memory, and an address that says where the thread's own begins. */
export const IMPORTS = "cortado";
export const MEMORY = "memory";
export const SCRATCH_START = "scratch";

/** Bytes of a page of memory. */
export const PAGE = 65536;
/** Pages that a memory of 32-bit addresses has at most. */
export const MOST_PAGES = 65536;
/** Pages that a memory has at most, by its addresses: engines stop at 16 GiB. */
export const MOST_PAGES_OF = { i32: MOST_PAGES, i64: 4 * MOST_PAGES } as const;

/** Bytes in front of all that kernels are given: they may read there, and leave out what they read. */
export const ROOM_AHEAD = 65536;
/** Bytes behind all that they are given, likewise. */
export const ROOM_BEHIND = 64;

/** The function of a kernel, by its number. */
export const kernelName = (number: number): string => `k${number}`;

import { PAGE, ROOM_AHEAD, ROOM_BEHIND } from "../../../codegen/targets/wasm/module-interface.js";

/** What is allocated begins at a line of the cache. */
const LINE = 64;

/** What an allocation of so many bytes takes. */
export const roomFor = (bytes: number): number => Math.ceil(Math.max(bytes, 1) / LINE) * LINE;

/** Pages of a memory in which what is allocated ends there. */
export const pagesUpTo = (end: number): number => Math.ceil((end + ROOM_BEHIND) / PAGE);

/** Where so many bytes each begin, one after the other from the beginning of a memory, and the pages that it has. */
export function placesInMemory(sizes: readonly number[]): {
  readonly addresses: readonly number[];
  readonly pages: number;
} {
  let end = ROOM_AHEAD;
  const addresses = sizes.map((bytes) => {
    const address = end;
    end += roomFor(bytes);
    return address;
  });
  return { addresses, pages: pagesUpTo(end) };
}

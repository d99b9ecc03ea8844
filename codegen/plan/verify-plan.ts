import { InternalError } from "../../proto/errors/index.js";
import { ALIGNMENT } from "./arena.js";
import { nameNode } from "./node-names.js";
import type { Plan, Region } from "./plan.js";

/**
 * Checks what code generation counts on: regions lie aligned inside the arena, no two whose content matters at the
 * same step overlap, and everything that a step loads or stores lies somewhere.
 *
 * @throws InternalError at the first fault
 */
export function verifyPlan(plan: Plan): void {
  const { regions, arenaBytes, steps, placements } = plan;
  for (const { id, offset, bytes } of regions)
    if (offset % ALIGNMENT !== 0 || offset < 0 || offset + bytes > arenaBytes)
      throw new InternalError(`region ${id} at ${offset}, ${bytes} bytes, in an arena of ${arenaBytes}`);
  let live: readonly Region[] = [];
  for (const region of regions.toSorted((a, b) => a.first - b.first)) {
    live = live.filter(({ last }) => last >= region.first);
    const clash = live.find((other) => overlap(region, other));
    if (clash)
      throw new InternalError(
        `regions ${clash.id} and ${region.id} overlap while both matter, from step ${region.first}`,
      );
    live = [...live, region];
  }
  for (const { index, reads, stores } of steps)
    for (const node of [...reads, ...stores])
      if (!placements.has(node)) throw new InternalError(`step ${index}: ${nameNode(node)} lies nowhere`);
}

const overlap = (a: Region, b: Region): boolean =>
  a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;

import { type Node, sizeOf } from "../ir/graph.js";
import {
  type Draft,
  forgetReader,
  type Group,
  MOST_OPERATIONS,
  MOST_READS,
  readersOf,
  readsAfter,
} from "./group.js";
import {
  acceptsExpression,
  guards,
  isComputable,
  isFlat,
  keepsCoordinates,
  readsUpdated,
} from "./legality.js";
import { ABOUT_ONCE, isCheap, readsPerOperand } from "./recompute-cost.js";

/**
 * Third phase of fusion: what is left of maps and views is computed inside the step that reads it (a reduction,
 * a window, a view that is work), where that step reads each element about once or the maps are cheap:
 * the squares under LRN's sum, the product under a bias gradient's. Comes after epilogues, because a map that
 * follows a convolution belongs there.
 */
export function inlineProducers(draft: Draft): void {
  const descending = [...draft.groups].sort((a, b) => b.key - a.key);
  for (const group of descending) {
    const readers = readersToJoin(draft, group);
    if (!readers) continue;
    const { uses } = draft;
    const node = group.anchor;
    for (const reader of readers) {
      forgetReader(draft, reader, node);
      reader.inlined.add(node);
      for (const inner of group.inlined) reader.inlined.add(inner);
      reader.operations += group.operations;
      for (const read of group.reads) {
        reader.reads.add(read);
        readersOf(draft, uses.base(read)).add(reader);
      }
    }
    for (const read of group.reads) readersOf(draft, uses.base(read)).delete(group);
    draft.writer.delete(node);
    draft.groups.delete(group);
  }
}

/** The groups to compute a group's value in, or undefined if it stays in memory. */
function readersToJoin(draft: Draft, group: Group): readonly Group[] | undefined {
  const { uses } = draft;
  const node = group.anchor;
  if (!isComputable(node) || group.stores.length !== 1 || group.stores[0] !== node) return undefined;
  if (uses.roots(node).length > 0) return undefined;
  const readers = [...(draft.readers.get(node) ?? [])];
  if (readers.length > 1 && !uses.generated.has(node)) return undefined;
  const computed = [node, ...group.inlined].filter((x) => x.op === "map");
  return readers.every((reader) => accepts(draft, reader, group, computed)) ? readers : undefined;
}

function accepts(draft: Draft, reader: Group, group: Group, computed: readonly Node[]): boolean {
  const { uses } = draft;
  const node = group.anchor;
  if (reader.pass !== group.pass && [node, ...group.inlined].some((x) => readsUpdated(x, uses))) return false;
  if (reader.operations + group.operations > MOST_OPERATIONS) return false;
  if (readsAfter(reader, new Set([node]), group.reads, uses) > MOST_READS) return false;

  let flat = false;
  for (const { user, operand, index } of uses.sites(node)) {
    if (reader.inlined.has(user)) return false;
    if (user !== reader.anchor && !reader.stores.includes(user)) continue;
    // Only the anchor, and the other result of its search: an epilogue took what it could before.
    if (user !== reader.anchor && user.op !== "windowArgmax") return false;
    if (!acceptsExpression(user, index)) return false;
    // Guarded values have no locals, so what they are made of is written out wherever it is mentioned.
    if (guards(user) && !(computed.length <= 1 && computed.every(isCheap))) return false;
    flat ||= !keepsCoordinates(operand, node);
  }
  if (flat && ![node, ...group.inlined].every((x) => x.op === "constant" || x.op === "reshape" || isFlat(x)))
    return false;

  const evaluations = readsPerOperand(reader.anchor) / sizeOf(node.shape);
  const repeatable = !uses.generated.has(node) && computed.length <= 2 && computed.every(isCheap);
  return evaluations <= ABOUT_ONCE || repeatable;
}

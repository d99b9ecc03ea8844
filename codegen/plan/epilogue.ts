import { comparePasses, type Node, sizeOf } from "../ir/graph.js";
import {
  absorb,
  type Draft,
  forgetReader,
  type Group,
  MOST_OPERATIONS,
  MOST_READS,
  readersOf,
  readsAfter,
} from "./group.js";
import { acceptsEpilogue, acceptsExpression, isFlat } from "./legality.js";
import { pointwiseReads } from "./pointwise.js";
import { isTwin } from "./schedule.js";
import { sameCoordinates, type Uses } from "./uses.js";

/** A step stores no more values than this. */
const MOST_STORES = 3;

/** Puts a windowArgmax into the step of the windowMax of the same input and window: one search finds both. */
export function joinTwins(draft: Draft): void {
  for (const argmax of [...draft.groups]) {
    if (argmax.anchor.op !== "windowArgmax") continue;
    const base = draft.uses.base(argmax.anchor.inputs[0]);
    for (const max of draft.readers.get(base) ?? []) {
      if (max.pass !== argmax.pass || !isTwin(max.anchor, argmax.anchor)) continue;
      // Both read their input and nothing else, so the smaller key comes after all that the step reads.
      max.key = Math.min(max.key, argmax.key);
      max.stores = [...max.stores, ...argmax.stores];
      absorb(draft, max, argmax);
      draft.writer.set(argmax.anchor, max);
      break;
    }
  }
}

/**
 * Second phase of fusion: a map that reads a step's value at its own coordinates is computed in that step's
 * loops, as its epilogue: bias, ReLU, scale and residual sum after a convolution, ReLU's backward after a data
 * gradient. If nothing else reads the value, it is never in memory; else the step stores both.
 */
export function joinEpilogues(draft: Draft): void {
  const ascending = [...draft.groups].sort((a, b) => comparePasses(a, b) || a.key - b.key);
  let previous: Group | undefined;
  for (const group of ascending) {
    const home = group.anchor.op === "map" ? findHome(draft, group, previous) : undefined;
    if (!home) {
      previous = group;
      continue;
    }
    const { into, value, dropped, key } = home;
    into.key = key;
    into.stores = [...into.stores.filter((node) => node !== value || !dropped), ...group.stores].sort(
      (a, b) => a.id - b.id,
    );
    if (dropped) {
      draft.writer.delete(value);
      if (value !== into.anchor) into.inlined.add(value);
    }
    absorb(draft, into, group);
    for (const store of group.stores) draft.writer.set(store, into);
    // Whatever of the group's operands the step computes itself is no load any more.
    for (const node of [into.anchor, ...into.stores, value]) forgetReader(draft, into, node);
  }
}

interface Home {
  readonly into: Group;
  /** The value that the group reads there. */
  readonly value: Node;
  /** Whether the value needs no memory any more. */
  readonly dropped: boolean;
  readonly key: number;
}

/** Where to compute a group of maps in passing: the latest step that may take it. */
function findHome(draft: Draft, group: Group, previous: Group | undefined): Home | undefined {
  const { uses, writer } = draft;
  const size = sizeOf(group.anchor.shape);
  const candidates: { readonly into: Group; readonly value: Node }[] = [];
  for (const [base, inPlace] of pointwiseReads(group, uses)) {
    const into = writer.get(base);
    if (inPlace && into && into !== group && into.pass === group.pass && sizeOf(base.shape) === size)
      candidates.push({ into, value: base });
  }
  candidates.sort((a, b) => b.into.key - a.into.key || b.value.id - a.value.id);
  for (const { into, value } of candidates) {
    const home = homeIn(draft, group, into, value, previous);
    if (home) return home;
  }
  return undefined;
}

function homeIn(
  draft: Draft,
  group: Group,
  into: Group,
  value: Node,
  previous: Group | undefined,
): Home | undefined {
  const { uses } = draft;
  if (!acceptsEpilogue(into.anchor) || group.stores.length !== 1) return undefined;
  if (!sameCoordinates(group.anchor.shape, into.anchor.shape) && !isFlatGroup(group)) return undefined;
  if (into.operations + group.operations > MOST_OPERATIONS) return undefined;
  const computed = new Set([into.anchor, ...into.stores]);
  if (readsAfter(into, computed, group.reads, uses) > MOST_READS) return undefined;
  if (readsElsewhere(group, into, uses)) return undefined;

  const dropped =
    uses.roots(value).length === 0 && [...readersOf(draft, value)].every((reader) => reader === group);
  const stores = into.stores.length + (dropped ? 0 : 1);
  if (stores > MOST_STORES) return undefined;
  if (precedes(draft, group, into)) {
    if (dropped || uses.roots(group.anchor).length > 0) return { into, value, dropped, key: into.key };
    // Storing both is early for the group unless it comes next anyway, and too much unless it must be in memory.
    return into === previous && mustBeStored(draft, group)
      ? { into, value, dropped, key: into.key }
      : undefined;
  }
  // The step waits for the group's other operands: no one else reads what it stores, so it may. Its own operands
  // then live on instead of its value, so they must not be larger.
  const waits = dropped && into.stores.length === 1 && ownedBytes(into, draft) <= sizeOf(value.shape);
  return waits ? { into, value, dropped, key: group.key } : undefined;
}

/** Whether no reader alone could compute a group's value in place. */
const mustBeStored = (draft: Draft, { anchor }: Group): boolean =>
  readersOf(draft, anchor).size > 1 ||
  draft.uses.sites(anchor).some(({ user, index }) => !acceptsExpression(user, index));

/** Whether all that a group reads, beside the step's own values, is computed before the step. */
const precedes = (draft: Draft, group: Group, into: Group): boolean =>
  [...group.reads].every((read) => {
    const from = draft.writer.get(draft.uses.base(read));
    return !from || from === into || from.pass !== into.pass || from.key < into.key;
  });

/** Whether a group reads a value of the step at other elements than its own: then it needs it in memory, whole. */
function readsElsewhere(group: Group, into: Group, uses: Uses): boolean {
  const reads = pointwiseReads(group, uses);
  return [into.anchor, ...into.stores].some((node) => reads.get(node) === false);
}

/** Whether nothing that a group computes asks for coordinates. */
const isFlatGroup = (group: Group): boolean =>
  isFlat(group.anchor) &&
  [...group.inlined].every((node) => node.op === "constant" || node.op === "reshape" || isFlat(node));

/** Elements that a step reads of values which it alone reads, parameters and inputs aside. */
function ownedBytes(group: Group, draft: Draft): number {
  const bases = new Set([...group.reads].map((read) => draft.uses.base(read)));
  let elements = 0;
  for (const base of bases) {
    const kept = !draft.writer.has(base) || draft.uses.roots(base).length > 0;
    if (!kept && readersOf(draft, base).size === 1) elements += sizeOf(base.shape);
  }
  return elements;
}

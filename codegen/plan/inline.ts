import { present } from "../../proto/errors/index.js";
import { type Node, sizeOf } from "../ir/graph.js";
import {
  type Draft,
  type Group,
  inlineNode,
  isLiteral,
  MOST_OPERATIONS,
  MOST_READS,
  openGroup,
  readsAfter,
} from "./group.js";
import { guards, isComputable, isFlat, isGatheringView, keepsCoordinates, readsUpdated } from "./legality.js";
import type { NetPass } from "./plan.js";
import { ABOUT_ONCE, isCheap, operationsOf } from "./recompute-cost.js";
import type { Uses } from "./uses.js";

/** A node may be computed again in this many loops, if that costs no memory. */
const MOST_COPIES = 4;

/** Under what conditions an inlined node is evaluated; they hold for what is inlined into it, too. */
interface Setting {
  /** At a flat position, because a reshape in between gives coordinates another meaning. */
  readonly flat: boolean;
  /** Under a pad or concat, where a value is guarded: it has no local of its own, each mention computes it. */
  readonly guarded: "no" | "view" | "map";
  /** At how many positions for one of what reads it: two slices of a value added to each other make it two. */
  readonly positions: number;
}

/**
 * First phase of fusion: decides which nodes lie in memory, and inlines the others (maps, random bits, views that
 * would be work) into the maps that read them. Goes from the last node to the first, so that who reads a node
 * is decided before the node; each node and each operand is looked at once.
 */
export function inlineIntoMaps(uses: Uses, passes: ReadonlyMap<Node, NetPass>, fuse: boolean): Draft {
  const draft: Draft = { uses, passes, groups: new Set(), writer: new Map(), readers: new Map() };
  /** The groups in which a node is computed: its own, or those it is inlined into. */
  const homes = new Map<Node, readonly Group[]>();
  const settings = new Map<Node, Setting>();

  for (const node of uses.nodes.toReversed()) {
    if (node.op === "input" || node.op === "param" || uses.base(node) !== node) continue;
    if (node.op === "constant" && isEverywhereLiteral(node, uses)) continue;
    const setting = settingOf(node, uses, settings);
    const targets = fuse ? inlineTargets(node, setting, draft, homes) : undefined;
    if (targets) {
      for (const group of targets) inlineNode(group, node, uses);
      homes.set(node, targets);
      settings.set(node, setting);
    } else {
      const group = openGroup(node, present(passes.get(node), "the pass of a node"), uses);
      draft.groups.add(group);
      draft.writer.set(node, group);
      homes.set(node, [group]);
    }
  }
  for (const group of draft.groups) addReaders(draft, group);
  return draft;
}

function addReaders(draft: Draft, group: Group): void {
  for (const read of group.reads) {
    const base = draft.uses.base(read);
    const known = draft.readers.get(base);
    if (known) known.add(group);
    else draft.readers.set(base, new Set([group]));
  }
}

const isEverywhereLiteral = (constant: Node, uses: Uses): boolean =>
  uses.roots(constant).length === 0 &&
  uses.sites(constant).every(({ user, index }) => isLiteral(user, index, uses));

/** The setting that a node's readers put it in. */
function settingOf(node: Node, uses: Uses, settings: ReadonlyMap<Node, Setting>): Setting {
  let flat = false;
  let guarded: Setting["guarded"] = "no";
  let positions = 1;
  let moved = 0;
  for (const { user, operand } of uses.sites(node)) {
    const outer = settings.get(user);
    // Maps read at their own position, where a value is computed once for all of them.
    const isPart = sizeOf(operand.shape) !== sizeOf(node.shape);
    if (isPart || isGatheringView(user)) moved += outer?.positions ?? 1;
    else positions = Math.max(positions, outer?.positions ?? 1);
    flat ||= outer?.flat === true || !keepsCoordinates(operand, node);
    const inner = guards(user)
      ? "view"
      : outer === undefined || outer.guarded === "no"
        ? "no"
        : user.op === "map"
          ? "map"
          : outer.guarded;
    if (guarded === "no" || inner === "map") guarded = inner;
  }
  return { flat, guarded, positions: Math.max(positions, moved) };
}

/** The groups to compute a node in, or undefined if it must lie in memory. */
function inlineTargets(
  node: Node,
  setting: Setting,
  draft: Draft,
  homes: ReadonlyMap<Node, readonly Group[]>,
): readonly Group[] | undefined {
  const { uses } = draft;
  if (!isComputable(node) || uses.roots(node).length > 0 || !allows(setting, node)) return undefined;

  const targets = new Set<Group>();
  for (const { user } of uses.sites(node)) {
    // Into other loops than those of maps: a later phase, after maps have joined the loops before them.
    for (const group of present(homes.get(user), "where a reader is computed")) {
      if (group.anchor.op !== "map") return undefined;
      targets.add(group);
    }
  }
  if (targets.size > 1 && !isWorthRepeating(node, targets.size, uses)) return undefined;

  return [...targets].every((group) => canTake(group, node, draft)) ? [...targets] : undefined;
}

/** Whether a node may be inlined at all under the conditions that its readers put it in. */
function allows({ flat, guarded, positions }: Setting, node: Node): boolean {
  if (flat && !isFlat(node)) return false;
  // Else n sums of two slices each, one above the other, would be 2ⁿ computations of the first.
  if (positions > MOST_COPIES) return false;
  // A guard for each part, under guards: twelve concats of concats would be a hundred megabytes of code.
  if (guarded !== "no" && node.op === "concat") return false;
  return !(guarded === "map" || (guarded === "view" && node.op === "map" && !isCheap(node)));
}

/** Whether the loop of a group can compute a node too: the same value, about as often, within the limits of a loop. */
function canTake(group: Group, node: Node, { uses, passes }: Draft): boolean {
  if (group.pass !== passes.get(node) && readsUpdated(node, uses)) return false;
  const evaluations = sizeOf(group.anchor.shape) / sizeOf(node.shape);
  if (evaluations > ABOUT_ONCE && !isGatheringView(node) && !isCheap(node)) return false;
  if (group.operations + operationsOf(node) > MOST_OPERATIONS) return false;
  const added = node.inputs.filter((_, index) => !isLiteral(node, index, uses));
  return readsAfter(group, new Set([node]), added, uses) <= MOST_READS;
}

/**
 * Whether to compute a node in each of several loops rather than keep it in memory: what is generated (a dropout
 * mask); a slice; a cheap map of one large value that lies in memory anyway.
 */
function isWorthRepeating(node: Node, copies: number, uses: Uses): boolean {
  if (uses.generated.has(node)) return true;
  if (copies > MOST_COPIES) return false;
  if (node.op === "slice") return true;
  if (!isCheap(node)) return false;
  const size = sizeOf(node.shape);
  const large = node.inputs.filter((x) => uses.base(x).op !== "param" && 8 * sizeOf(x.shape) > size);
  return large.length === 1 && isInMemoryAnyway(uses.base(large[0]), uses);
}

const isInMemoryAnyway = (base: Node, uses: Uses): boolean =>
  base.op === "input" ||
  uses.roots(base).length > 0 ||
  uses.sites(base).some(({ user }) => user.op !== "map" && !isGatheringView(user));

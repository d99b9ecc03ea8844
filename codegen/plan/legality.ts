/** What may be computed where: one predicate a rule, each a fact about nodes, none about costs or order. */
import { type Node, type Op, sizeOf } from "../ir/graph.js";
import { coordsOf } from "../ir/scalar.js";
import { freeViewOffset, sameCoordinates, type Uses, viewsOf } from "./uses.js";

/** Views that are work unless they are inlined: their elements do not lie in order in their source. */
export const isGatheringView = (node: Node): boolean =>
  (node.op === "transpose" || node.op === "slice" || node.op === "pad" || node.op === "concat") &&
  freeViewOffset(node) === undefined;

/**
 * A node whose element can be computed anywhere from its operands' elements: maps, random bits, views.
 * Positions (`index`) stay in memory, where they are integers.
 */
export const isComputable = (node: Node): boolean =>
  node.dtype === "real" && (node.op === "map" || node.op === "random" || isGatheringView(node));

/**
 * Whether an operand may be an expression instead of memory: where a node reads each of its elements a few
 * times at most. Products and convolutions read them many times, gather and scatter at positions known late.
 */
export function acceptsExpression(user: Node, index: number): boolean {
  switch (user.op) {
    case "map":
    case "reduce":
    case "windowMax":
    case "windowArgmax":
    case "windowSum":
    case "windowSpread":
    case "transpose":
    case "slice":
    case "pad":
    case "concat":
      return true;
    case "windowScatter":
    case "windowPick":
      return index === 0;
    default:
      return false;
  }
}

const EPILOGUES: ReadonlySet<Op> = new Set<Op>([
  "map",
  "conv",
  "convData",
  "convFilter",
  "matmul",
  "reduce",
  "windowMax",
  "windowSum",
  "windowSpread",
  "windowScatter",
  "windowPick",
  "gather",
]);

/**
 * Whether maps may follow a node in its own loops, element by element. Not after `scatter`, which adds into
 * memory; not after views, which inline themselves; not after positions.
 */
export const acceptsEpilogue = (anchor: Node): boolean => anchor.dtype === "real" && EPILOGUES.has(anchor.op);

/** Whether a node needs nothing but the flat position of an element: no coordinate, no operand broadcast in part. */
export function isFlat(node: Node): boolean {
  if (node.op === "random") return true;
  if (node.op !== "map" || coordsOf(node.expr).length > 0) return false;
  const size = sizeOf(node.shape);
  return node.inputs.every((x) => sizeOf(x.shape) === size || sizeOf(x.shape) === 1);
}

/** Whether the views between an operand and its base leave coordinates alone, up to axes of extent 1 and a start. */
export const keepsCoordinates = (operand: Node, base: Node): boolean =>
  viewsOf(operand, base).every(
    (view) => view.op === "slice" || sameCoordinates(view.shape, view.inputs[0].shape),
  );

/** Whether a node reads, directly, a parameter that forward replaces: backward would see the new value. */
export const readsUpdated = (node: Node, uses: Uses): boolean =>
  node.inputs.some((x) => {
    const base = uses.base(x);
    return base.op === "param" && uses.updated.has(base.index);
  });

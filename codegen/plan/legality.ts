/** What may be computed where: one predicate a rule, each a fact about nodes, none about costs or order. */
import type { Node, Op } from "../ir/graph.js";
import { primitive } from "../ir/ops/index.js";
import { freeViewOffset, sameCoordinates, type Uses, viewsOf } from "./uses.js";

/** Views that are work unless they are inlined: their elements do not lie in order in their source. */
export const isGatheringView = (node: Node): boolean =>
  primitive(node.op).kind === "view" && freeViewOffset(node) === undefined;

/**
 * A node whose element can be computed anywhere from its operands' elements: maps, random bits, views.
 * Positions (`index`) stay in memory, where they are integers.
 */
export const isComputable = (node: Node): boolean =>
  node.dtype === "real" && (primitive(node.op).kind === "element" || isGatheringView(node));

/** Whether an operand may be an expression instead of memory. */
export function acceptsExpression(user: Node, index: number): boolean {
  const { expressions } = primitive(user.op);
  return expressions === "all" || (expressions === "first" && index === 0);
}

/** Whether maps may follow a node in its own loops, element by element: not after positions. */
export const acceptsEpilogue = (anchor: Node): boolean =>
  anchor.dtype === "real" && primitive(anchor.op).epilogue === true;

/** Whether a node needs nothing but the flat position of an element: no coordinate, no operand broadcast in part. */
export const isFlat = (node: Node): boolean => primitive<Op>(node.op).isFlat?.(node) === true;

/** Whether a view chooses its elements under a condition. */
export const guards = (view: Node): boolean => primitive(view.op).guards === true;

/** Whether the views between an operand and its base leave coordinates alone, up to axes of extent 1 and a start. */
export const keepsCoordinates = (operand: Node, base: Node): boolean =>
  viewsOf(operand, base).every(
    (view) => primitive(view.op).shifts || sameCoordinates(view.shape, view.inputs[0].shape),
  );

/** Whether a node reads, directly, a parameter that forward replaces: backward would see the new value. */
export const readsUpdated = (node: Node, uses: Uses): boolean =>
  node.inputs.some((x) => {
    const base = uses.base(x);
    return base.op === "param" && uses.updated.has(base.index);
  });

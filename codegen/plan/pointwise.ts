import { type Node, sizeOf } from "../ir/graph.js";
import { freeViewOffset, type Uses } from "./uses.js";

/** What is computed together: a group or a step. */
interface Computed {
  readonly anchor: Node;
  readonly stores: readonly Node[];
  readonly inlined: ReadonlySet<Node>;
}

/**
 * For each base that a step reads from memory: whether every read of it is at the flat position of the very
 * element being computed, so that the result may be written over it (or its loop may compute it in passing).
 * Positions are kept through maps by operands of full size, and through views that keep all elements in
 * place; products, windows, reductions, gathers and broadcasts read elsewhere.
 */
export function pointwiseReads(step: Computed, uses: Uses): ReadonlyMap<Node, boolean> {
  const result = new Map<Node, boolean>();
  const own = new Set([step.anchor, ...step.stores]);
  // Each node is visited at most once at the element's own position and once elsewhere.
  const here = new Set<Node>();
  const elsewhere = new Set<Node>();
  const pending: { readonly node: Node; readonly inPlace: boolean }[] = [];
  const visit = (node: Node, inPlace: boolean): void => {
    const seen = inPlace ? here : elsewhere;
    if (seen.has(node)) return;
    seen.add(node);
    pending.push({ node, inPlace });
  };
  const read = (operand: Node, inPlace: boolean): void => {
    if (own.has(operand) || step.inlined.has(operand)) {
      visit(operand, inPlace);
      return;
    }
    const base = uses.base(operand);
    const whole = uses.offset(operand) === 0 && sizeOf(operand.shape) === sizeOf(base.shape);
    result.set(base, (result.get(base) ?? true) && inPlace && whole);
  };

  visit(step.anchor, true);
  for (const store of step.stores) visit(store, true);
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, inPlace } = next;
    const size = sizeOf(node.shape);
    const keepsPosition = node.op === "map" || freeViewOffset(node) === 0;
    for (const operand of node.inputs) {
      if (operand.op === "constant" && step.inlined.has(operand)) continue;
      read(operand, inPlace && keepsPosition && sizeOf(operand.shape) === size);
    }
  }
  return result;
}

import { type Node, sizeOf } from "../ir/graph.js";
import type { Scalar } from "../ir/scalar.js";

/** What an expression costs: operations (a division counts for two), and whether it calls a function of libm. */
export interface ScalarCost {
  readonly operations: number;
  readonly transcendental: boolean;
  /** Whether it reads a coordinate. */
  readonly coordinates: boolean;
}

const plus = (own: ScalarCost, ...parts: readonly ScalarCost[]): ScalarCost => ({
  operations: parts.reduce((sum, part) => sum + part.operations, own.operations),
  transcendental: own.transcendental || parts.some((part) => part.transcendental),
  coordinates: own.coordinates || parts.some((part) => part.coordinates),
});
const leaf: ScalarCost = { operations: 0, transcendental: false, coordinates: false };
const simple: ScalarCost = { ...leaf, operations: 1 };
const dear: ScalarCost = { ...leaf, operations: 1, transcendental: true };

function unaryCost(op: Extract<Scalar, { kind: "unary" }>["op"]): ScalarCost {
  switch (op) {
    case "neg":
    case "abs":
    case "sign":
    case "relu":
    case "floor":
      return simple;
    case "exp":
    case "log":
    case "sqrt":
    case "tanh":
    case "sigmoid":
    case "softplus":
      return dear;
    default:
      return op satisfies never;
  }
}

export function scalarCost(x: Scalar): ScalarCost {
  switch (x.kind) {
    case "const":
    case "arg":
      return leaf;
    case "coord":
      return { ...leaf, coordinates: true };
    case "unary":
      return plus(unaryCost(x.op), scalarCost(x.x));
    case "shaped":
      return plus(x.op === "elu" ? dear : simple, scalarCost(x.x));
    case "binary":
      return plus(
        x.op === "pow" ? dear : { ...simple, operations: x.op === "div" ? 2 : 1 },
        scalarCost(x.a),
        scalarCost(x.b),
      );
    case "select":
      return plus(
        simple,
        scalarCost(x.left),
        scalarCost(x.right),
        scalarCost(x.then),
        scalarCost(x.otherwise),
      );
    default:
      return x satisfies never;
  }
}

/** Philox and its scaling, counted as operations of a loop body. */
const RANDOM_OPERATIONS = 4;

/** Operations that a node, inlined, adds to a loop body: a view counts for the indices it takes. */
export function operationsOf(node: Node): number {
  switch (node.op) {
    case "map":
      return scalarCost(node.expr).operations;
    case "random":
      return RANDOM_OPERATIONS;
    case "concat":
      return node.inputs.length;
    case "transpose":
    case "slice":
    case "pad":
      return 1;
    default:
      return 0;
  }
}

/** How often an element may be computed that is not cheap: about once. */
export const ABOUT_ONCE = 1.25;

/** A map so cheap that computing an element again costs about what loading it would. */
export function isCheap(node: Node): boolean {
  if (node.op !== "map" || node.inputs.length > 2) return false;
  const cost = scalarCost(node.expr);
  return cost.operations <= 4 && !cost.transcendental;
}

/** How often all together a node reads elements of one operand: what an operand computed in place would cost. */
export function readsPerOperand(node: Node): number {
  const size = sizeOf(node.shape);
  switch (node.op) {
    case "reduce":
      return sizeOf(node.inputs[0].shape);
    case "windowMax":
    case "windowArgmax":
    case "windowSum":
      return node.window.reduce((n, w) => n * w.size, size);
    case "windowScatter":
    case "windowSpread":
      return node.window.reduce((n, w) => n * Math.ceil(w.size / w.stride), size);
    default:
      return size;
  }
}

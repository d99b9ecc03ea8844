import type { GraphBuilder } from "../ir/builder.js";
import { type Node, type NodeOf, sameShape, sizeOf } from "../ir/graph.js";
import { greatestOfOne } from "../ir/ops/reduce.js";
import { arg, constant, coordsOf, mul, type Scalar } from "../ir/scalar.js";
import { joinProducts } from "./join-products.js";
import { joinPads } from "./simplify-views.js";

/** Maps, reductions and products of constants, of broadcasts and of transposes. */
export function simplifyArithmetic(node: Node, b: GraphBuilder): Node | undefined {
  switch (node.op) {
    case "map":
      return simplifyMap(node, b);
    case "reduce":
      return simplifyReduce(node, b);
    case "matmul":
      return simplifyMatmul(node, b);
    default:
      return undefined;
  }
}

function simplifyMap(node: NodeOf<"map">, b: GraphBuilder): Node | undefined {
  if (node.dtype !== "real") return undefined;
  // What was only broadcast is broadcast here.
  if (node.inputs.some(isBroadcast)) {
    const inputs = node.inputs.map((x) => (isBroadcast(x) ? x.inputs[0] : x));
    return b.map(node.expr, inputs, node.shape);
  }
  return isSumOfOperands(node) && node.inputs.every((x) => sameShape(x.shape, node.shape))
    ? (joinPads(node.inputs, b) ?? joinProducts(node.inputs, b))
    : undefined;
}

/** A map that only repeats its operand. */
const isBroadcast = (x: Node): boolean =>
  x.op === "map" && x.expr.kind === "arg" && x.inputs[0].dtype === x.dtype;

/** Each operand once, added in any order. */
function isSumOfOperands(node: NodeOf<"map">): boolean {
  let terms = 0;
  const pending: Scalar[] = [node.expr];
  for (let x = pending.pop(); x; x = pending.pop()) {
    if (x.kind === "arg") terms++;
    else if (x.kind === "binary" && x.op === "add") pending.push(x.a, x.b);
    else return false;
  }
  return terms === node.inputs.length;
}

function simplifyReduce(node: NodeOf<"reduce">, b: GraphBuilder): Node | undefined {
  const { kind, axes } = node;
  const [x] = node.inputs;
  if (kind === "argmax") return undefined;
  const extents = axes.map((axis) => x.shape[axis]);
  if (extents.includes(0)) return undefined;
  if (extents.includes(1)) {
    return b.reduce(
      kind,
      x,
      axes.filter((axis) => x.shape[axis] !== 1),
    );
  }
  const repeated = (once: Node, times: number): Node => {
    if (kind === "max") return once.op === "reduce" ? once : greatestOfOne(b, once);
    return times === 1 ? once : b.map(mul(arg(0), constant(times)), [once], once.shape);
  };
  if (x.op === "constant") return repeated(b.constant(x.value, node.shape), sizeOf(extents));
  if (x.op === "reduce" && x.kind === kind) return b.reduce(kind, x.inputs[0], [...x.axes, ...axes]);
  if (x.op === "map" && x.dtype === "real") {
    // Axes along which every element of x is the same are not gone through.
    const moving = coordsOf(x.expr);
    const same = axes.filter(
      (axis) => !moving.includes(axis) && x.inputs.every((operand) => operand.shape[axis] === 1),
    );
    if (same.length === 0) return undefined;
    const once = b.map(
      x.expr,
      x.inputs,
      x.shape.map((extent, axis) => (same.includes(axis) ? 1 : extent)),
    );
    const rest = axes.filter((axis) => !same.includes(axis));
    return repeated(b.reduce(kind, once, rest), sizeOf(same.map((axis) => x.shape[axis])));
  }
  return undefined;
}

/** The product reads a transposed operand the other way round. */
function simplifyMatmul(node: NodeOf<"matmul">, b: GraphBuilder): Node | undefined {
  const [x, y] = node.inputs;
  const swapsX = swapsMatrix(x);
  const swapsY = swapsMatrix(y);
  if (!swapsX && !swapsY) return undefined;
  return b.matmul(
    swapsX ? x.inputs[0] : x,
    swapsY ? y.inputs[0] : y,
    node.transA !== swapsX,
    node.transB !== swapsY,
  );
}

const swapsMatrix = (x: Node): boolean =>
  x.op === "transpose" && x.perm[0] === 0 && x.perm[1] === 2 && x.perm[2] === 1;

import { type Node, type NodeOf, type Shape, sameShape, sizeOf } from "../graph.js";
import {
  arg,
  argsOf,
  coordsOf,
  operationCount,
  passedOn,
  type Scalar,
  scalarCost,
  substitute,
} from "../scalar.js";
import { derivative, type ScalarRules } from "../scalar-derivative.js";
import { EXPRESSION } from "./attributes.js";
import type { GraphBuilder, MakeNode, Primitive, Pullback } from "./primitive.js";
import { broadcastAxes, broadcastShape, expect, fail, show } from "./shape-rules.js";

declare module "../graph.js" {
  interface Primitives {
    /**
     * `expr` at each coordinate; operands have the map's rank, each extent equal to the map's or 1. An `index` map drops
     * the fraction. The builder takes operands of any rank up to the shape's: missing leading axes count as 1. `shape`
     * defaults to their broadcast.
     */
    readonly map: Signature<
      { readonly expr: Scalar },
      (expr: Scalar, operands: readonly Node[], shape?: Shape, dtype?: DType) => Node
    >;
  }
}

export const map: Primitive<"map"> = {
  attributes: { expr: EXPRESSION },
  operands: ({ inputs }) => inputs.map(() => "any"),
  infer({ expr, inputs, shape, dtype }) {
    const beyond = argsOf(expr).find((index) => index >= inputs.length);
    if (beyond !== undefined) fail(`map reads operand ${beyond} of ${inputs.length}`);
    checkCoordinates(expr, shape);
    for (const x of inputs) {
      expect(
        x.shape.length === shape.length,
        () => `map operand of rank ${x.shape.length}, not ${shape.length}`,
      );
      checkBroadcast(x, x, shape);
    }
    return { shape, dtype };
  },
  make: makeMap,
  rebuild: (b, { expr, shape, dtype }, inputs) => b.map(expr, inputs, shape, dtype),
  vjp: (b, node, scalars) => node.inputs.map((_, i) => pullback(b, node, i, scalars)),
  flops: ({ expr, shape }) => sizeOf(shape) * operationCount(expr),
  kind: "element",
  expressions: "all",
  epilogue: true,
  generated: "of generated",
  isFlat: ({ expr, inputs, shape }) =>
    coordsOf(expr).length === 0 &&
    inputs.every((x) => sizeOf(x.shape) === sizeOf(shape) || sizeOf(x.shape) === 1),
  operations: ({ expr }) => scalarCost(expr).operations,
};

const checkCoordinates = (expr: Scalar, shape: Shape): void =>
  expect(
    coordsOf(expr).every((axis) => axis < shape.length),
    () => `map to ${show(shape)} reads a coordinate along axis ${coordsOf(expr).at(-1)}`,
  );

const checkBroadcast = (aligned: Node, operand: Node, shape: Shape): void =>
  expect(
    aligned.shape.every((extent, axis) => extent === 1 || extent === shape[axis]),
    () => `map operand ${show(operand.shape)} does not broadcast to ${show(shape)}`,
  );

/** Constants move into the expression, unused operands go, equal operands become one. */
function makeMap(b: GraphBuilder, node: MakeNode): GraphBuilder["map"] {
  const alignRank = (x: Node, rank: number): Node =>
    x.shape.length === rank
      ? x
      : b.reshape(x, [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape]);

  return (expr, operands, shape, dtype = "real") => {
    const target =
      shape ??
      broadcastShape(operands.map((x) => x.shape)) ??
      fail(`map over shapes that do not broadcast: ${operands.map((x) => show(x.shape)).join(" ")}`);
    checkCoordinates(expr, target);
    const kept: Node[] = [];
    const leaf = new Map<number, Scalar>();
    for (const index of argsOf(expr)) {
      const operand = operands[index] ?? fail(`map reads operand ${index} of ${operands.length}`);
      if (operand.op === "constant") {
        leaf.set(index, { kind: "const", value: operand.value });
        continue;
      }
      const aligned = alignRank(operand, target.length);
      checkBroadcast(aligned, operand, target);
      const at = kept.indexOf(aligned);
      leaf.set(index, arg(at === -1 ? kept.push(aligned) - 1 : at));
    }
    const folded = substitute(expr, (x) => (x.kind === "arg" ? (leaf.get(x.index) ?? x) : x));
    if (folded.kind === "const" && dtype === "real") return b.constant(folded.value, target);
    const [first] = kept;
    if (folded.kind === "arg" && sameShape(first.shape, target) && first.dtype === dtype) return first;
    return node("map", { expr: folded }, kept, { shape: target, dtype });
  };
}

/** g times the derivative of the expression in one operand, summed over the axes along which that was broadcast. */
function pullback(b: GraphBuilder, node: NodeOf<"map">, index: number, scalars: ScalarRules): Pullback {
  const operand = node.inputs[index];
  const count = node.inputs.length;
  const slope = derivative(node.expr, index, count, scalars);
  if (slope.kind === "const" && slope.value === 0) return undefined;
  return (g) => {
    const read = [...node.inputs, node];
    const summed = broadcastAxes(operand.shape, node.shape);
    const isSteady =
      argsOf(slope).every((i) => summed.every((axis) => read[i].shape[axis] === 1)) &&
      coordsOf(slope).every((axis) => !summed.includes(axis));
    // A slope that is the same along the summed axes is applied after the sum.
    return isSteady
      ? b.map(passedOn(arg(count + 1), slope), [...read, b.reduce("sum", g, summed)], operand.shape)
      : b.reduce("sum", b.map(passedOn(arg(count + 1), slope), [...read, g], node.shape), summed);
  };
}

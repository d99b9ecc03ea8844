import { type NodeOf, type Shape, sameShape, sizeOf } from "../ir/graph.js";
import { broadcastShape } from "../ir/ops/shape-rules.js";
import {
  argsOf,
  type BinaryOp,
  type CompareOp,
  coordsOf,
  evaluateScalar,
  type Scalar,
  type ShapedOp,
  scalarKey,
  type UnaryOp,
} from "../ir/scalar.js";
import type { GraphWriter } from "./graph-writer.js";
import type { ElementType, Value } from "./onnx-graph.js";

/** ONNX's operators for the scalar functions: a new function is missing here until it has one. */
const UNARY: Readonly<Record<UnaryOp, string>> = {
  neg: "Neg",
  abs: "Abs",
  sign: "Sign",
  exp: "Exp",
  log: "Log",
  sqrt: "Sqrt",
  tanh: "Tanh",
  sigmoid: "Sigmoid",
  softplus: "Softplus",
  relu: "Relu",
  floor: "Floor",
};

const SHAPED: Readonly<Record<ShapedOp, string>> = { leakyRelu: "LeakyRelu", elu: "Elu" };

const BINARY: Readonly<Record<BinaryOp, string>> = {
  add: "Add",
  sub: "Sub",
  mul: "Mul",
  div: "Div",
  pow: "Pow",
  max: "Max",
  min: "Min",
};

const COMPARE: Readonly<Record<CompareOp, string>> = {
  gt: "Greater",
  ge: "GreaterOrEqual",
  lt: "Less",
  le: "LessOrEqual",
  eq: "Equal",
  ne: "Equal",
};

/** A map as element-wise operators. @param operands the values of its inputs */
export function writeMap(writer: GraphWriter, node: NodeOf<"map">, operands: readonly Value[]): Value {
  const reals = operands.map((value) => cast(writer, value, "float"));
  const known = new Map<string, Value>();
  const written = (x: Scalar): Value => {
    const key = scalarKey(x);
    const found = known.get(key) ?? write(x);
    known.set(key, found);
    return found;
  };
  const apply = (op: string, inputs: readonly Value[], attributes = {}, type: ElementType = "float"): Value =>
    writer.add(op, inputs, broadcastShape(inputs.map(({ shape }) => shape)) ?? [], attributes, type);
  const write = (x: Scalar): Value => {
    if (x.kind !== "const" && argsOf(x).length === 0) return coordinates(writer, x, node.shape);
    switch (x.kind) {
      case "const":
        return writer.scalar(x.value);
      case "arg":
        return reals[x.index];
      case "unary":
        return apply(UNARY[x.op], [written(x.x)]);
      case "shaped":
        return apply(SHAPED[x.op], [written(x.x)], { alpha: { float: x.alpha } });
      case "binary":
        return apply(BINARY[x.op], [written(x.a), written(x.b)]);
      case "select":
        return choice(x);
      default:
        return coordinates(writer, x, node.shape);
    }
  };
  const choice = (x: Extract<Scalar, { kind: "select" }>): Value => {
    const slope = slopeOf(x);
    if (slope) {
      const [below, all] = [written(slope), written(x.left)];
      // A slope is broadcast to what it bends, not the other way round.
      if (sameShape(broadcastShape([below.shape, all.shape]) ?? [], all.shape))
        return apply("PRelu", [all, below]);
    }
    const clip = boundsOf(x);
    if (clip) return apply("Clip", [written(x.left), writer.scalar(clip[0]), writer.scalar(clip[1])]);
    const compared = apply(COMPARE[x.cmp], [written(x.left), written(x.right)], {}, "bool");
    const holds = x.cmp === "ne" ? apply("Not", [compared], {}, "bool") : compared;
    return apply("Where", [holds, written(x.then), written(x.otherwise)]);
  };
  const value = written(node.expr);
  const whole = sameShape(value.shape, node.shape)
    ? value
    : writer.add("Expand", [value, writer.integers(node.shape)], node.shape);
  return node.dtype === "index" ? cast(writer, whole, "int64") : whole;
}

/** A value as elements of a type; of numbers that become whole the fraction is dropped. */
export const cast = (writer: GraphWriter, value: Value, type: ElementType): Value =>
  value.type === type ? value : writer.add("Cast", [value], value.shape, { to: { type } }, type);

/** What depends on coordinates alone is a constant, as long as those axes are. */
export function coordinates(writer: GraphWriter, x: Scalar, shape: Shape): Value {
  const axes = coordsOf(x);
  const own = shape.map((extent, axis) => (axes.includes(axis) ? extent : 1));
  const coords = new Array<number>(shape.length).fill(0);
  const data = Float32Array.from({ length: sizeOf(own) }, (_, flat) => {
    let rest = flat;
    for (let axis = own.length - 1; axis >= 0; axis--) {
      coords[axis] = rest % own[axis];
      rest = Math.floor(rest / own[axis]);
    }
    return evaluateScalar(x, [], coords);
  });
  return writer.floats(data, own);
}

/** s where a choice is `x > 0 ? x : s · x`. */
function slopeOf({
  cmp,
  left,
  right,
  then,
  otherwise,
}: Extract<Scalar, { kind: "select" }>): Scalar | undefined {
  const x = scalarKey(left);
  if (cmp !== "gt" || right.kind !== "const" || right.value !== 0 || scalarKey(then) !== x) return undefined;
  if (otherwise.kind !== "binary" || otherwise.op !== "mul") return undefined;
  if (scalarKey(otherwise.b) === x) return otherwise.a;
  return scalarKey(otherwise.a) === x ? otherwise.b : undefined;
}

/** The bounds where a choice is `x ≥ low ? (x > high ? high : x) : low`. */
function boundsOf(x: Extract<Scalar, { kind: "select" }>): readonly [number, number] | undefined {
  const { cmp, left, right, then, otherwise } = x;
  if (cmp !== "ge" || right.kind !== "const" || otherwise.kind !== "const" || otherwise.value !== right.value)
    return undefined;
  if (then.kind !== "select" || then.cmp !== "gt" || scalarKey(then.left) !== scalarKey(left))
    return undefined;
  if (then.right.kind !== "const" || then.then.kind !== "const" || then.then.value !== then.right.value)
    return undefined;
  return scalarKey(then.otherwise) === scalarKey(left) ? [right.value, then.right.value] : undefined;
}

import { type Node, type NodeOf, sameShape, sizeOf } from "../ir/graph.js";
import { argsOf, binary, constant, type Scalar, scalarKey } from "../ir/scalar.js";
import type { GraphWriter } from "./graph-writer.js";
import { type Reading, readConv, readConvData, readGemm } from "./product-nodes.js";
import { quantisationIn } from "./quantisation.js";
import { readRounded } from "./quantisation-nodes.js";
import { coordinates } from "./scalar-nodes.js";
import { writeMean } from "./window-nodes.js";

type MapNode = NodeOf<"map">;
type Recognise = (writer: GraphWriter, node: Node) => Reading | undefined;

const isMap = (node: Node): node is MapNode => node.op === "map" && node.dtype === "real";

/** Whether an expression is this one, written so. */
const reads = (node: Node, key: string): node is MapNode => isMap(node) && scalarKey(node.expr) === key;

/** e^(x − greatest) / Σ of the same along an axis. */
const softmax: Recognise = (writer, node) => {
  if (!reads(node, "div($0,$1)")) return undefined;
  const [power, total] = node.inputs;
  if (total.op !== "reduce" || total.kind !== "sum" || total.axes.length !== 1) return undefined;
  if (total.inputs[0] !== power || !reads(power, "exp($0)")) return undefined;
  const [shifted] = power.inputs;
  if (!reads(shifted, "sub($0,$1)")) return undefined;
  const [x, greatest] = shifted.inputs;
  const [axis] = total.axes;
  if (greatest.op !== "reduce" || greatest.kind !== "max" || greatest.inputs[0] !== x) return undefined;
  if (greatest.axes.length !== 1 || greatest.axes[0] !== axis) return undefined;
  return { reads: [x], write: (values) => writer.add("Softmax", values, node.shape, { axis }) };
};

const numberIn = (x: Scalar): number | undefined => (x.kind === "const" ? x.value : undefined);

type Binary = Extract<Scalar, { kind: "binary" }>;
const isBinary = (x: Scalar, op: Binary["op"]): x is Binary => x.kind === "binary" && x.op === op;

/** x · (k + c · Σ of squares over channels)^−beta. */
const lrn: Recognise = (writer, node) => {
  if (!isMap(node) || node.inputs.length !== 2) return undefined;
  const { expr, inputs } = node;
  if (!isBinary(expr, "mul") || scalarKey(expr.a) !== "$0" || !isBinary(expr.b, "pow")) return undefined;
  const [{ a: scale, b: power }, beta] = [expr.b, numberIn(expr.b.b)];
  if (beta === undefined || power.kind !== "const" || !isBinary(scale, "add")) return undefined;
  const [bias, factor] = [numberIn(scale.a), scale.b];
  if (bias === undefined || !isBinary(factor, "mul") || scalarKey(factor.b) !== "$1") return undefined;
  const rate = numberIn(factor.a);
  const [x, energy] = inputs;
  if (rate === undefined || energy.op !== "windowSum" || energy.window.length !== 1) return undefined;
  const [{ axis, size, stride, pad, windows, extent }] = energy.window;
  if (axis !== 1 || stride !== 1 || 2 * pad !== size - 1 || windows !== extent) return undefined;
  const [square] = energy.inputs;
  if (!reads(square, "mul($0,$0)") || square.inputs[0] !== x) return undefined;
  const settings = { alpha: rate * size, beta: -beta, bias };
  const attributes = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, { float: value }]),
  );
  return { reads: [x], write: (values) => writer.add("LRN", values, node.shape, { size, ...attributes }) };
};

/** A window's sum over its size. */
const average: Recognise = (writer, node) => {
  if (!isMap(node) || node.inputs.length !== 1) return undefined;
  const { expr } = node;
  const [sum] = node.inputs;
  if (sum.op !== "windowSum" || !sameShape(sum.shape, node.shape)) return undefined;
  if (!isBinary(expr, "div") || scalarKey(expr.a) !== "$0" || argsOf(expr.b).length > 0) return undefined;
  const divisor = expr.b;
  return {
    reads: sum.inputs,
    write([x]) {
      const { mean, size } = writeMean(writer, sum, x);
      if (divisor.kind === "const" && divisor.value === size) return mean;
      const factor = binary("div", constant(size), divisor);
      const times =
        factor.kind === "const" ? writer.scalar(factor.value) : coordinates(writer, factor, node.shape);
      return writer.add("Mul", [mean, times], node.shape);
    },
  };
};

/** The channel of a value with this many axes that a parameter of this shape has one number for. */
const isPerChannel = ({ shape }: Node, of: Node): boolean =>
  of.shape.length >= 2 &&
  shape.length === of.shape.length &&
  shape.every((extent, axis) => extent === (axis === 1 ? of.shape[1] : 1));

/** (x − mean) / √(variance + ε), and a scale and a shift behind it, each one number for a channel. */
const batchNorm: Recognise = (writer, node) => {
  const scaled = scaleAndShift(writer, node);
  const divided = scaled?.x ?? node;
  if (!isMap(divided) || divided.inputs.length !== 2 || !isBinary(divided.expr, "div")) return undefined;
  const { a, b: root } = divided.expr;
  if (scalarKey(a) !== "$0" || root.kind !== "unary" || root.op !== "sqrt" || !isBinary(root.x, "add"))
    return undefined;
  const [read, epsilon] = [root.x.a, numberIn(root.x.b)];
  const [centred, variance] = divided.inputs;
  if (scalarKey(read) !== "$1" || epsilon === undefined || !reads(centred, "sub($0,$1)")) return undefined;
  const [x, mean] = centred.inputs;
  const numbers = [scaled?.scale, scaled?.shift, mean, variance];
  if (!numbers.every((of) => of === undefined || (writer.isSteady(of) && isPerChannel(of, node))))
    return undefined;
  const { builder: b } = writer;
  const channels = node.shape[1];
  const flat = (of: Node): Node => b.reshape(of, [channels]);
  const given = numbers.filter((of) => of !== undefined);
  return {
    reads: [x, ...given.map(flat)],
    write([value, ...all]) {
      const next = [...all];
      const [scale, shift, mid, spread] = numbers.map((of, i) =>
        of === undefined
          ? writer.floats(new Float32Array(channels).fill(i === 0 ? 1 : 0), [channels])
          : next.shift(),
      );
      return writer.add("BatchNormalization", [value, scale, shift, mid, spread], node.shape, {
        epsilon: { float: epsilon },
      });
    },
  };
};

/** x · scale + shift, or one of them. */
function scaleAndShift(
  writer: GraphWriter,
  node: Node,
): { readonly x: Node; readonly scale?: Node; readonly shift?: Node } | undefined {
  const forms: Readonly<Record<string, readonly ["scale" | "shift", ...("scale" | "shift")[]]>> = {
    "add(mul($0,$1),$2)": ["scale", "shift"],
    "mul($0,$1)": ["scale"],
    "add($0,$1)": ["shift"],
  };
  if (!isMap(node)) return undefined;
  const form = forms[scalarKey(node.expr)];
  const [x, ...numbers] = node.inputs;
  if (!form || writer.isShared(x)) return undefined;
  return { x, ...Object.fromEntries(form.map((name, i) => [name, numbers[i]])) };
}

/** A convolution and one number for each of its outputs. */
const convWithBias: Recognise = (writer, node) => {
  if (!reads(node, "add($0,$1)")) return undefined;
  const [product, bias] = node.inputs;
  if (!isPerChannel(bias, node) || writer.isShared(product)) return undefined;
  if (!sameShape(product.shape, node.shape)) return undefined;
  const flat = writer.builder.reshape(bias, [bias.shape[1]]);
  if (product.op === "conv") return readConv(writer, product, flat);
  return product.op === "convData" ? readConvData(writer, product, flat) : undefined;
};

/** A product of two matrices in any shape, with one number for each column. */
const gemm: Recognise = (writer, node) => {
  const whole = node.op === "reshape" ? node.inputs[0] : node;
  if (whole !== node && writer.isShared(whole)) return undefined;
  const withBias = reads(whole, "add($0,$1)") && sameShape(whole.inputs[0].shape, whole.shape);
  const [product, bias] = withBias ? whole.inputs : [whole];
  if (product.op !== "matmul" || product.shape[0] !== 1) return undefined;
  if (product !== node && writer.isShared(product)) return undefined;
  if (product.inputs.some(({ shape }) => shape[0] !== 1)) return undefined;
  const columns = product.shape[2];
  if (bias && (sizeOf(bias.shape) !== columns || bias.shape.at(-1) !== columns)) return undefined;
  return readGemm(writer, product, node.shape, bias);
};

/** A value that is rounded to levels. */
const rounded: Recognise = (writer, node) => {
  const levels = quantisationIn(node);
  return levels && readRounded(writer, levels, node.shape);
};

/** Operators that people look for, the largest first. */
const OPERATORS: readonly Recognise[] = [rounded, softmax, lrn, batchNorm, average, convWithBias, gemm];

/** The operator that a node and those before it are; undefined: its primitive alone. */
export function recognise(writer: GraphWriter, node: Node): Reading | undefined {
  for (const of of OPERATORS) {
    const found = of(writer, node);
    if (found) return found;
  }
  return undefined;
}

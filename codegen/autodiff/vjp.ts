import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import type { Node, NodeOf, Op } from "../ir/graph.js";
import { arg, argsOf, constant, coord, coordsOf, select, times } from "../ir/scalar.js";
import { derivative, SCALAR_RULES, type ScalarRules } from "../ir/scalar-derivative.js";

/** From the cotangent of a node's value, its part of the cotangent of one input. Undefined: the input gets nothing. */
export type Pullback = ((cotangent: Node) => Node) | undefined;

/**
 * The vector-Jacobian products, as graph: for a node, one pullback per input. What a pullback reads of the node's
 * inputs or output is what backward must keep (see `readsOf`).
 */
export function vjp(b: GraphBuilder, node: Node, rules: Rules = RULES): readonly Pullback[] {
  if (node.dtype === "index") return node.inputs.map(() => undefined);
  return (rules.nodes[node.op] as Rule<Op>)(b, node, rules.scalars).map((pullback, i) =>
    node.inputs[i].dtype === "index" ? undefined : pullback,
  );
}

type Rule<K extends Op> = (b: GraphBuilder, node: NodeOf<K>, scalars: ScalarRules) => readonly Pullback[];

/** All that differentiation knows: one rule for each primitive and each scalar function. */
export interface Rules {
  readonly nodes: { readonly [K in Op]: Rule<K> };
  readonly scalars: ScalarRules;
}

const nothing = (_: GraphBuilder, node: Node): readonly Pullback[] => node.inputs.map(() => undefined);

const NODE_RULES: Rules["nodes"] = {
  input: nothing,
  param: nothing,
  constant: nothing,
  random: nothing,
  stop: nothing,
  windowArgmax: nothing,
  blob: () => [(g) => g],

  map: (b, node, scalars) => node.inputs.map((_, i) => pullbackOfMap(b, node, i, scalars)),
  reduce: (b, node) => {
    const [x] = node.inputs;
    switch (node.kind) {
      case "sum":
        return [(g) => b.map(arg(0), [g], x.shape)];
      case "max":
        return [(g) => toFirstGreatest(b, x, node.axes, g)];
      case "argmax":
        return [undefined];
      default:
        return node.kind satisfies never;
    }
  },

  matmul: (b, { inputs: [x, y], transA, transB }) => [
    (g) => sumTo(b, transA ? b.matmul(y, g, transB, true) : b.matmul(g, y, false, !transB), x),
    (g) => sumTo(b, transB ? b.matmul(g, x, true, transA) : b.matmul(x, g, !transA, false), y),
  ],

  conv: (b, { inputs: [x, w], geometry }) => [
    (g) => b.convData(g, w, geometry),
    (g) => b.convFilter(x, g, geometry),
  ],
  convData: (b, { inputs: [y, w], geometry }) => [
    (g) => b.conv(g, w, geometry),
    (g) => b.convFilter(g, y, geometry),
  ],
  convFilter: (b, { inputs: [x, y], geometry }) => [
    (g) => b.convData(y, g, geometry),
    (g) => b.conv(x, g, geometry),
  ],

  windowMax: (b, { inputs: [x], window }) => [(g) => b.windowScatter(g, b.windowArgmax(x, window), window)],
  windowScatter: (b, { inputs: [, position], window }) => [
    (g) => b.windowPick(g, position, window),
    undefined,
  ],
  windowPick: (b, { inputs: [, position], window }) => [
    (g) => b.windowScatter(g, position, window),
    undefined,
  ],
  windowSum: (b, { window }) => [(g) => b.windowSpread(g, window)],
  windowSpread: (b, { window }) => [(g) => b.windowSum(g, window)],

  gather: (b, { inputs: [table, position] }) => [(g) => b.scatter(g, position, table.shape[0]), undefined],
  scatter: (b, { inputs: [, position] }) => [(g) => b.gather(g, position), undefined],

  reshape: (b, { inputs: [x] }) => [(g) => b.reshape(g, x.shape)],
  transpose: (b, { perm }) => [(g) => b.transpose(g, invert(perm))],
  slice: (b, { inputs: [x], axis, start, shape }) => [
    (g) => b.pad(g, axis, start, x.shape[axis] - start - shape[axis]),
  ],
  concat: (b, { inputs, axis }) => {
    let start = 0;
    return inputs.map((part) => {
      const from = start;
      start += part.shape[axis];
      return (g) => b.slice(g, axis, from, part.shape[axis]);
    });
  },
  pad: (b, { inputs: [x], axis, before }) => [(g) => b.slice(g, axis, before, x.shape[axis])],
};

/** Cortado's own. */
export const RULES: Rules = { nodes: NODE_RULES, scalars: SCALAR_RULES };

/** g times the derivative of the expression in one operand, summed over the axes along which that was broadcast. */
function pullbackOfMap(b: GraphBuilder, node: NodeOf<"map">, index: number, scalars: ScalarRules): Pullback {
  const operand = node.inputs[index];
  const count = node.inputs.length;
  const slope = derivative(node.expr, index, count, scalars);
  if (slope.kind === "const" && slope.value === 0) return undefined;
  return (g) => {
    const read = [...node.inputs, node];
    const summed = broadcastAxes(operand, node);
    const isSteady =
      argsOf(slope).every((i) => summed.every((axis) => read[i].shape[axis] === 1)) &&
      coordsOf(slope).every((axis) => !summed.includes(axis));
    // A slope that is the same along the summed axes is applied after the sum.
    return isSteady
      ? b.map(times(arg(count + 1), slope), [...read, b.reduce("sum", g, summed)], operand.shape)
      : b.reduce("sum", b.map(times(arg(count + 1), slope), [...read, g], node.shape), summed);
  };
}

const broadcastAxes = (x: Node, to: Node): readonly number[] =>
  to.shape.flatMap((extent, axis) => (x.shape[axis] === 1 && extent !== 1 ? [axis] : []));

/** Sums what was broadcast: the adjoint of broadcasting `like` to x's shape. */
const sumTo = (b: GraphBuilder, x: Node, like: Node): Node => b.reduce("sum", x, broadcastAxes(like, x));

/**
 * g at the first greatest element in row-major order over `axes`, 0 elsewhere: axis by axis, the first position
 * along it whose rest still holds the greatest.
 */
function toFirstGreatest(b: GraphBuilder, x: Node, axes: readonly number[], g: Node): Node {
  const positions = axes.map((axis, i) => b.reduce("argmax", b.reduce("max", x, axes.slice(i + 1)), [axis]));
  const spread = axes.reduceRight(
    (chosen, axis, i) => select("eq", coord(axis), arg(i), chosen, constant(0)),
    arg(axes.length),
  );
  return b.map(spread, [...positions, g], x.shape);
}

const invert = (perm: readonly number[]): readonly number[] => perm.map((_, axis) => perm.indexOf(axis));

/** What the derivative of a node reads beside the cotangent. */
export interface Reads {
  readonly output: boolean;
  /** One per input: whether its value is read. */
  readonly inputs: readonly boolean[];
}

/**
 * Which values a node's vector-Jacobian product reads, for the inputs that `needed` says (default: all). Found by
 * building that product over stand-ins, so that it cannot differ from it.
 */
export function readsOf(node: Node, needed: (input: number) => boolean = () => true): Reads {
  const b = createBuilder();
  const inputs = node.inputs.map((x, i) => b.input(`in${i}`, x.shape, x.dtype));
  const output = b.input("out", node.shape, node.dtype);
  const cotangent = b.input("cotangent", node.shape);
  // The node itself stands in under the id of an input, and its inputs are not followed: its value is at hand.
  const standIn: Node = { ...node, id: output.id, inputs };
  const products = vjp(b, standIn).flatMap((pullback, i) =>
    pullback && needed(i) ? [pullback(cotangent)] : [],
  );
  const read = new Set<number>();
  const pending = [...products];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (read.has(next.id)) continue;
    read.add(next.id);
    if (next.id !== output.id) pending.push(...next.inputs);
  }
  return { output: read.has(output.id), inputs: inputs.map((x) => read.has(x.id)) };
}

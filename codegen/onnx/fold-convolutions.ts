import type { GraphBuilder } from "../ir/builder.js";
import { type Graph, type Node, type NodeOf, sameShape, sizeOf } from "../ir/graph.js";
import {
  add,
  arg,
  argsOf,
  constant,
  coordsOf,
  div,
  mul,
  neg,
  type Scalar,
  sub,
  substitute,
} from "../ir/scalar.js";
import { mapNodes } from "./map-nodes.js";
import { sharing, steadiness } from "./value-readers.js";

/** An expression as factor · $0 + rest, neither of which reads operand 0. */
interface Affine {
  readonly factor: Scalar;
  readonly rest: Scalar;
}

/** Undefined where it is not of that form. */
function affineOf(x: Scalar): Affine | undefined {
  if (!argsOf(x).includes(0)) return { factor: constant(0), rest: x };
  if (x.kind === "arg") return { factor: constant(1), rest: constant(0) };
  if (x.kind === "unary" && x.op === "neg") {
    const of = affineOf(x.x);
    return of && { factor: neg(of.factor), rest: neg(of.rest) };
  }
  if (x.kind !== "binary") return undefined;
  const [a, b] = [affineOf(x.a), affineOf(x.b)];
  if (!a || !b) return undefined;
  const [inA, inB] = [x.a, x.b].map((part) => argsOf(part).includes(0));
  switch (x.op) {
    case "add":
      return { factor: add(a.factor, b.factor), rest: add(a.rest, b.rest) };
    case "sub":
      return { factor: sub(a.factor, b.factor), rest: sub(a.rest, b.rest) };
    case "mul":
      if (inA && inB) return undefined;
      return inA
        ? { factor: mul(a.factor, b.rest), rest: times(a.rest, b.rest) }
        : { factor: mul(b.factor, a.rest), rest: times(b.rest, a.rest) };
    case "div":
      return inB ? undefined : { factor: div(a.factor, b.rest), rest: over(a.rest, b.rest) };
    default:
      return undefined;
  }
}

const isZero = (x: Scalar): boolean => x.kind === "const" && x.value === 0;
const times = (a: Scalar, b: Scalar): Scalar => (isZero(a) ? a : mul(a, b));
const over = (a: Scalar, b: Scalar): Scalar => (isZero(a) ? a : div(a, b));

/** An expression over nodes. */
interface Formula {
  readonly expr: Scalar;
  readonly inputs: readonly Node[];
}

/** A map with those before it written out that nobody else reads, as long as each works on what the next one does. */
function formulaOf(isShared: (node: Node) => boolean, node: NodeOf<"map">): Formula {
  const maps = [node];
  for (let [before] = node.inputs; before?.op === "map"; [before] = before.inputs) {
    if (before.dtype !== "real" || isShared(before) || !sameShape(before.shape, node.shape)) break;
    maps.push(before);
  }
  const [first, ...later] = maps.reverse();
  return later.reduce<Formula>(
    (made, { expr, inputs }) => ({
      expr: substitute(expr, (leaf) => {
        if (leaf.kind !== "arg") return leaf;
        return leaf.index === 0 ? made.expr : arg(made.inputs.length + leaf.index - 1);
      }),
      inputs: [...made.inputs, ...inputs.slice(1)],
    }),
    first,
  );
}

/** A convolution of other filters, and one number for each of its outputs. */
interface Folded {
  readonly conv: NodeOf<"conv">;
  readonly filters: Node;
  readonly bias: Node;
}

/**
 * A graph in which what follows a convolution and is a factor and a term for each of its outputs, a BatchNorm and a Scale, is
 * part of its filters and of its bias.
 *
 * @param outputs places of the roots that are outputs: those of others only name values
 * @param given parameters that the caller may give: what depends on them stays as it is
 */
export function foldConvolutions(
  graph: Graph,
  builder: GraphBuilder,
  outputs: ReadonlySet<number>,
  given?: ReadonlySet<number>,
): Graph {
  const [isShared, isSteady] = [sharing(graph, outputs), steadiness(given)];
  return mapNodes(graph, builder, (node, made) => {
    const folded = node.op === "map" ? foldOf(node, { builder, isShared, isSteady }) : undefined;
    if (!folded) return undefined;
    const { conv, filters, bias } = folded;
    const product = builder.rebuild(conv, [made(conv.inputs[0]), filters]);
    return builder.map(add(arg(0), arg(1)), [product, bias]);
  });
}

/** Undefined where a map is not that of a convolution. */
function foldOf(
  node: NodeOf<"map">,
  of: {
    readonly builder: GraphBuilder;
    readonly isShared: (node: Node) => boolean;
    readonly isSteady: (node: Node) => boolean;
  },
): Folded | undefined {
  const { expr, inputs } = formulaOf(of.isShared, node);
  const [conv, ...others] = inputs;
  if (conv?.op !== "conv" || of.isShared(conv) || !sameShape(conv.shape, node.shape)) return undefined;
  const channels = conv.shape[1];
  const fits = (one: Node): boolean =>
    of.isSteady(one) &&
    sizeOf(one.shape) === (one.shape[1] === channels ? channels : 1) &&
    one.shape.length === node.shape.length;
  if (!others.every(fits) || coordsOf(expr).length > 0) return undefined;
  const affine = affineOf(expr);
  // A bias alone is one already, and the filters keep their name.
  if (!affine || (affine.factor.kind === "const" && affine.factor.value === 1)) return undefined;
  const { builder: b } = of;
  const one = [1, channels, ...conv.shape.slice(2).map(() => 1)];
  // Operand 0 is in neither: the others move up by one.
  const made = (x: Scalar): Node =>
    b.map(
      substitute(x, (leaf) => (leaf.kind === "arg" ? arg(leaf.index - 1) : leaf)),
      others,
      one,
    );
  const filters = conv.inputs[1];
  const perFilter = [channels, ...filters.shape.slice(1).map(() => 1)];
  const scaled = b.map(mul(arg(0), arg(1)), [filters, b.reshape(made(affine.factor), perFilter)]);
  return { conv, filters: scaled, bias: made(affine.rest) };
}

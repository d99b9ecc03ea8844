import type { GraphBuilder } from "../ir/builder.js";
import type { Node, NodeOf } from "../ir/graph.js";

/** A view over another view (or over a constant) as one view, or none. */
export function simplifyView(node: Node, b: GraphBuilder): Node | undefined {
  switch (node.op) {
    case "transpose":
      return simplifyTranspose(node, b);
    case "slice":
      return simplifySlice(node, b);
    case "concat":
      return simplifyConcat(node, b);
    case "pad":
      return simplifyPad(node, b);
    default:
      return undefined;
  }
}

function simplifyTranspose(node: NodeOf<"transpose">, b: GraphBuilder): Node | undefined {
  const [x] = node.inputs;
  if (x.op === "constant") return b.constant(x.value, node.shape);
  if (x.op === "transpose") {
    const { perm } = x;
    return b.transpose(
      x.inputs[0],
      node.perm.map((axis) => perm[axis]),
    );
  }
  // In memory nothing moves when the axes longer than 1 keep their order.
  const long = node.perm.filter((axis) => x.shape[axis] !== 1);
  return long.every((axis, i) => i === 0 || long[i - 1] < axis) ? b.reshape(x, node.shape) : undefined;
}

function simplifySlice(node: NodeOf<"slice">, b: GraphBuilder): Node | undefined {
  const [x] = node.inputs;
  const { axis, start } = node;
  const length = node.shape[axis];
  const end = start + length;
  if (x.op === "constant") return b.constant(x.value, node.shape);
  if (x.op === "slice" && x.axis === axis) return b.slice(x.inputs[0], axis, x.start + start, length);
  if (x.op === "concat" && x.axis === axis) {
    const parts: Node[] = [];
    let offset = 0;
    for (const part of x.inputs) {
      const from = Math.max(start, offset);
      const to = Math.min(end, offset + part.shape[axis]);
      if (from < to) parts.push(b.slice(part, axis, from - offset, to - from));
      offset += part.shape[axis];
    }
    // Otherwise the same elements are copied twice as often as now.
    return parts.length > 0 && parts.length < x.inputs.length ? b.concat(parts, axis) : undefined;
  }
  if (x.op === "pad" && x.axis === axis) {
    const [inner] = x.inputs;
    const from = Math.max(start, x.before);
    const to = Math.min(end, x.before + inner.shape[axis]);
    if (from >= to) return b.constant(0, node.shape);
    return b.pad(b.slice(inner, axis, from - x.before, to - from), axis, from - start, end - to);
  }
  return undefined;
}

/** A concat of concats becomes one of all their parts, but not of more: a blob may stand in many of its parts. */
const MOST_PARTS = 64;

function simplifyConcat(node: NodeOf<"concat">, b: GraphBuilder): Node | undefined {
  const { axis, inputs } = node;
  const [first] = inputs;
  if (first.op === "constant" && inputs.every((x) => x.op === "constant" && Object.is(x.value, first.value)))
    return b.constant(first.value, node.shape);
  const inner = inputs.map((x) => (x.op === "concat" && x.axis === axis ? x.inputs : [x]));
  const flattens = inner.reduce((sum, { length }) => sum + length, 0) <= MOST_PARTS;
  const parts = (flattens ? inner.flat() : inputs).filter((x) => x.shape[axis] > 0);
  const joined: Node[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    const both = last && adjacent(last, part, axis, b);
    if (both) joined[joined.length - 1] = both;
    else joined.push(part);
  }
  if (joined.length === 0 || (joined.length === inputs.length && joined.every((x, i) => x === inputs[i])))
    return undefined;
  return b.concat(joined, axis);
}

/** Two neighbours in a concat as one, where both are slices of one value and meet. */
function adjacent(left: Node, right: Node, axis: number, b: GraphBuilder): Node | undefined {
  if (left.op !== "slice" || right.op !== "slice" || left.axis !== axis || right.axis !== axis)
    return undefined;
  if (left.inputs[0] !== right.inputs[0] || left.start + left.shape[axis] !== right.start) return undefined;
  return b.slice(left.inputs[0], axis, left.start, left.shape[axis] + right.shape[axis]);
}

function simplifyPad(node: NodeOf<"pad">, b: GraphBuilder): Node | undefined {
  const [x] = node.inputs;
  const { axis, before } = node;
  if (x.op === "constant" && Object.is(x.value, 0)) return b.constant(0, node.shape);
  if (x.op === "pad" && x.axis === axis) {
    const [inner] = x.inputs;
    const inFront = before + x.before;
    return b.pad(inner, axis, inFront, node.shape[axis] - inner.shape[axis] - inFront);
  }
  return undefined;
}

/** What stands between zeros along an axis: of a pad, or of pads that were joined. */
function piecesOf(
  x: Node,
  axis: number,
): readonly { readonly before: number; readonly piece: Node }[] | undefined {
  if (x.op === "pad" && x.axis === axis) return [{ before: x.before, piece: x.inputs[0] }];
  if (x.op !== "concat" || x.axis !== axis) return undefined;
  let end = 0;
  return x.inputs.flatMap((piece) => {
    const before = end;
    end += piece.shape[axis];
    return piece.op === "constant" && Object.is(piece.value, 0) ? [] : [{ before, piece }];
  });
}

/**
 * A sum of pads of one shape along one axis, none over another, as what they join to: what the backward of a Slice
 * comes to. Among them may be what others of them have been joined to: a long sum is a chain of sums.
 */
export function joinPads(pads: readonly Node[], b: GraphBuilder): Node | undefined {
  const first = pads.find((x) => x.op === "pad");
  if (pads.length < 2 || !first) return undefined;
  const { axis } = first;
  const parts: { readonly before: number; readonly piece: Node }[] = [];
  for (const pad of pads) {
    const pieces = piecesOf(pad, axis);
    if (!pieces) return undefined;
    parts.push(...pieces);
  }
  const joined: Node[] = [];
  let end = 0;
  const zeros = (length: number): Node =>
    b.constant(
      0,
      first.shape.map((extent, i) => (i === axis ? length : extent)),
    );
  for (const { before, piece } of parts.sort((x, y) => x.before - y.before)) {
    if (before < end) return undefined;
    if (before > end) joined.push(zeros(before - end));
    joined.push(piece);
    end = before + piece.shape[axis];
  }
  if (end < first.shape[axis]) joined.push(zeros(first.shape[axis] - end));
  return b.concat(joined, axis);
}

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

/**
 * A sum of pads of one shape along one axis, none over another, as what they join to: what the backward of a Slice
 * comes to.
 */
export function joinPads(pads: readonly Node[], b: GraphBuilder): Node | undefined {
  const parts: NodeOf<"pad">[] = [];
  for (const pad of pads) if (pad.op === "pad") parts.push(pad);
  const [first] = parts;
  if (parts.length < 2 || parts.length !== pads.length) return undefined;
  if (parts.some((pad) => pad.axis !== first.axis)) return undefined;
  const { axis } = first;
  const joined: Node[] = [];
  let end = 0;
  const zeros = (length: number): Node =>
    b.constant(
      0,
      first.shape.map((extent, i) => (i === axis ? length : extent)),
    );
  for (const pad of [...parts].sort((x, y) => x.before - y.before)) {
    const [x] = pad.inputs;
    if (pad.before < end) return undefined;
    if (pad.before > end) joined.push(zeros(pad.before - end));
    joined.push(x);
    end = pad.before + x.shape[axis];
  }
  if (end < first.shape[axis]) joined.push(zeros(first.shape[axis] - end));
  return b.concat(joined, axis);
}

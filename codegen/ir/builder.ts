import { InternalError } from "../../proto/errors/index.js";
import {
  type ConvGeometry,
  type DType,
  type Node,
  type NodeOf,
  type Op,
  type ReduceKind,
  type Shape,
  sameShape,
  sizeOf,
  type WindowAxis,
} from "./graph.js";
import { nodeKey } from "./key.js";
import { arg, argsOf, coordsOf, type Scalar, substitute } from "./scalar.js";

/**
 * Makes nodes: infers shapes, interns (the same operation on the same inputs is the same node), and folds what
 * is trivially the identity. A shape that does not fit is an InternalError: layers check their inputs first and
 * tell the user in the user's terms.
 */
export interface GraphBuilder {
  /** What new nodes name as their origin, for prints: a layer's name. */
  origin: string;
  input(name: string, shape: Shape, dtype?: DType): Node;
  param(index: number, shape: Shape): Node;
  constant(value: number, shape?: Shape): Node;
  /** Operands have any rank up to the shape's: missing leading axes count as 1. `shape` defaults to their broadcast. */
  map(expr: Scalar, operands: readonly Node[], shape?: Shape, dtype?: DType): Node;
  /** Keeps the axes with extent 1 unless `drop`. Negative axes are not known here. */
  reduce(kind: ReduceKind, x: Node, axes: readonly number[], drop?: boolean): Node;
  matmul(a: Node, b: Node, transA?: boolean, transB?: boolean): Node;
  conv(x: Node, w: Node, geometry: ConvGeometry): Node;
  convData(y: Node, w: Node, geometry: ConvGeometry): Node;
  convFilter(x: Node, y: Node, geometry: ConvGeometry): Node;
  windowMax(x: Node, window: readonly WindowAxis[]): Node;
  windowArgmax(x: Node, window: readonly WindowAxis[]): Node;
  windowScatter(y: Node, position: Node, window: readonly WindowAxis[]): Node;
  windowPick(x: Node, position: Node, window: readonly WindowAxis[]): Node;
  windowSum(x: Node, window: readonly WindowAxis[]): Node;
  windowSpread(y: Node, window: readonly WindowAxis[]): Node;
  gather(table: Node, position: Node): Node;
  scatter(rows: Node, position: Node, extent: number): Node;
  reshape(x: Node, shape: Shape): Node;
  transpose(x: Node, perm: readonly number[]): Node;
  slice(x: Node, axis: number, start: number, length: number): Node;
  concat(parts: readonly Node[], axis: number): Node;
  pad(x: Node, axis: number, before: number, after: number): Node;
  random(step: Node, stream: number, shape: Shape): Node;
  blob(x: Node, blob: string, version: number): Node;
  stop(x: Node): Node;
  /** The same node over other inputs: itself when nothing changes. Used by passes that rewrite a graph. */
  rebuild(node: Node, inputs: readonly Node[]): Node;
}

/** A node before it has an id: its operation and attributes. */
type Draft<K extends Op> = Omit<NodeOf<K>, "id" | "dtype" | "shape" | "inputs" | "origin">;

const fail = (message: string): never => {
  throw new InternalError(message);
};
const expect = (holds: boolean, message: () => string): void => {
  if (!holds) fail(message());
};
const show = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The common shape of operands under broadcasting from the right; undefined where extents conflict. */
export function broadcastShape(shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i;
      if (shape[i] === 1) continue;
      if (result[axis] !== 1 && result[axis] !== shape[i]) return undefined;
      result[axis] = shape[i];
    }
  }
  return result;
}

/** The shape of a window primitive's windowed side, from its plain side. */
const windowed = (shape: Shape, window: readonly WindowAxis[]): Shape =>
  shape.map((extent, axis) => window.find((w) => w.axis === axis)?.windows ?? extent);
/** The other way round. */
const plain = (shape: Shape, window: readonly WindowAxis[]): Shape =>
  shape.map((extent, axis) => window.find((w) => w.axis === axis)?.extent ?? extent);

/** A new, empty builder. Nodes of two builders never mix. */
export function createBuilder(): GraphBuilder {
  const interned = new Map<string, Node>();
  let nextId = 0;

  const make = <K extends Op>(
    draft: Draft<K> & { readonly op: K },
    dtype: DType,
    shape: Shape,
    inputs: readonly Node[],
  ): Node => {
    const key = nodeKey(draft as unknown as Node, dtype, shape, inputs);
    const known = interned.get(key);
    if (known) return known;
    const node = { ...draft, id: nextId++, dtype, shape, inputs, origin: builder.origin } as unknown as Node;
    Object.freeze(node);
    interned.set(key, node);
    return node;
  };

  const checkWindow = (shape: Shape, window: readonly WindowAxis[], side: "windows" | "extent"): void =>
    expect(
      window.every((w) => shape[w.axis] === w[side]) &&
        new Set(window.map((w) => w.axis)).size === window.length,
      () => `window over ${show(shape)} does not fit: ${JSON.stringify(window)}`,
    );

  const builder: GraphBuilder = {
    origin: "",
    input: (name, shape, dtype = "real") => make({ op: "input", name }, dtype, shape, []),
    param: (index, shape) => make({ op: "param", index }, "real", shape, []),
    constant: (value, shape = []) => make({ op: "constant", value }, "real", shape, []),

    map(expr, operands, shape, dtype = "real") {
      const target =
        shape ??
        broadcastShape(operands.map((x) => x.shape)) ??
        fail(`map over shapes that do not broadcast: ${operands.map((x) => show(x.shape)).join(" ")}`);
      expect(
        coordsOf(expr).every((axis) => axis < target.length),
        () => `map to ${show(target)} reads a coordinate along axis ${coordsOf(expr).at(-1)}`,
      );
      // Constants move into the expression, unused operands go, equal operands become one.
      const kept: Node[] = [];
      const leaf = new Map<number, Scalar>();
      for (const index of argsOf(expr)) {
        const operand = operands[index] ?? fail(`map reads operand ${index} of ${operands.length}`);
        if (operand.op === "constant") {
          leaf.set(index, { kind: "const", value: operand.value });
          continue;
        }
        const aligned = alignRank(operand, target.length);
        expect(
          aligned.shape.every((extent, axis) => extent === 1 || extent === target[axis]),
          () => `map operand ${show(operand.shape)} does not broadcast to ${show(target)}`,
        );
        const at = kept.indexOf(aligned);
        leaf.set(index, arg(at === -1 ? kept.push(aligned) - 1 : at));
      }
      const expression = substitute(expr, (x) => (x.kind === "arg" ? leaf.get(x.index)! : x));
      if (expression.kind === "const" && dtype === "real") return builder.constant(expression.value, target);
      if (expression.kind === "arg" && sameShape(kept[0].shape, target) && kept[0].dtype === dtype)
        return kept[0];
      return make({ op: "map", expr: expression }, dtype, target, kept);
    },

    reduce(kind, x, axes, drop = false) {
      const sorted = [...new Set(axes)].sort((a, b) => a - b);
      expect(
        sorted.every((axis) => axis >= 0 && axis < x.shape.length) &&
          (kind !== "argmax" || sorted.length === 1),
        () => `reduce ${kind} of ${show(x.shape)} over axes ${sorted}`,
      );
      const kept = x.shape.map((extent, axis) => (sorted.includes(axis) ? 1 : extent));
      const reduced =
        kind !== "argmax" && sameShape(kept, x.shape)
          ? x
          : make({ op: "reduce", kind, axes: sorted }, kind === "argmax" ? "index" : "real", kept, [x]);
      return drop
        ? builder.reshape(
            reduced,
            x.shape.filter((_, axis) => !sorted.includes(axis)),
          )
        : reduced;
    },

    matmul(a, b, transA = false, transB = false) {
      const [aBatch, m, k] = transA ? [a.shape[0], a.shape[2], a.shape[1]] : a.shape;
      const [bBatch, bk, n] = transB ? [b.shape[0], b.shape[2], b.shape[1]] : b.shape;
      expect(
        a.shape.length === 3 &&
          b.shape.length === 3 &&
          k === bk &&
          (aBatch === bBatch || aBatch === 1 || bBatch === 1),
        () => `matmul ${show(a.shape)}${transA ? "ᵀ" : ""} × ${show(b.shape)}${transB ? "ᵀ" : ""}`,
      );
      return make({ op: "matmul", transA, transB }, "real", [Math.max(aBatch, bBatch), m, n], [a, b]);
    },

    conv(x, w, geometry) {
      checkConv(x.shape, w.shape, geometry);
      const spatial = geometry.spatial.map((axis) => axis.output);
      return make({ op: "conv", geometry }, "real", [x.shape[0], w.shape[0], ...spatial], [x, w]);
    },
    convData(y, w, geometry) {
      const shape = [y.shape[0], w.shape[1] * geometry.groups, ...geometry.spatial.map((axis) => axis.input)];
      checkConv(shape, w.shape, geometry, y.shape);
      return make({ op: "convData", geometry }, "real", shape, [y, w]);
    },
    convFilter(x, y, geometry) {
      const shape = [
        y.shape[1],
        x.shape[1] / geometry.groups,
        ...geometry.spatial.map((axis) => axis.kernel),
      ];
      checkConv(x.shape, shape, geometry, y.shape);
      return make({ op: "convFilter", geometry }, "real", shape, [x, y]);
    },

    windowMax(x, window) {
      checkWindow(x.shape, window, "extent");
      return make({ op: "windowMax", window }, "real", windowed(x.shape, window), [x]);
    },
    windowArgmax(x, window) {
      checkWindow(x.shape, window, "extent");
      return make({ op: "windowArgmax", window }, "index", windowed(x.shape, window), [x]);
    },
    windowScatter(y, position, window) {
      checkWindow(y.shape, window, "windows");
      expect(sameShape(y.shape, position.shape), () => "windowScatter: values and positions differ in shape");
      return make({ op: "windowScatter", window }, "real", plain(y.shape, window), [y, position]);
    },
    windowPick(x, position, window) {
      checkWindow(x.shape, window, "extent");
      expect(
        sameShape(windowed(x.shape, window), position.shape),
        () => "windowPick: positions have another shape",
      );
      return make({ op: "windowPick", window }, "real", position.shape, [x, position]);
    },
    windowSum(x, window) {
      checkWindow(x.shape, window, "extent");
      return make({ op: "windowSum", window }, "real", windowed(x.shape, window), [x]);
    },
    windowSpread(y, window) {
      checkWindow(y.shape, window, "windows");
      return make({ op: "windowSpread", window }, "real", plain(y.shape, window), [y]);
    },

    gather(table, position) {
      expect(
        position.shape.length === 1 && table.shape.length >= 1,
        () => "gather: positions must have one axis",
      );
      return make(
        { op: "gather" },
        table.dtype,
        [position.shape[0], ...table.shape.slice(1)],
        [table, position],
      );
    },
    scatter(rows, position, extent) {
      expect(
        position.shape.length === 1 && rows.shape[0] === position.shape[0],
        () => "scatter: rows and positions differ",
      );
      return make({ op: "scatter" }, "real", [extent, ...rows.shape.slice(1)], [rows, position]);
    },

    reshape(x, shape) {
      expect(sizeOf(shape) === sizeOf(x.shape), () => `reshape ${show(x.shape)} to ${show(shape)}`);
      if (x.op === "reshape") return builder.reshape(x.inputs[0], shape);
      if (x.op === "constant") return builder.constant(x.value, shape);
      return sameShape(x.shape, shape) ? x : make({ op: "reshape" }, x.dtype, shape, [x]);
    },
    transpose(x, perm) {
      expect(
        perm.length === x.shape.length && [...perm].sort((a, b) => a - b).every((axis, i) => axis === i),
        () => `transpose ${show(x.shape)} by ${perm}`,
      );
      if (perm.every((axis, i) => axis === i)) return x;
      return make(
        { op: "transpose", perm },
        x.dtype,
        perm.map((axis) => x.shape[axis]),
        [x],
      );
    },
    slice(x, axis, start, length) {
      expect(
        axis >= 0 && start >= 0 && length >= 0 && start + length <= x.shape[axis],
        () => `slice ${start}+${length} of ${show(x.shape)} axis ${axis}`,
      );
      if (length === x.shape[axis]) return x;
      return make(
        { op: "slice", axis, start },
        x.dtype,
        x.shape.map((e, i) => (i === axis ? length : e)),
        [x],
      );
    },
    concat(parts, axis) {
      expect(
        parts.length > 0 &&
          axis >= 0 &&
          axis < parts[0].shape.length &&
          parts.every(
            (part) =>
              part.dtype === parts[0].dtype &&
              sameShape(
                part.shape.map((e, i) => (i === axis ? 0 : e)),
                parts[0].shape.map((e, i) => (i === axis ? 0 : e)),
              ),
          ),
        () => `concat of ${parts.map((part) => show(part.shape)).join(" ")} along ${axis}`,
      );
      if (parts.length === 1) return parts[0];
      const extent = parts.reduce((sum, part) => sum + part.shape[axis], 0);
      return make(
        { op: "concat", axis },
        parts[0].dtype,
        parts[0].shape.map((e, i) => (i === axis ? extent : e)),
        parts,
      );
    },
    pad(x, axis, before, after) {
      expect(
        axis >= 0 && axis < x.shape.length && before >= 0 && after >= 0,
        () => `pad ${before}, ${after} of ${show(x.shape)} axis ${axis}`,
      );
      if (before === 0 && after === 0) return x;
      return make(
        { op: "pad", axis, before },
        x.dtype,
        x.shape.map((e, i) => (i === axis ? before + e + after : e)),
        [x],
      );
    },

    random: (step, stream, shape) => make({ op: "random", stream }, "real", shape, [step]),
    blob: (x, blob, version) => make({ op: "blob", blob, version }, x.dtype, x.shape, [x]),
    stop: (x) => make({ op: "stop" }, x.dtype, x.shape, [x]),

    rebuild(node, inputs) {
      if (inputs.length === node.inputs.length && inputs.every((x, i) => x === node.inputs[i])) return node;
      const before = builder.origin;
      builder.origin = node.origin;
      try {
        switch (node.op) {
          case "input":
          case "param":
          case "constant":
            return node;
          case "map":
            return builder.map(node.expr, inputs, node.shape, node.dtype);
          case "reshape":
            return builder.reshape(inputs[0], node.shape);
          case "concat":
            return builder.concat(inputs, node.axis);
          default: {
            expect(
              inputs.length === node.inputs.length &&
                inputs.every(
                  (x, i) => sameShape(x.shape, node.inputs[i].shape) && x.dtype === node.inputs[i].dtype,
                ),
              () => `${node.op} made anew over inputs of other shapes`,
            );
            const { id: _id, dtype, shape, inputs: _inputs, origin: _origin, ...draft } = node;
            return make(draft as never, dtype, shape, inputs);
          }
        }
      } finally {
        builder.origin = before;
      }
    },
  };

  const alignRank = (x: Node, rank: number): Node =>
    x.shape.length === rank
      ? x
      : builder.reshape(x, [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape]);

  return builder;
}

/** Checks that x, w and y belong together under a geometry. */
function checkConv(x: Shape, w: Shape, geometry: ConvGeometry, y?: Shape): void {
  const { groups, spatial } = geometry;
  const rank = spatial.length + 2;
  expect(
    x.length === rank &&
      w.length === rank &&
      w[1] * groups === x[1] &&
      w[0] % groups === 0 &&
      spatial.every((axis, i) => axis.input === x[i + 2] && axis.kernel === w[i + 2] && axis.output > 0) &&
      (!y || (y[0] === x[0] && y[1] === w[0] && spatial.every((axis, i) => axis.output === y[i + 2]))),
    () => `convolution of ${show(x)} with ${show(w)}${y ? ` giving ${show(y)}` : ""}, ${groups} groups`,
  );
}

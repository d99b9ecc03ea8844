import { InternalError } from "../../proto/errors/index.js";
import { type Node, type NodeOf, sameShape } from "../ir/graph.js";
import type { Scalar } from "../ir/scalar.js";
import {
  add,
  addInt,
  all,
  compare,
  div,
  flatten,
  iload,
  int,
  keyOf,
  mod,
  sub,
  unflatten,
  variable,
  ZERO,
} from "../kernel/indices.js";
import type { Condition, Index, Memory, Typed, Value } from "../kernel/kernel.js";
import { constant, type KernelWriter, load } from "../kernel/writer.js";

/** What a step tells the evaluator of a node. */
export interface StepScope {
  readonly seed: number;
  /** Loaded from memory, not computed here. */
  readonly loads: (node: Node) => boolean;
  readonly bufferOf: (node: Node) => Memory;
  /** What a node's element here is already known to be: it need not be loaded. */
  readonly known: (node: Node) => Typed | undefined;
}

/**
 * Values of nodes at coordinates, written into a kernel: a node in memory is loaded, an inlined one (a map, a
 * view, nested as the planner chose) is computed where it is read.
 */
export interface Evaluator {
  valueAt(node: Node, coordinates: readonly Index[]): Value;
  indexAt(node: Node, coordinates: readonly Index[]): Index;
  /** The element at a row-major position. */
  elementAt(node: Node, flat: Index): Value;
  /** Whether `elementAt` is a plain load. */
  inMemory(node: Node): boolean;
  /** From here on `node`, at whatever coordinates, is this value: the anchor's, while its epilogue is written. */
  bind(node: Node, value: Typed): void;
  unbind(): void;
  /** The value of a node that the step itself computes (never a load of it). */
  computeAt(node: Node, coordinates: readonly Index[]): Typed;
  /** `whenTrue` where the condition holds, else `otherwise`; neither is evaluated before the condition is. */
  guard(condition: Condition | boolean, whenTrue: () => Value, otherwise: () => Value): Value;
}

export const asValue = (typed: Typed): Value =>
  typed.type === "real" ? typed.value : { kind: "fromIndex", index: typed.value };
export const asIndex = (typed: Typed): Index =>
  typed.type === "index" ? typed.value : { kind: "truncate", value: typed.value };

const real = (value: Value): Typed => ({ type: "real", value });
const index = (value: Index): Typed => ({ type: "index", value });

export function createEvaluator(writer: KernelWriter, scope: StepScope): Evaluator {
  const bound = new Map<Node, Typed>();
  /** Values already written into the current block, by node and coordinates: loads, and what is computed of them. */
  let loaded = new Map<string, Typed>();
  let computed = new Map<string, Typed>();
  let writtenBlock = -1;
  /** Inside a guard nothing may be evaluated before the condition is: no locals there. */
  let guarded = 0;

  const remember = (
    node: Node,
    coordinates: readonly Index[],
    compute: () => Typed,
    isLoad = false,
  ): Typed => {
    if (guarded > 0) return compute();
    if (writer.block !== writtenBlock) {
      loaded = new Map();
      computed = new Map();
      writtenBlock = writer.block;
    }
    const written = isLoad ? loaded : computed;
    const key = `${node.id}@${coordinates.map(keyOf).join()}`;
    const known = written.get(key);
    if (known) return known;
    const typed = compute();
    const local: Typed =
      typed.type === "real" ? real(writer.real(typed.value)) : index(writer.integer(typed.value));
    written.set(key, local);
    return local;
  };

  const at = (node: Node, coordinates: readonly Index[]): Typed => {
    const known = bound.get(node);
    if (known) return known;
    if (node.op === "constant") return real(constant(node.value));
    if (scope.loads(node)) return loadOnce(node, flatten(coordinates, node.shape));
    return compute(node, coordinates);
  };

  const loadFlat = (node: Node, flat: Index): Typed =>
    node.dtype === "index"
      ? index(iload(scope.bufferOf(node), flat))
      : real(load(scope.bufferOf(node), flat));

  const loadOnce = (node: Node, flat: Index): Typed =>
    scope.known(node) ?? remember(node, [flat], () => loadFlat(node, flat), true);

  const guard = (condition: Condition | boolean, whenTrue: () => Value, otherwise: () => Value): Value => {
    if (condition === true) return whenTrue();
    if (condition === false) return otherwise();
    guarded++;
    const value: Value = { kind: "guard", condition, whenTrue: whenTrue(), otherwise: otherwise() };
    guarded--;
    return value;
  };

  const compute = (node: Node, coordinates: readonly Index[]): Typed => {
    const [source] = node.inputs;
    switch (node.op) {
      case "constant":
        return real(constant(node.value));
      case "map":
        return remember(node, coordinates, () => mapAt(node, coordinates));
      case "reshape":
        return reshapedAt(source, flatten(coordinates, node.shape));
      case "blob":
      case "stop":
        return at(source, coordinates);
      case "transpose": {
        const inner: Index[] = new Array(coordinates.length).fill(ZERO);
        node.perm.forEach((axis, i) => {
          inner[axis] = coordinates[i];
        });
        return at(source, inner);
      }
      case "slice":
        return at(
          source,
          coordinates.map((c, axis) => (axis === node.axis ? addInt(c, node.start) : c)),
        );
      case "pad": {
        const inside = sub(coordinates[node.axis], int(node.before));
        const extent = source.shape[node.axis];
        const condition = all([compare("ge", inside, ZERO), compare("lt", inside, int(extent))]);
        const inner = coordinates.map((c, axis) => (axis === node.axis ? inside : c));
        return real(
          guard(
            condition,
            () => asValue(at(source, inner)),
            () => constant(0),
          ),
        );
      }
      case "concat": {
        const along = coordinates[node.axis];
        const part = (number: number, start: number): Value => {
          const input = node.inputs[number];
          const inner = coordinates.map((c, axis) => (axis === node.axis ? sub(along, int(start)) : c));
          const end = start + input.shape[node.axis];
          if (number === node.inputs.length - 1) return asValue(at(input, inner));
          return guard(
            compare("lt", along, int(end)),
            () => asValue(at(input, inner)),
            () => part(number + 1, end),
          );
        };
        const value = real(part(0, 0));
        return node.dtype === "index" ? index(asIndex(value)) : value;
      }
      case "random":
        return remember(node, coordinates, () =>
          real({
            kind: "random",
            seed: scope.seed,
            stream: node.stream,
            step: asValue(at(source, [])),
            element: flatten(coordinates, node.shape),
          }),
        );
      case "gather": {
        const [table, position] = [node.inputs[0], node.inputs[1]];
        const row = within(asIndex(at(position, [coordinates[0]])), table.shape[0]);
        return at(table, [row, ...coordinates.slice(1)]);
      }
      case "windowPick": {
        const [x, position] = [node.inputs[0], node.inputs[1]];
        const inner = [...coordinates];
        const window = node.window.toSorted((a, b) => a.axis - b.axis);
        const plane = window.reduce((product, w) => product * w.extent, 1);
        let rest = within(asIndex(at(position, coordinates)), plane);
        for (let i = window.length - 1; i >= 0; i--) {
          const { axis, extent } = window[i];
          inner[axis] = i === 0 ? rest : mod(rest, extent);
          rest = div(rest, extent);
        }
        return at(x, inner);
      }
      default:
        throw new InternalError(`step reads ${node.op} %${node.id}, which is neither in memory nor inlined`);
    }
  };

  const mapAt = (node: NodeOf<"map">, coordinates: readonly Index[]): Typed => {
    const value = real(scalarValue(node.expr, node, coordinates));
    return node.dtype === "index" ? index(asIndex(value)) : value;
  };

  /** A node of any shape at a row-major position. */
  const reshapedAt = (node: Node, flat: Index): Typed => {
    const known = bound.get(node);
    if (known) return known;
    if (node.op !== "constant" && scope.loads(node)) return loadOnce(node, flat);
    return at(node, unflatten(flat, node.shape));
  };

  const scalarValue = (x: Scalar, node: Node, coordinates: readonly Index[]): Value => {
    const convert = (y: Scalar): Value => {
      switch (y.kind) {
        case "const":
          return constant(y.value);
        case "coord":
          return { kind: "fromIndex", index: coordinates[y.axis] };
        case "arg": {
          const operand = node.inputs[y.index];
          return asValue(
            at(
              operand,
              operand.shape.map((extent, axis) => (extent === 1 ? ZERO : coordinates[axis])),
            ),
          );
        }
        case "unary":
          return { kind: "unary", op: y.op, x: convert(y.x) };
        case "shaped":
          return { kind: "shaped", op: y.op, x: convert(y.x), alpha: y.alpha };
        case "binary":
          return { kind: "binary", op: y.op, a: convert(y.a), b: convert(y.b) };
        case "select":
          return {
            kind: "select",
            cmp: y.cmp,
            left: convert(y.left),
            right: convert(y.right),
            whenTrue: convert(y.then),
            otherwise: convert(y.otherwise),
          };
        default:
          return y satisfies never;
      }
    };
    return convert(x);
  };

  return {
    valueAt: (node, coordinates) => asValue(at(node, coordinates)),
    indexAt: (node, coordinates) => asIndex(at(node, coordinates)),
    elementAt: (node, flat) => asValue(reshapedAt(node, flat)),
    inMemory: (node) => scope.loads(node),
    bind(node, value) {
      bound.set(node, value);
      // What was computed of the node's last value is out of date; what was loaded is not.
      computed = new Map();
    },
    unbind: () => bound.clear(),
    computeAt: (node, coordinates) =>
      bound.get(node) ?? (node.op === "map" ? mapAt(node, coordinates) : compute(node, coordinates)),
    guard,
  };
}

/** A stored position, known to lie in 0 … extent − 1: who feeds it has checked. */
const within = (position: Index, extent: number): Index =>
  position.kind === "var" ? variable(position.variable, 0, extent - 1) : position;

/** Coordinates of `target` at the position where `source` has these ones; both have as many elements. */
export function reshapeCoordinates(
  coordinates: readonly Index[],
  source: readonly number[],
  target: readonly number[],
): readonly Index[] {
  return sameShape(source, target) ? coordinates : unflatten(flatten(coordinates, source), target);
}

export const shifted = (coordinates: readonly Index[], axis: number, by: Index): readonly Index[] =>
  coordinates.map((c, i) => (i === axis ? add(c, by) : c));

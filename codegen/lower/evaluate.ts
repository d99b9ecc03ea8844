import { type Node, sameShape } from "../ir/graph.js";
import { add, flatten, iload, keyOf, unflatten } from "../kernel/indices.js";
import type { Condition, Index, Memory, Typed, Value } from "../kernel/kernel.js";
import { constant, type KernelWriter, load } from "../kernel/writer.js";
import { computeElement, mappedElement, type Operands } from "./compute-element.js";
import { asIndex, asValue, index, real } from "./typed.js";

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
  /** A hint that this element, at a row-major position, is read soon; nothing for a node that is computed. */
  prefetch(node: Node, flat: Index): void;
  /** From here on `node`, at whatever coordinates, is this value: the anchor's, while its epilogue is written. */
  bind(node: Node, value: Typed): void;
  unbind(): void;
  /** The value of a node that the step itself computes (never a load of it). */
  computeAt(node: Node, coordinates: readonly Index[]): Typed;
  /** `whenTrue` where the condition holds, else `otherwise`; neither is evaluated before the condition is. */
  guard(condition: Condition | boolean, whenTrue: () => Value, otherwise: () => Value): Value;
}

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
    return computeElement(node, coordinates, operands);
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

  /** A node of any shape at a row-major position. */
  const reshapedAt = (node: Node, flat: Index): Typed => {
    const known = bound.get(node);
    if (known) return known;
    if (node.op !== "constant" && scope.loads(node)) return loadOnce(node, flat);
    return at(node, unflatten(flat, node.shape));
  };

  const operands: Operands = { seed: scope.seed, at, elementAt: reshapedAt, remember, guard };

  return {
    valueAt: (node, coordinates) => asValue(at(node, coordinates)),
    indexAt: (node, coordinates) => asIndex(at(node, coordinates)),
    elementAt: (node, flat) => asValue(reshapedAt(node, flat)),
    inMemory: (node) => scope.loads(node),
    prefetch(node, flat) {
      if (scope.loads(node)) writer.prefetch(scope.bufferOf(node), flat);
    },
    bind(node, value) {
      bound.set(node, value);
      // What was computed of the node's last value is out of date; what was loaded is not.
      computed = new Map();
    },
    unbind: () => bound.clear(),
    computeAt: (node, coordinates) =>
      bound.get(node) ??
      (node.op === "map"
        ? mappedElement(node, coordinates, operands)
        : computeElement(node, coordinates, operands)),
    guard,
  };
}

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

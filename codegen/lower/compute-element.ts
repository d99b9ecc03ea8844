import { InternalError } from "../../proto/errors/index.js";
import type { Node, NodeOf } from "../ir/graph.js";
import type { Scalar } from "../ir/scalar.js";
import { addInt, all, compare, div, flatten, int, mod, sub, variable, ZERO } from "../kernel/indices.js";
import type { Condition, Index, Typed, Value } from "../kernel/kernel.js";
import { constant } from "../kernel/writer.js";
import { asIndex, asValue, index, real } from "./typed.js";

/** How an element that is computed where it is read comes to what it is computed of. */
export interface Operands {
  readonly seed: number;
  at(node: Node, coordinates: readonly Index[]): Typed;
  /** The element at a row-major position. */
  elementAt(node: Node, flat: Index): Typed;
  /** What `compute` gives, written into the current block once. */
  remember(node: Node, coordinates: readonly Index[], compute: () => Typed): Typed;
  /** `whenTrue` where the condition holds, else `otherwise`; neither is evaluated before the condition is. */
  guard(condition: Condition | boolean, whenTrue: () => Value, otherwise: () => Value): Value;
}

/** An element of a node that is a map, a view or another element's choice: never a load of its own. */
export function computeElement(node: Node, coordinates: readonly Index[], operands: Operands): Typed {
  const [source] = node.inputs;
  const { at, elementAt, remember } = operands;
  switch (node.op) {
    case "constant":
      return real(constant(node.value));
    case "map":
      return remember(node, coordinates, () => mappedElement(node, coordinates, operands));
    case "reshape":
      return elementAt(source, flatten(coordinates, node.shape));
    case "blob":
    case "stop":
    case "instead":
      return at(source, coordinates);
    case "transpose": {
      const inner: Index[] = new Array(coordinates.length).fill(ZERO);
      node.perm.forEach((axis, i) => {
        inner[axis] = coordinates[i];
      });
      return at(source, inner);
    }
    case "slice":
      return at(source, along(node.axis, coordinates, addInt(coordinates[node.axis], node.start)));
    case "pad":
      return paddedElement(node, coordinates, operands);
    case "concat":
      return concatElement(node, coordinates, operands);
    case "random":
      return remember(node, coordinates, () =>
        real({
          kind: "random",
          seed: operands.seed,
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
    case "windowPick":
      return pickedElement(node, coordinates, operands);
    default:
      throw new InternalError(`step reads ${node.op} %${node.id}, which is neither in memory nor inlined`);
  }
}

export function mappedElement(node: NodeOf<"map">, coordinates: readonly Index[], { at }: Operands): Typed {
  const argument = (number: number): Value => {
    const operand = node.inputs[number];
    const own = operand.shape.map((extent, axis) => (extent === 1 ? ZERO : coordinates[axis]));
    return asValue(at(operand, own));
  };
  const value = real(scalarValue(node.expr, coordinates, argument));
  return node.dtype === "index" ? index(asIndex(value)) : value;
}

function scalarValue(
  expr: Scalar,
  coordinates: readonly Index[],
  argument: (number: number) => Value,
): Value {
  const convert = (x: Scalar): Value => {
    switch (x.kind) {
      case "const":
        return constant(x.value);
      case "coord":
        return { kind: "fromIndex", index: coordinates[x.axis] };
      case "arg":
        return argument(x.index);
      case "unary":
        return { kind: "unary", op: x.op, x: convert(x.x) };
      case "shaped":
        return { kind: "shaped", op: x.op, x: convert(x.x), alpha: x.alpha };
      case "binary":
        return { kind: "binary", op: x.op, a: convert(x.a), b: convert(x.b) };
      case "select":
        return {
          kind: "select",
          cmp: x.cmp,
          left: convert(x.left),
          right: convert(x.right),
          whenTrue: convert(x.then),
          otherwise: convert(x.otherwise),
        };
      default:
        return x satisfies never;
    }
  };
  return convert(expr);
}

function paddedElement(
  { axis, before, inputs: [source] }: NodeOf<"pad">,
  coordinates: readonly Index[],
  { at, guard }: Operands,
): Typed {
  const inside = sub(coordinates[axis], int(before));
  const condition = all([compare("ge", inside, ZERO), compare("lt", inside, int(source.shape[axis]))]);
  const inner = along(axis, coordinates, inside);
  return real(
    guard(
      condition,
      () => asValue(at(source, inner)),
      () => constant(0),
    ),
  );
}

function concatElement(
  { axis, inputs, dtype }: NodeOf<"concat">,
  coordinates: readonly Index[],
  { at, guard }: Operands,
): Typed {
  const place = coordinates[axis];
  const part = (number: number, start: number): Value => {
    const input = inputs[number];
    const inner = along(axis, coordinates, sub(place, int(start)));
    const end = start + input.shape[axis];
    if (number === inputs.length - 1) return asValue(at(input, inner));
    return guard(
      compare("lt", place, int(end)),
      () => asValue(at(input, inner)),
      () => part(number + 1, end),
    );
  };
  const value = real(part(0, 0));
  return dtype === "index" ? index(asIndex(value)) : value;
}

function pickedElement(node: NodeOf<"windowPick">, coordinates: readonly Index[], { at }: Operands): Typed {
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

/** The coordinates with another one along an axis. */
const along = (axis: number, coordinates: readonly Index[], place: Index): readonly Index[] =>
  coordinates.map((c, i) => (i === axis ? place : c));

/** A stored position, known to lie in 0 … extent − 1: who feeds it has checked. */
const within = (position: Index, extent: number): Index =>
  position.kind === "var" ? variable(position.variable, 0, extent - 1) : position;

import { type Node, type NodeOf, nodesOf, type Shape, sizeOf } from "./graph.js";

/**
 * What the elements of a value depend on: on no row of the inputs; each on one row, that of the element at position f (row-major)
 * being ⌊f / inner⌋ mod the number of rows; or perhaps on several.
 */
export type RowDependence = "none" | "mixed" | { readonly inner: number };

/** Where rows lie in a shape: that of an element is ⌊coordinate along the axis / per⌋ mod their number. */
interface Along {
  readonly axis: number;
  readonly per: number;
}

type Found = RowDependence | Along;

/**
 * Which values can be told row by row: so that of a batch of which the last rows are of no matter, the first rows of a result
 * are right. It may say "mixed" of what is not, never the other way round.
 *
 * @param rows how many there are, from 2: the first extent of the inputs
 * @param inputs names of the inputs whose first axis is the rows; all others are the same whatever the rows are
 */
export function rowDependence(
  wanted: readonly Node[],
  rows: number,
  inputs: ReadonlySet<string>,
): (node: Node) => RowDependence {
  const known = new Map<Node, RowDependence>();
  const of = (node: Node): RowDependence => known.get(node) ?? "mixed";
  const graph = { roots: wanted.map((node) => ({ role: "prepared", node }) as const) };
  for (const node of nodesOf(graph))
    known.set(node, settled(dependenceOf(node, { rows, inputs, of }), node, rows));
  return of;
}

interface Context {
  readonly rows: number;
  readonly inputs: ReadonlySet<string>;
  of(node: Node): RowDependence;
}

const strideOf = (shape: Shape, axis: number): number => sizeOf(shape.slice(axis + 1));

/** The axis along which rows lie, where it is one. */
function along({ shape }: Node, inner: number, rows: number): Along | undefined {
  const axis = shape.findIndex((_, i) => strideOf(shape, i) <= inner);
  if (axis === -1) return undefined;
  const per = inner / strideOf(shape, axis);
  return Number.isInteger(per) && shape[axis] % (per * rows) === 0 ? { axis, per } : undefined;
}

/** What was found of a node, as of positions. */
function settled(found: Found, { shape }: Node, rows: number): RowDependence {
  if (typeof found === "string" || "inner" in found) return found;
  const { axis, per } = found;
  return shape[axis] % (per * rows) === 0 ? { inner: per * strideOf(shape, axis) } : "mixed";
}

function dependenceOf(node: Node, context: Context): Found {
  const { rows, inputs, of } = context;
  const [first, second] = node.inputs;
  /** Where the rows of an operand lie along its axes, `to` the node's own; undefined of an axis that it does not keep. */
  const moved = (operand: Node, to: (axis: number) => number | undefined = (axis) => axis): Found => {
    const found = of(operand);
    if (typeof found === "string") return found;
    const place = along(operand, found.inner, rows);
    const axis = place && to(place.axis);
    return place && axis !== undefined ? { axis, per: place.per } : "mixed";
  };
  /** Of a node that reads of one operand the places of its own elements, and all of the others. */
  const withOthers = (found: Found, ...others: readonly Node[]): Found =>
    others.every((other) => of(other) === "none") ? found : "mixed";

  switch (node.op) {
    case "input":
      return inputs.has(node.name) && node.shape[0] === rows ? { axis: 0, per: 1 } : "none";
    case "param":
    case "constant":
    case "random":
      return "none";
    case "map":
      return together(node.inputs.map((operand) => moved(operand)));
    case "reduce":
      return moved(first, (axis) => (node.axes.includes(axis) ? undefined : axis));
    case "matmul":
      return together([
        moved(first, (axis) => ({ 0: 0, [node.transA ? 2 : 1]: 1 })[axis]),
        moved(second, (axis) => ({ 0: 0, [node.transB ? 1 : 2]: 2 })[axis]),
      ]);
    case "conv":
    case "convData":
      return withOthers(moved(first, imagesOnly), second);
    case "convFilter":
    case "scatter":
      return withOthers("none", ...node.inputs);
    case "windowMax":
    case "windowArgmax":
    case "windowScatter":
    case "windowPick":
    case "windowSum":
    case "windowSpread":
      return together(node.inputs.map((operand) => moved(operand, outside(node.window))));
    case "gather":
      return withOthers(moved(second), first);
    case "reshape":
    case "blob":
    case "stop":
    case "instead":
      return of(first);
    case "transpose":
      return moved(first, (axis) => node.perm.indexOf(axis));
    case "slice":
      return whole(moved(first), node.axis, [node.start, node.shape[node.axis]], rows);
    case "pad":
      return whole(moved(first), node.axis, [node.before, node.shape[node.axis]], rows);
    case "concat":
      return ofParts(node, together(node.inputs.map((operand) => moved(operand))), context);
    default:
      return node satisfies never;
  }
}

const imagesOnly = (axis: number): number | undefined => (axis === 0 ? 0 : undefined);

const outside =
  (window: readonly { readonly axis: number }[]) =>
  (axis: number): number | undefined =>
    window.some((one) => one.axis === axis) ? undefined : axis;

/** Of what reads several operands at its own places. */
function together(all: readonly Found[]): Found {
  const depending = all.filter((found) => found !== "none");
  if (depending.length === 0) return "none";
  const [one] = depending;
  if (typeof one === "string" || "inner" in one) return "mixed";
  const agree = depending.every(
    (other) =>
      typeof other !== "string" && "axis" in other && other.axis === one.axis && other.per === one.per,
  );
  return agree ? one : "mixed";
}

/** Of what cuts or moves along an axis: where rows lie along it, by whole batches only. */
function whole(found: Found, axis: number, amounts: readonly number[], rows: number): Found {
  if (typeof found === "string" || "inner" in found || found.axis !== axis) return found;
  return amounts.every((amount) => amount % (found.per * rows) === 0) ? found : "mixed";
}

/** Along the axis of rows each part has whole batches, which others follow. */
function ofParts({ axis, inputs }: NodeOf<"concat">, found: Found, { of, rows }: Context): Found {
  const checked = whole(
    found,
    axis,
    inputs.map(({ shape }) => shape[axis]),
    rows,
  );
  const isAlong = typeof checked !== "string" && "axis" in checked && checked.axis === axis;
  return isAlong && inputs.some((part) => of(part) === "none") ? "mixed" : checked;
}

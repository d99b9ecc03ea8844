import { type Node, type NodeOf, type Shape, sizeOf, type WindowAxis } from "../ir/graph.js";
import { addAt, filled, type GraphWriter } from "./graph-writer.js";
import type { OnnxAttribute, Value } from "./onnx-graph.js";
import { beginningOf, padded, reshaped } from "./view-nodes.js";

type Windowed = NodeOf<
  "windowMax" | "windowArgmax" | "windowSum" | "windowSpread" | "windowScatter" | "windowPick"
>;

/**
 * A windowed value as ONNX's pooling takes it: two axes that no window moves along, then those of the windows and what lies
 * between and behind them.
 */
interface Spatial {
  /** The plain side. */
  readonly plain: Shape;
  /** The side of windows. */
  readonly windows: Shape;
  /** One for each spatial axis. */
  readonly axes: readonly Omit<WindowAxis, "axis">[];
  /** Elements behind the last windowed axis. */
  readonly behind: number;
  /** The first windowed axis of these. */
  readonly first: number;
}

/** Spatial axes that runtimes have pooling for. */
const MOST_SPATIAL = 3;

const still = (extent: number): Omit<WindowAxis, "axis"> => ({
  ...{ size: 1, stride: 1, pad: 0, windows: extent, extent },
});

/** @param plain the shape of the plain side */
function spatialOf(plain: Shape, window: readonly WindowAxis[]): Spatial | undefined {
  const sorted = [...window].sort((a, b) => a.axis - b.axis);
  const [first, last] = [sorted[0].axis, sorted[sorted.length - 1].axis];
  const own = (axis: number, extent: number): Omit<WindowAxis, "axis"> =>
    sorted.find((w) => w.axis === axis) ?? still(extent);
  const asItIs = first >= 2 && plain.length <= MOST_SPATIAL + 2;
  const behind = sizeOf(plain.slice(last + 1));
  const lead = asItIs ? plain.slice(0, 2) : [1, sizeOf(plain.slice(0, first))];
  const axes = asItIs
    ? plain.slice(2).map((extent, i) => own(i + 2, extent))
    : [
        ...plain.slice(first, last + 1).map((extent, i) => own(first + i, extent)),
        ...(behind > 1 ? [still(behind)] : []),
      ];
  if (axes.length > MOST_SPATIAL) return undefined;
  return {
    plain: [...lead, ...axes.map(({ extent }) => extent)],
    windows: [...lead, ...axes.map(({ windows }) => windows)],
    axes,
    behind,
    first: asItIs ? first : 2,
  };
}

/** Elements behind the end that the last window reaches over; below 0: that no window reaches. */
const beyond = ({ size, stride, pad, windows, extent }: Omit<WindowAxis, "axis">): number =>
  (windows - 1) * stride + size - pad - extent;

/** Explicit pads, so that as many windows fit as there are: never `ceil_mode`, whose last window runtimes differ on. */
const withPads = (axes: Spatial["axes"]): Readonly<Record<string, OnnxAttribute>> => ({
  ...windowsOf(axes),
  pads: padsOf(axes).flat(),
});

const windowsOf = (axes: Spatial["axes"]): Readonly<Record<string, OnnxAttribute>> => ({
  kernel_shape: axes.map(({ size }) => size),
  strides: axes.map(({ stride }) => stride),
});

/** The windows that are wanted, where more would fit. */
const onlyWanted = (writer: GraphWriter, value: Value, { windows }: Spatial): Value =>
  beginningOf(writer, value, windows);

/** What fits into a plain side with its pads. */
const fittingShape = ({ plain, axes }: Spatial): Shape => [
  ...plain.slice(0, 2),
  ...axes.map((axis) => axis.windows + Math.max(0, Math.floor(-beyond(axis) / axis.stride))),
];

const noPooling = (writer: GraphWriter, { shape, dtype }: Node): Value =>
  writer.fail(
    `it has windows along axes that lie too far apart for ONNX's pooling`,
    shape,
    dtype === "index" ? "int64" : "float",
  );

/** The greatest of each window and where it lies, by the value that is searched and its windows. */
export type Searched = Map<string, readonly [greatest: Value, position: Value]>;

/** What is searched, and its windows: the greatest and its position are one operator. */
export const searchKey = ({ inputs: [x], window }: NodeOf<"windowMax" | "windowArgmax">): string =>
  `${x.id} ${JSON.stringify(window)}`;

/** `windowMax` and `windowArgmax`: both are one operator, once. */
export function writeSearch(
  writer: GraphWriter,
  node: NodeOf<"windowMax" | "windowArgmax">,
  x: Value,
  wantsPosition: boolean,
  searched: Searched,
): Value {
  const { window, shape } = node;
  const key = searchKey(node);
  const known = searched.get(key);
  if (known) return known[node.op === "windowMax" ? 0 : 1];
  const spatial = spatialOf(node.inputs[0].shape, window);
  if (!spatial) return noPooling(writer, node);
  const from = reshaped(writer, x, spatial.plain);
  const fitting = fittingShape(spatial);
  const attributes = withPads(spatial.axes);
  const finish = (value: Value): Value => reshaped(writer, onlyWanted(writer, value, spatial), shape);
  if (!wantsPosition) return finish(writer.add("MaxPool", [from], fitting, attributes));
  const both = [
    ["float", fitting],
    ["int64", fitting],
  ] as const;
  const [greatest, flat] = writer.addSeveral("MaxPool", [from], both, attributes);
  // ONNX counts through the whole value, Cortado through the windowed axes, which must lie side by side for it.
  const axes = window.map(({ axis }) => axis);
  if (Math.max(...axes) - Math.min(...axes) >= axes.length) return noPooling(writer, node);
  const plane = sizeOf(spatial.plain.slice(spatial.first));
  const inPlane = writer.add("Mod", [flat, writer.integers(plane)], fitting, {}, "int64");
  const position =
    spatial.behind === 1
      ? inPlane
      : writer.add("Div", [inPlane, writer.integers(spatial.behind)], fitting, {}, "int64");
  const made = [finish(greatest), finish(position)] as const;
  searched.set(key, made);
  return made[node.op === "windowMax" ? 0 : 1];
}

/** What windows reach beyond both ends of each axis. */
const padsOf = (axes: Spatial["axes"]): readonly (readonly number[])[] => [
  axes.map(({ pad }) => pad),
  axes.map((axis) => Math.max(0, beyond(axis))),
];

/** The mean of each window over all of its positions, pads included, times what the sum is divided by otherwise. */
export function writeMean(
  writer: GraphWriter,
  node: NodeOf<"windowSum">,
  x: Value,
): { readonly mean: Value; readonly size: number } {
  const spatial = spatialOf(node.inputs[0].shape, node.window);
  const size = node.window.reduce((product, w) => product * w.size, 1);
  if (!spatial) return { mean: noPooling(writer, node), size };
  const from = reshaped(writer, x, spatial.plain);
  const isGlobal = spatial.axes.every(({ size: own, pad, windows, extent }) =>
    [own === extent, pad === 0, windows === 1].every(Boolean),
  );
  // Zeros of its own: not all runtimes count an average's padding, whatever they are told.
  const [before, after] = padsOf(spatial.axes).map((side) => [0, 0, ...side]);
  const pooled = isGlobal
    ? writer.add("GlobalAveragePool", [from], spatial.windows)
    : writer.add(
        "AveragePool",
        [padded(writer, from, before, after)],
        fittingShape(spatial),
        windowsOf(spatial.axes),
      );
  return { mean: reshaped(writer, onlyWanted(writer, pooled, spatial), node.shape), size };
}

/** The sum over the windows that cover an element: a transposed convolution with ones, plane by plane. */
export function writeSpread(writer: GraphWriter, node: NodeOf<"windowSpread">, y: Value): Value {
  const spatial = spatialOf(node.shape, node.window);
  if (!spatial) return noPooling(writer, node);
  const { windows, axes } = spatial;
  const [planes, moving] = [windows[0] * windows[1], axes.map(({ size }) => size)];
  const from = reshaped(writer, y, [planes, 1, ...windows.slice(2)]);
  const ones = filled(writer, 1, [1, 1, ...moving]);
  // What no window reaches comes behind: zeros.
  const missing = axes.map((axis) => Math.max(0, -beyond(axis)));
  const reached = [planes, 1, ...axes.map(({ extent }, i) => extent - missing[i])];
  const spread = writer.add("ConvTranspose", [from, ones], reached, withPads(axes));
  const before = reached.map(() => 0);
  return reshaped(writer, padded(writer, spread, before, [0, 0, ...missing]), node.shape);
}

/** Planes and what lies in them, where windows move along the last axes alone: their positions count through a plane. */
function planesOf(
  { window }: Windowed,
  plain: Shape,
  windows: Shape,
): readonly [number, number, number] | undefined {
  const first = Math.min(...window.map(({ axis }) => axis));
  if (window.length !== plain.length - first) return undefined;
  return [sizeOf(plain.slice(0, first)), sizeOf(plain.slice(first)), sizeOf(windows.slice(first))];
}

/** Values at their positions, added where several meet. */
export function writeScatter(
  writer: GraphWriter,
  node: NodeOf<"windowScatter">,
  y: Value,
  position: Value,
): Value {
  const planes = planesOf(node, node.shape, node.inputs[0].shape);
  if (!planes) return noPooling(writer, node);
  const [count, plane, windows] = planes;
  const zeros = filled(writer, 0, [count, plane]);
  const given = [zeros, ...[position, y].map((value) => reshaped(writer, value, [count, windows]))];
  const sums = addAt(writer, "ScatterElements", given, [count, plane], { axis: 1 });
  return reshaped(writer, sums, node.shape);
}

/** The elements at positions. */
export function writePick(writer: GraphWriter, node: NodeOf<"windowPick">, x: Value, position: Value): Value {
  const planes = planesOf(node, node.inputs[0].shape, node.shape);
  if (!planes) return noPooling(writer, node);
  const [count, plane, windows] = planes;
  const given = [reshaped(writer, x, [count, plane]), reshaped(writer, position, [count, windows])];
  return reshaped(writer, writer.add("GatherElements", given, [count, windows], { axis: 1 }), node.shape);
}

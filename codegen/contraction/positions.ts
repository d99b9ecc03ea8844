import { type Shape, sizeOf } from "../ir/graph.js";
import { add, addInt, flatten, iload, int, mul, ZERO } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import type { KernelWriter } from "../kernel/writer.js";
import { type Axes, joinAxes } from "./strided.js";
import { forTiles, inTile, tileCount } from "./tiles.js";

/** Loops over all coordinates of a shape, in order. */
export function overShape(
  writer: KernelWriter,
  shape: Shape,
  body: (coordinates: readonly Index[]) => void,
): void {
  const walk = (axis: number, outer: readonly Index[]): void => {
    if (axis === shape.length) body(outer);
    else writer.loop(0, shape[axis], (v) => walk(axis + 1, [...outer, v]));
  };
  walk(0, []);
}

/** Σ coordinate · stride. */
export const dot = (coordinates: readonly Index[], strides: readonly number[]): Index =>
  strides.reduce<Index>((sum, stride, axis) => add(sum, mul(coordinates[axis], stride)), ZERO);

/**
 * Positions of a view along axes: `start` and what it moves by to a row-major position of them, a product or, from the
 * prologue on, in a table. What a table is added to is one local: V8 then computes it once.
 */
type Along = (flat: Index, start?: Index) => Index;

function along(writer: KernelWriter, shape: Shape, strides: readonly number[]): Along {
  const own = joinAxes({ shape, strides: { own: strides } });
  if (own.shape.length <= 1) return (flat, start = ZERO) => add(start, mul(flat, own.strides.own[0] ?? 0));
  const table = writer.scratch("index", sizeOf(shape));
  writer.prologue(() =>
    overShape(writer, own.shape, (at) =>
      writer.storeIndex(table, flatten(at, own.shape), dot(at, own.strides.own)),
    ),
  );
  return (flat, start = ZERO) => writer.integer(add(start, iload(table, flat)));
}

/** A tile of rows (columns): element i of a view lies at `base + offset(i)`. */
export interface TilePositions<View extends string> {
  readonly width: number;
  base(view: View): Index;
  /** Written where it is asked for. */
  offset(view: View, i: number): Index;
}

/** The tiles of one side of a product. */
export interface Side<View extends string> {
  /** How many there are along all of it in one. */
  readonly tiles: number;
  forTiles(body: (tile: TilePositions<View>) => void): void;
  /** The tile of that number among them. */
  inTile(number: Index, body: (tile: TilePositions<View>) => void): void;
}

/** How many more tiles than along the whole side there may be where none goes on from one line to the next. */
const MOST_CUT = 1.3;

export function createSide<View extends string>(
  writer: KernelWriter,
  axes: Axes<View>,
  preferred: number,
): Side<View> {
  const { shape, strides } = joinAxes(axes);
  const views = Object.keys(strides) as View[];
  const last = shape.length - 1;
  const total = sizeOf(shape);
  const lines = shape.slice(0, -1);
  const cutAtLines =
    sizeOf(lines) * tileCount(shape[last] ?? 1, preferred) <= MOST_CUT * tileCount(total, preferred);

  let flat: ReadonlyMap<View, Along> | undefined;
  const flatTile = (start: Index, width: number): TilePositions<View> => {
    flat ??= new Map(views.map((view) => [view, along(writer, shape, strides[view])]));
    const positions = flat;
    return { width, base: () => ZERO, offset: (view, i) => positions.get(view)?.(addInt(start, i)) ?? ZERO };
  };
  return {
    tiles: tileCount(total, preferred),
    inTile: (number, body) =>
      inTile(writer, total, preferred, number, (start, width) => body(flatTile(start, width))),
    forTiles(body) {
      if (!cutAtLines) {
        forTiles(writer, total, preferred, (start, width) => body(flatTile(start, width)));
        return;
      }
      overShape(writer, lines, (line) =>
        forTiles(writer, shape[last] ?? 1, preferred, (start, width) =>
          body({
            width,
            base: (view) => dot([...line, start], strides[view]),
            offset: (view, i) => int(i * (strides[view][last] ?? 0)),
          }),
        ),
      );
    },
  };
}

/** Axes shorter than this are walked in one loop with their neighbours, by tables. */
const LONG_AXIS = 16;

/** The loops over depth: hands the body where it is in each view, from a start of that view. */
export function createWalk<View extends string>(
  writer: KernelWriter,
  axes: Axes<View>,
): (body: (at: (view: View, start: Index) => Index) => void) => void {
  const { shape, strides } = joinAxes(axes);
  const last = shape[shape.length - 1] ?? 1;
  if (shape.length <= 1 || last >= LONG_AXIS)
    return (body) =>
      overShape(writer, shape, (at) => body((view, start) => add(start, dot(at, strides[view]))));
  const views = Object.keys(strides) as View[];
  const positions = new Map(views.map((view) => [view, along(writer, shape, strides[view])]));
  return (body) =>
    writer.loop(0, sizeOf(shape), (k) => body((view, start) => positions.get(view)?.(k, start) ?? start));
}

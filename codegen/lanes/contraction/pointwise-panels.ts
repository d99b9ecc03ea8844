import { dot, overShape } from "../../contraction/positions.js";
import { stridesOf } from "../../contraction/strided.js";
import { sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { openPlanes } from "./pad.js";
import { type Panels, panelAt } from "./panel-product.js";
import {
  cutOf,
  type Part,
  type PointwiseProduct,
  partOf,
  sideBySide,
  unitPixels,
} from "./pointwise-product.js";

/** Lays out channels `start` + `from` … `start` + `to` − 1 of a part, at those positions of depth. */
export type FillPanels = (start: Index, from: Index, to: Index) => void;

/** Positions of depth of an iteration that lays out panels. */
const SLICE = 32;

/** Elements of all panels, where they are laid out before. */
export function panelElements(product: PointwiseProduct): number {
  const { elements, groups, images, pieces, chunks } = cutOf(product);
  return groups * images * pieces * chunks * elements;
}

/** Where the panels of a part and a chunk begin. */
export const panelsStart = (product: PointwiseProduct, part: Part, chunk: Index): Index => {
  const { elements, chunks } = cutOf(product);
  return mul(add(mul(part.number, chunks), chunk), elements);
};

/** Lays out all pixels, for iterations that share them. */
export function lowerPanels(context: StepContext, product: PointwiseProduct): LoweredKernel {
  const { of, schedule, lanes, places } = product;
  const { groups, images, pieces, chunks, pitch } = cutOf(product);
  const draft = context.open();
  const { writer } = draft;
  const shape = [groups * images * pieces, chunks, Math.ceil(schedule.depth / SLICE)];
  const [number, chunk, slice] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const part = partOf(writer, product, number);
  const memory = draft.workspace(places.panels, panelElements(product));
  const start = writer.integer(panelsStart(product, part, chunk));
  const channel = mul(chunk, schedule.depth);
  const from = mul(slice, SLICE);
  const all = min(int(schedule.depth), sub(int(of.channels), channel));
  const to = writer.integer(min(addInt(from, SLICE), all));
  openPacking(draft, product, part, { memory, start, pitch, vectors: schedule.tile.vectors, lanes, lane })(
    channel,
    from,
    to,
  );
  return draft.close(0, `pack ${of.source.node.shape.join("×")} in pixels`);
}

/** Lays out pixels for tiles: straight from the planes, or by a row of memory where they lie apart. */
export function openPacking(
  draft: KernelDraft,
  product: PointwiseProduct,
  part: Part,
  panels: Panels,
): FillPanels {
  const { writer, evaluate } = draft;
  const { of, lanes } = product;
  const { lane } = panels;
  const plane = sizeOf(of.source.extents);
  const width = panels.vectors * lanes;
  const source = openPlanes(draft, { ...of.source, place: product.places.source });
  const planeOf = (image: Index, channel: Index): Index =>
    mul(add(mul(add(mul(image, of.groups), part.group), of.channels), channel), plane);
  /** So many elements of a line, the rest of its last vector zeros. */
  const overLine = (
    length: number,
    read: (at: Index) => Value,
    put: (at: Index, value: Value) => void,
  ): void => {
    const whole = Math.floor(length / lanes);
    writer.loop(0, whole, (vector) => {
      const at = add(mul(vector, lanes), lane);
      put(at, read(at));
    });
    if (whole * lanes === length) return;
    const at = addInt(lane, whole * lanes);
    const inside = compare("lt", lane, int(length - whole * lanes));
    put(
      at,
      evaluate.guard(
        inside,
        () => read(at),
        () => ZERO_VALUE,
      ),
    );
  };

  if (sideBySide(product)) {
    const copyRow = (from: Index, k: Index, pixels: number): void => {
      const whole = Math.floor(pixels / width);
      const copy = (panel: Index, vector: number, count: number): void => {
        const at = add(addInt(add(from, mul(panel, width)), vector * lanes), lane);
        const value = evaluate.guard(
          count > 0 && compare("lt", lane, int(count)),
          () => source(at),
          () => ZERO_VALUE,
        );
        writer.store(panels.memory, panelAt(panels, panel, k, vector), value);
      };
      writer.loop(0, whole, (panel) => {
        for (let vector = 0; vector < panels.vectors; vector++) copy(panel, vector, lanes);
      });
      const rest = pixels - whole * width;
      if (rest > 0)
        for (let vector = 0; vector < panels.vectors; vector++)
          copy(int(whole), vector, rest - vector * lanes);
    };
    return (start, first, end) =>
      part.inUnits((units) =>
        writer.loop(first, end, (k) =>
          copyRow(writer.integer(add(planeOf(part.image, add(start, k)), part.unit)), k, units),
        ),
      );
  }

  const pixels = unitPixels(of);
  const most = cutOf(product).panels * width;
  const row = writer.shared("accumulator", most + lanes);
  // What a row has too much is multiplied like all else: it must hold numbers.
  writer.prologue(() =>
    writer.loop(0, most / lanes, (vector) => writer.store(row, add(mul(vector, lanes), lane), ZERO_VALUE)),
  );
  const strides = stridesOf(of.source.extents).map((stride, axis) => stride * of.source.step[axis]);
  const last = of.pixels.length - 1;
  // Whole vectors are stored: what a line has too much the next one overwrites, or there is room.
  const fillLine = (from: Index, to: Index): void =>
    overLine(
      of.pixels[last],
      (at) => source(add(from, mul(at, strides[last]))),
      (at, value) => writer.store(row, add(to, at), value),
    );
  const fillRow = (channel: Index): void =>
    writer.loop(0, part.images, (image) => {
      const from = writer.integer(planeOf(add(part.image, image), channel));
      const to = mul(image, product.schedule.units * pixels);
      if (last === 0) fillLine(from, to);
      else
        writer.loop(0, part.units, (unit) =>
          overShape(writer, of.pixels.slice(1, -1), (middle) =>
            fillLine(
              writer.integer(add(from, dot([add(part.unit, unit), ...middle], strides.slice(0, -1)))),
              writer.integer(
                add(
                  add(to, mul(unit, pixels)),
                  mul(flatten(middle, of.pixels.slice(1, -1)), of.pixels[last]),
                ),
              ),
            ),
          ),
        );
    });
  return (start, first, end) =>
    writer.loop(first, end, (k) => {
      fillRow(add(start, k));
      writer.loop(0, part.panels, (panel) => {
        for (let vector = 0; vector < panels.vectors; vector++) {
          const at = add(addInt(mul(panel, width), vector * lanes), lane);
          writer.store(panels.memory, panelAt(panels, panel, k, vector), load(row, at));
        }
      });
    });
}

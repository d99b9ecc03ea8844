import { sizeOf } from "../../ir/graph.js";
import {
  add,
  addInt,
  compare,
  div,
  flatten,
  int,
  min,
  mul,
  sub,
  unflatten,
  ZERO,
} from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, StepContext } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";
import type { PanelSums } from "./panel-product.js";
import {
  cutOf,
  type Part,
  type Pointwise,
  type PointwiseProduct,
  sideBySide,
  unitPixels,
} from "./pointwise-product.js";

/** Ends the work on rows of a group: their sums are kept from row `kept` on. */
export interface Results {
  /** On all pixels of a part. */
  putRows(first: Index, end: Index, kept: Index): void;
  /** Asks for what `putPanel` will read and write: rows lie apart, where no processor sees by itself what comes next. */
  askForPanel(first: Index, end: Index, panel: Index): void;
  /** On the pixels of one panel, whose sums are kept from column 0 on: where `inPanels` holds. */
  putPanel(first: Index, end: Index, panel: Index): void;
}

/** Whether results may be stored panel by panel: while one is computed, those before get to memory. */
export const inPanels = (product: PointwiseProduct): boolean =>
  sideBySide(product) && product.of.step.every((step) => step === 1);

export function openResults(
  { anchor }: StepContext,
  draft: KernelDraft,
  product: PointwiseProduct,
  part: Part,
  { sums, lane }: { readonly sums: PanelSums; readonly lane: Index },
): Results {
  const { of, schedule, lanes } = product;
  const { writer } = draft;
  const spatial = anchor.shape.slice(2);
  const pixels = unitPixels(of);
  const storeAt = (image: Index, channel: Index, position: Index, value: Value): void =>
    draft.storeAt([image, channel, ...unflatten(position, spatial)], { type: "real", value });
  const channelOf = (row: Index): Index => writer.integer(add(mul(part.group, of.results), row));
  const overRows = (
    [first, end, kept]: Parameters<Results["putRows"]>,
    body: (image: Index, channel: Index, from: Index) => void,
  ): void =>
    writer.loop(first, end, (row) =>
      writer.loop(0, part.images, (own) => {
        const from = add(mul(add(kept, sub(row, first)), sums.pitch), mul(own, schedule.units * pixels));
        body(writer.integer(add(part.image, own)), channelOf(row), writer.integer(from));
      }),
    );
  return {
    putRows: of.step.every((step) => step === 1)
      ? (...rows) =>
          part.inUnits((units) =>
            overRows(rows, (image, channel, from) =>
              overVectors(writer, units * pixels, lanes, lane, (at) =>
                storeAt(image, channel, add(mul(part.unit, pixels), at), load(sums.memory, add(from, at))),
              ),
            ),
          )
      : apartResults(writer, of, { lanes, lane, sums: sums.memory }, part, overRows, storeAt),
    askForPanel(first, end, panel) {
      const { width } = cutOf(product);
      const start = add(part.unit, mul(panel, width));
      // The line that the last of them lies in, too; past the end there is none.
      const last = min(addInt(start, width - 1), int(sizeOf(spatial) - 1));
      writer.loop(first, end, (row) => {
        for (const position of [start, last])
          draft.prefetchAt([part.image, channelOf(row), ...unflatten(position, spatial)]);
      });
    },
    putPanel(first, end, panel) {
      const { width } = cutOf(product);
      const [units] = of.pixels;
      const put = (count: number): void =>
        writer.loop(first, end, (row) =>
          overVectors(writer, count, lanes, lane, (at) => {
            const kept = load(sums.memory, add(mul(sub(row, first), sums.pitch), at));
            storeAt(part.image, channelOf(row), add(add(part.unit, mul(panel, width)), at), kept);
          }),
        );
      // All parts but the last are whole panels.
      writer.when(
        units % width === 0 || compare("lt", panel, div(part.units, width)),
        () => put(width),
        () => put(units % width),
      );
    },
  };
}

/** Results some apart, and zeros between them. */
function apartResults(
  writer: KernelWriter,
  { pixels, extents, step }: Pointwise,
  { lanes, lane, sums }: { readonly lanes: number; readonly lane: Index; readonly sums: Memory },
  part: Part,
  overRows: (
    rows: Parameters<Results["putRows"]>,
    body: (image: Index, channel: Index, from: Index) => void,
  ) => void,
  storeAt: (image: Index, channel: Index, position: Index, value: Value) => void,
): Results["putRows"] {
  const last = pixels.length - 1;
  const line = writer.shared("accumulator", Math.max(extents[last], (pixels[last] - 1) * step[last] + 1));
  writer.prologue(() =>
    overVectors(writer, extents[last], lanes, lane, (at) => writer.store(line, at, ZERO_VALUE)),
  );
  return (...rows) =>
    overRows(rows, (image, channel, from) => {
      const putLine = (at: readonly Index[], value: (column: Index) => Value): void =>
        overVectors(writer, extents[last], lanes, lane, (column) =>
          storeAt(image, channel, flatten([...at, column], extents), value(column)),
        );
      /** Pixels of the axes but the last, each with the places behind it until the next. */
      const walk = (axis: number, pixel: readonly Index[], at: readonly Index[], between: boolean): void => {
        if (axis === last) {
          if (between) {
            putLine(at, () => ZERO_VALUE);
            return;
          }
          const start = writer.integer(add(from, flatten([...pixel, ZERO], pixels)));
          overVectors(writer, pixels[last], lanes, lane, (column) =>
            writer.store(line, mul(column, step[last]), load(sums, add(start, column))),
          );
          putLine(at, (column) => load(line, column));
          return;
        }
        writer.loop(0, axis === 0 ? part.units : pixels[axis], (own) => {
          const place = mul(axis === 0 ? add(part.unit, own) : own, step[axis]);
          walk(axis + 1, [...pixel, own], [...at, writer.integer(place)], between);
          const end = min(addInt(place, step[axis]), int(extents[axis]));
          writer.loop(addInt(place, 1), writer.integer(end), (next) =>
            walk(axis + 1, [...pixel, own], [...at, next], true),
          );
        });
      };
      walk(0, [], [], false);
    });
}

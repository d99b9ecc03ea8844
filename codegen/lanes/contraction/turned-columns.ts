import { range } from "../../contraction/tiles.js";
import { add, addInt, int, mul } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";
import type { Columns, Opened } from "./column-panels.js";

/**
 * Ends the work on `high` rows of a product whose neighbouring rows lie side by side: sums are turned round in memory of the
 * team, then stored with rows in the lanes.
 */
export function putTurned(
  draft: KernelDraft,
  { product, schedule }: Columns,
  { lane, overPanels, member }: Opened,
  row: Index,
  high: number,
  sum: (row: Index, panel: Index, vector: number) => Value,
): void {
  const { writer } = draft;
  const { lanes, tile } = schedule;
  const pitch = Math.ceil(high / lanes) * lanes;
  const turned = writer.shared("accumulator", tile.vectors * lanes * pitch);
  const turnRound = (panel: Index, vector: number, from: Index, count: number): void => {
    const values = range(lanes).map((i) => (i < count ? sum(addInt(from, i), panel, vector) : ZERO_VALUE));
    writer.stores(turned, add(mul(addInt(lane, vector * lanes), pitch), from), values);
  };
  const rest = high % lanes;
  overPanels(({ first, width, used }, panel) => {
    for (let vector = 0; vector < width; vector++) {
      writer.loop(0, high - rest, (from) => turnRound(panel, vector, from, lanes), lanes);
      if (rest > 0) turnRound(panel, vector, int(high - rest), rest);
    }
    writer.loop(0, (width - 1) * lanes + used, (column) =>
      overVectors(writer, high, lanes, lane, (i) =>
        draft.storeAt(product.coordinates(member, add(row, i), add(mul(first, lanes), column)), {
          type: "real",
          value: load(turned, add(mul(column, pitch), i)),
        }),
      ),
    );
  });
}

import { InternalError } from "../../proto/errors/index.js";
import { addInt, unflatten, ZERO } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import type { LoweredKernel, StepContext } from "./step.js";
import { accumulate, forTiles, inTile, range, tileCount } from "./tiles.js";

/** Batched matrix product in register tiles; parallel over batch × the tiles of the longer side. */
export function lowerMatmul(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if (anchor.op !== "matmul") throw new InternalError(`lowerMatmul of ${anchor.op}`);
  const [a, b] = [anchor.inputs[0], anchor.inputs[1]];
  const [batch, rows, columns] = [anchor.shape[0], anchor.shape[1], anchor.shape[2]];
  const depth = anchor.transA ? a.shape[1] : a.shape[2];

  const draft = context.open();
  const { writer, evaluate } = draft;
  const valueA = (n: Index, m: Index, k: Index) =>
    evaluate.valueAt(a, [a.shape[0] === 1 ? ZERO : n, ...(anchor.transA ? [k, m] : [m, k])]);
  const valueB = (n: Index, k: Index, c: Index) =>
    evaluate.valueAt(b, [b.shape[0] === 1 ? ZERO : n, ...(anchor.transB ? [c, k] : [k, c])]);

  const block = (n: Index, m: Index, height: number, c: Index, width: number): void => {
    const sums = accumulate(
      writer,
      height,
      width,
      (body) => writer.loop(0, depth, body),
      (k) => ({
        rows: range(height).map((i) => valueA(n, addInt(m, i), k)),
        columns: range(width).map((j) => valueB(n, k, addInt(c, j))),
      }),
    );
    for (const i of range(height))
      for (const j of range(width))
        draft.storeAt([n, addInt(m, i), addInt(c, j)], { type: "real", value: sums[i][j] });
  };

  const { rows: tileRows, columns: tileColumns } = target.tile;
  const byColumns = tileCount(columns, tileColumns) >= tileCount(rows, tileRows);
  const tiles = byColumns ? tileCount(columns, tileColumns) : tileCount(rows, tileRows);
  const [n, tile] = unflatten(writer.parallel(batch * tiles), [batch, tiles]) as [Index, Index];
  if (byColumns)
    inTile(writer, columns, tileColumns, tile, (c, width) =>
      forTiles(writer, rows, tileRows, (m, height) => block(n, m, height, c, width)),
    );
  else
    inTile(writer, rows, tileRows, tile, (m, height) =>
      forTiles(writer, columns, tileColumns, (c, width) => block(n, m, height, c, width)),
    );
  return [draft.close(2 * batch * rows * columns * depth)];
}

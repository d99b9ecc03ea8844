import type { ConvSizes } from "../../contraction/conv-sizes.js";
import { sizeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import type { ProductTile } from "./panel-product.js";
import { choosePanelTile, SHARED_CACHES, wantedIterations } from "./pointwise-schedule.js";

/** How the gradient of filters of 1 × 1 is cut up: filters are rows, channels columns, and pixels are summed over. */
export interface PointwiseFilterSchedule {
  readonly tile: ProductTile;
  /** Pixels summed in one go: so many images, and units of each (positions along the first axis of y). */
  readonly chunk: { readonly images: number; readonly units: number };
  /** Parts that chunks, blocks of rows and panels of columns are shared out in. */
  readonly parts: { readonly depth: number; readonly rows: number; readonly columns: number };
  /** Columns are laid out once, for all parts of rows; else each iteration does that for itself. */
  readonly shared: boolean;
}

/** In FMAs: what it costs to turn a vector of x round, to bring one near that lies ready, and an element of y. */
const TURN_TURNS = 12;
const READ_TURNS = 2;
const ROW_TURNS = 0.5;
/** To store a vector of a part's sums, and add it to those before. */
const JOIN_TURNS = 6;

export function choosePointwiseFilter(
  { images, groups, channels, filters, output, pixels }: ConvSizes,
  description: LanesDescription,
  lanes: number,
  realBytes: number,
): PointwiseFilterSchedule {
  const tile = choosePanelTile(description, filters, Math.ceil(channels / lanes));
  const width = tile.vectors * lanes;
  const panels = Math.ceil(channels / width);
  const blocks = Math.ceil(filters / tile.rows);
  const most = Math.max(16, Math.floor(description.l1Bytes / 2 / (width * realBytes)));
  const chunk = chunkOf(images, output, most);
  const chunks = Math.ceil(images / chunk.images) * Math.ceil(output[0] / chunk.units);
  const depth = images * pixels;
  const wanted = wantedIterations(groups * depth * filters * channels);
  const second = description.l2Bytes / realBytes;
  const vectors = panels * tile.vectors;
  const mayShare = groups * depth * vectors * lanes <= SHARED_CACHES * second;
  const inChunk = chunk.images * chunk.units * (pixels / output[0]);
  let best: PointwiseFilterSchedule | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const parts of partsOf(blocks, panels, chunks)) {
    const { rows, columns } = parts;
    const high = Math.ceil(filters / rows);
    const kept = high * Math.ceil(panels / columns) * width;
    const stay = high * inChunk <= second / 2;
    const near = ROW_TURNS * filters * depth * (stay ? columns : panels);
    const join = parts.depth > 1 ? JOIN_TURNS * filters * vectors * parts.depth : 0;
    const few = wanted / (groups * rows * columns * parts.depth);
    for (const shared of rows > 1 && mayShare ? [false, true] : [false]) {
      const layout = shared ? TURN_TURNS + READ_TURNS * rows : TURN_TURNS * rows;
      const work = depth * vectors * (filters + layout) + near + join;
      const cost = work * Math.max(1, few, (4 * kept) / second);
      if (cost < least) [best, least] = [{ tile, chunk, parts, shared }, cost];
    }
  }
  return best ?? { tile, chunk, parts: { depth: 1, rows: 1, columns: 1 }, shared: false };
}

/** Ways to share blocks of rows, panels of columns and chunks of depth out. */
const partsOf = (
  blocks: number,
  panels: number,
  chunks: number,
): readonly PointwiseFilterSchedule["parts"][] =>
  powers(blocks).flatMap((rows) =>
    powers(panels).flatMap((columns) => powers(chunks).map((depth) => ({ rows, columns, depth }))),
  );

/** Whole planes where several are needed, else even parts of one. */
function chunkOf(images: number, output: readonly number[], most: number): PointwiseFilterSchedule["chunk"] {
  const unit = sizeOf(output.slice(1));
  const pixels = output[0] * unit;
  if (pixels <= 1.5 * most) {
    const several = Math.max(1, Math.min(images, Math.floor((1.5 * most) / pixels)));
    return { images: Math.ceil(images / Math.ceil(images / several)), units: output[0] };
  }
  const pieces = Math.min(output[0], Math.max(1, Math.round(pixels / most)));
  return { images: 1, units: Math.ceil(output[0] / pieces) };
}

/** Powers of two up to a number. */
function powers(most: number): readonly number[] {
  const all = [1];
  while (2 * all[all.length - 1] <= most) all.push(2 * all[all.length - 1]);
  return all;
}

import { cut } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { turnsOf } from "./lane-tile.js";
import type { ProductTile } from "./panel-product.js";

/** What is multiplied: rows of weights and pixels of all images, in `groups`. */
export interface PointwiseSizes {
  readonly images: number;
  readonly groups: number;
  readonly rows: number;
  readonly depth: number;
  /** Pixels of an image: units that are not taken apart, and pixels of each. */
  readonly units: number;
  readonly unit: number;
}

export interface PointwiseSchedule {
  readonly tile: ProductTile;
  /** Pixels of an iteration: units of so many images. */
  readonly images: number;
  readonly units: number;
  /** Parts that blocks of rows are shared out in. */
  readonly parts: number;
  /** Pixels are laid out once, for all parts; else each iteration does that for itself. */
  readonly shared: boolean;
  /** Each iteration lays its rows out for itself: few others want the same. */
  readonly ownRows: boolean;
  /** Products summed in one go. */
  readonly depth: number;
}

/** Lanes of the widest vector: rows are laid out in whole vectors of depth. */
const WIDEST_VECTOR = 16;
/** Parts of the pixels up to which each lays the rows out for itself. */
const OWN_ROWS = 2;
/** Iterations there should be, so that threads share them, and products that are worth one. */
const LEAST_ITERATIONS = 16;
const LEAST_PRODUCTS = 2 ** 18;

export const wantedIterations = (products: number): number =>
  Math.min(LEAST_ITERATIONS, products / LEAST_PRODUCTS);

/** In FMAs: what it costs to lay out a vector of pixels, to bring one near that lies ready, and an element of the rows. */
const PANEL_TURNS = 8;
const READ_TURNS = 2;
const ROW_TURNS = 1;
/** What is laid out for all parts may take so many second caches: it should not have to come from memory. */
export const SHARED_CACHES = 8;

/** The schedule with the least work that gives all threads some; the same whatever their number. */
export function choosePointwise(
  sizes: PointwiseSizes,
  description: LanesDescription,
  lanes: number,
  realBytes: number,
): PointwiseSchedule {
  const { images, groups, rows, units, unit } = sizes;
  const tile = choosePanelTile(description, rows, Math.ceil((images * units * unit) / lanes));
  const width = tile.vectors * lanes;
  const most = Math.max(16, Math.floor(description.l1Bytes / 2 / (width * realBytes)));
  const chunks = sizes.depth <= 1.5 * most ? 1 : Math.ceil(sizes.depth / most);
  const depth =
    chunks === 1 ? sizes.depth : Math.ceil(Math.ceil(sizes.depth / chunks) / WIDEST_VECTOR) * WIDEST_VECTOR;
  const products = images * groups * units * unit * rows * sizes.depth;
  const wanted = wantedIterations(products);
  const second = description.l2Bytes / realBytes;
  const panelsOf = (own: PixelCut): number => Math.ceil((own.images * own.units * unit) / width);
  const cuts = cutsOf(sizes, width);
  const fitting = cuts.filter((own) => depth * panelsOf(own) * width <= second / 2);
  let best: PointwiseSchedule | undefined;
  let least = Number.POSITIVE_INFINITY;
  // A panel that does not fit the cache is taken only where there is no other.
  for (const own of fitting.length > 0 ? fitting : cuts.slice(0, 1)) {
    const panels = panelsOf(own);
    const pieces = Math.ceil(images / own.images) * Math.ceil(units / own.units);
    const vectors = pieces * panels * tile.vectors;
    const mayShare = vectors * lanes * sizes.depth <= SHARED_CACHES * second;
    for (const { parts, shared } of partsOf(Math.ceil(rows / tile.rows), mayShare)) {
      const each = Math.ceil(rows / parts);
      const kept = chunks > 1 ? each * panels * width : 0;
      const stay = each * depth <= second / 2;
      const near = ROW_TURNS * rows * pieces * (stay ? 1 : panels);
      const layout = shared ? PANEL_TURNS + READ_TURNS * parts : PANEL_TURNS * parts;
      const work = vectors * (rows + layout) + near;
      const cost = work * Math.max(1, wanted / (pieces * parts * groups), (4 * kept) / second);
      if (cost >= least) continue;
      best = { tile, ...own, parts, shared, ownRows: pieces <= OWN_ROWS, depth };
      least = cost;
    }
  }
  return best ?? { tile, images: 1, units, parts: 1, shared: false, ownRows: true, depth };
}

type PixelCut = Pick<PointwiseSchedule, "images" | "units">;

/** Pixels of an iteration: parts of a plane, the smallest first, or some planes. */
function cutsOf({ images, units, unit }: PointwiseSizes, width: number): readonly PixelCut[] {
  const cuts: PixelCut[] = [];
  const fewest = Math.max(1, Math.floor(width / unit));
  for (let pieces = Math.ceil(units / fewest); pieces > 1; pieces--) {
    const some = Math.ceil(units / pieces);
    // Parts of a line are whole tiles.
    const even = unit === 1 ? Math.ceil(some / width) * width : some;
    if (even < units) cuts.push({ images: 1, units: even });
  }
  for (let own = 1; own <= images; own++) cuts.push({ images: own, units });
  return cuts;
}

/** Ways to share blocks of rows out. */
function partsOf(blocks: number, mayShare: boolean): readonly Pick<PointwiseSchedule, "parts" | "shared">[] {
  const ways = [{ parts: 1, shared: false }];
  for (let parts = 2; parts <= blocks; parts *= 2) {
    ways.push({ parts, shared: false });
    if (mayShare) ways.push({ parts, shared: true });
  }
  return ways;
}

/** A panel of more vectors would take much of the first cache, or few of its rows. */
const WIDEST = 3;

/** The tile that takes fewest turns where all its vectors are multiplied, filled or not; the tallest such. */
export function choosePanelTile(
  { accumulators, registers }: Pick<LanesDescription, "accumulators" | "registers">,
  rows: number,
  vectors: number,
): ProductTile {
  let [best, least]: [ProductTile, number] = [{ rows: 1, vectors: 1 }, Number.POSITIVE_INFINITY];
  for (let high = Math.min(rows, accumulators); high >= 1; high--)
    for (let wide = 1; wide <= WIDEST && wide * high <= accumulators; wide++) {
      if (high * wide + wide >= registers) continue;
      const blocks = cut(rows, high).reduce((sum, { width, count }) => sum + count * turnsOf(width, wide), 0);
      const turns = blocks * Math.ceil(vectors / wide);
      if (turns < least) [best, least] = [{ rows: high, vectors: wide }, turns];
    }
  return best;
}

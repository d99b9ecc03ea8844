import { inTile, range } from "../../contraction/tiles.js";
import { add, addInt, max, mul, sub, ZERO } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";

/** Sums in registers: rows × vectors of columns. */
export interface ProductTile {
  readonly rows: number;
  readonly vectors: number;
}

/**
 * Columns laid out for a tile: `[panel][depth][vectors of a tile × lanes]`, panels `pitch` elements apart. A tile reads its
 * panel from one end to the other.
 */
export interface Panels {
  readonly memory: Memory;
  /** Where the first panel begins. */
  readonly start: Index;
  readonly pitch: number;
  readonly vectors: number;
  readonly lanes: number;
  readonly lane: Index;
}

/** Where vector `vector` of a panel lies at a position of depth. */
export const panelAt = (
  { start, pitch, vectors, lanes, lane }: Panels,
  panel: Index,
  depth: Index,
  vector: number,
): Index =>
  add(addInt(add(add(start, mul(panel, pitch)), mul(depth, vectors * lanes)), vector * lanes), lane);

/** Elements between panels: neighbours whose depth is a power of two would share the sets of a cache. */
export const panelPitch = (depth: number, vectors: number, lanes: number): number =>
  (depth + 1) * vectors * lanes;

/** Sums by row, in memory that all lanes see: `[row][column]`. */
export interface PanelSums {
  readonly memory: Memory;
  readonly pitch: number;
}

/** Rows cut into blocks of a tile's height, numbered; the wider ones come first. */
export interface RowBlocks {
  readonly rows: number;
  readonly height: number;
}

/** The first row of a block, which is also the end of the one before it. */
export function firstRow({ rows, height }: RowBlocks, block: Index): Index {
  const blocks = Math.ceil(rows / height);
  const tall = Math.ceil(rows / blocks);
  const wide = rows - (tall - 1) * blocks;
  return sub(mul(block, tall), max(ZERO, addInt(block, -wide)));
}

/** One block of rows times some panels. */
export interface BlockProduct {
  readonly blocks: RowBlocks;
  readonly block: Index;
  /** What is summed: positions of depth in the panels, and the elements of the block's rows there. */
  overDepth(
    block: { readonly first: Index; readonly height: number },
    body: (depth: Index, left: (row: number) => Value) => void,
  ): void;
  readonly panels: Panels;
  readonly panel: Index;
  /** Where the block's first sum is kept; what is there is added to, unless `fresh`. */
  readonly sums: PanelSums;
  readonly row: Index;
  readonly column: Index;
  readonly fresh: boolean;
}

/** Adds a block of rows times a panel to the sums, in registers. */
export function multiplyBlock(writer: KernelWriter, product: BlockProduct): void {
  const { blocks, block, panels, panel, sums, fresh } = product;
  inTile(writer, blocks.rows, blocks.height, block, (first, height) => {
    const placeOf = (row: number, vector: number): Index => {
      const column = addInt(product.column, vector * panels.lanes);
      return add(add(mul(addInt(product.row, row), sums.pitch), column), panels.lane);
    };
    const own = range(height).map((row) =>
      range(panels.vectors).map((vector) =>
        writer.variable(fresh ? ZERO_VALUE : load(sums.memory, placeOf(row, vector))),
      ),
    );
    product.overDepth({ first, height }, (depth, left) => {
      const vectors = range(panels.vectors).map((vector) =>
        writer.real(load(panels.memory, panelAt(panels, panel, depth, vector))),
      );
      own.forEach((line, row) => {
        const value = left(row);
        line.forEach((sum, vector) => {
          writer.assign(sum, fma(value, vectors[vector], sum));
        });
      });
    });
    own.forEach((line, row) => {
      line.forEach((sum, vector) => {
        writer.store(sums.memory, placeOf(row, vector), sum);
      });
    });
  });
}

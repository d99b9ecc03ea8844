import { range } from "../../contraction/tiles.js";
import { add, addInt, compare, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";
import type { TileSchedule } from "./winograd-schedule.js";
import { type Form, formOf } from "./winograd-sizes.js";
import { eachTile, type Matrices, matrixAt, type Place } from "./winograd-tiles.js";
import {
  inputAdjoint,
  outputTransform,
  POINTS,
  type Transform,
  transformSquare,
} from "./winograd-transforms.js";

/** What of the results an iteration has made. */
interface Made {
  readonly group: Index;
  readonly lane: Index;
  readonly place: Place;
  readonly results: Matrices;
  /** Vectors of filters: the first one, and how many there are. */
  readonly firstVector: Index;
  readonly vectors: Index;
}

/** Results of as many filters as there are lanes, on their way from tiles to rows. */
interface Turning {
  readonly form: Form;
  readonly transform: Transform;
  /** [row][column][filter] of a chunk's tiles: with rows and columns that no result has. */
  readonly tiles: Memory;
  readonly rows: number;
  readonly columns: number;
  /** [filter][pixel], each filter's `pitch` apart; and how many rows they are. */
  readonly planes: Memory;
  readonly pitch: number;
  readonly height: number;
}

function openTurning({ writer }: KernelDraft, { sizes, lanes, chunks }: TileSchedule): Turning {
  const { block, output, tiles } = sizes;
  const form = formOf(sizes);
  const [rows, columns] = [chunks.rows, tiles[1]].map((count) => (count - 1) * block + form.made);
  const height = sizes.adjoint ? output[0] : chunks.rows * block;
  // A row's last vector may reach over its end.
  const pitch = Math.ceil((height * output[1]) / lanes + 2) * lanes;
  return {
    form,
    transform: sizes.adjoint ? inputAdjoint : outputTransform(block),
    tiles: writer.shared("accumulator", rows * columns * lanes),
    rows,
    columns,
    planes: writer.shared("accumulator", pitch * lanes),
    pitch,
    height,
  };
}

/**
 * Makes results of the products of a chunk, and ends the work on them with pixels in the lanes: tiles are transformed with
 * filters side by side, and turned in blocks of lanes × lanes. Tiles of an adjoint overlap, and are added.
 */
export function storeTiles(draft: KernelDraft, schedule: TileSchedule, made: Made): void {
  const { writer } = draft;
  const { sizes, lanes } = schedule;
  const turning = openTurning(draft, schedule);
  made.place.eachImage((image, number) =>
    writer.loop(0, made.vectors, (vector) => {
      transformTiles(draft, schedule, made, turning, number, vector);
      turnRows(draft, schedule, made.lane, turning);
      const filter = writer.integer(mul(add(made.firstVector, vector), lanes), 0, sizes.filters - 1);
      storeRows(draft, schedule, made, turning, image, filter);
    }),
  );
}

function transformTiles(
  { writer }: KernelDraft,
  { sizes, lanes, chunks }: TileSchedule,
  { lane, results }: Made,
  { transform, tiles, rows, columns }: Turning,
  number: Index,
  vector: Index,
): void {
  const { block, adjoint } = sizes;
  if (adjoint)
    writer.loop(0, rows * columns, (i) => writer.store(tiles, add(mul(i, lanes), lane), ZERO_VALUE));
  eachTile(writer, sizes, chunks, number, (row, column, tile) => {
    const from = writer.integer(matrixAt(results, tile, mul(vector, lanes)));
    const to = writer.integer(mul(add(mul(row, block * columns), mul(column, block)), lanes));
    transformSquare(
      writer,
      transform,
      POINTS,
      (i, j) => load(results.memory, add(addInt(from, (i * POINTS + j) * results.position), lane)),
      (i, line) => {
        line.forEach((value, j) => {
          const at = add(addInt(to, (i * columns + j) * lanes), lane);
          writer.store(tiles, at, adjoint ? plus(load(tiles, at), value) : value);
        });
      },
    );
  });
}

/** A row's last block overlaps the one before; what a short row has too much, the next row overwrites. */
function turnRows(
  { writer }: KernelDraft,
  { sizes, lanes }: TileSchedule,
  lane: Index,
  { form, tiles, columns, planes, pitch, height }: Turning,
): void {
  const width = sizes.output[1];
  const [top, left] = form.start;
  writer.loop(0, height, (row) =>
    writer.loop(0, Math.ceil(width / lanes), (turn) => {
      const column = width < lanes ? int(0) : writer.integer(min(mul(turn, lanes), int(width - lanes)));
      const from = writer.integer(mul(add(mul(addInt(row, top), columns), addInt(column, left)), lanes));
      writer.stores(
        planes,
        add(add(mul(row, width), column), mul(lane, pitch)),
        range(lanes).map(
          (i): Value => (i < width ? load(tiles, add(addInt(from, i * lanes), lane)) : ZERO_VALUE),
        ),
      );
    }),
  );
}

function storeRows(
  draft: KernelDraft,
  { sizes, lanes, chunks }: TileSchedule,
  { group, lane, place }: Made,
  { planes, pitch, height: rows }: Turning,
  image: Index,
  filter: Index,
): void {
  const { writer } = draft;
  const { output, filters, block } = sizes;
  const [height, width] = output;
  const first = writer.integer(mul(place.firstRow, block * width));
  const store = (pixels: number): void => {
    const count = writer.integer(min(int(lanes), sub(int(filters), filter)), 1, lanes);
    writer.loop(0, count, (own) => {
      const channel = add(mul(group, filters), add(filter, own));
      overVectors(writer, pixels, lanes, lane, (pixel) => {
        draft.storeAt([image, channel, ...unflatten(add(first, pixel), output)], {
          type: "real",
          value: load(planes, add(mul(own, pitch), pixel)),
        });
      });
    });
  };
  const whole = Math.min(rows, height);
  const last = height - (chunks.parts - 1) * rows;
  if (chunks.parts === 1 || whole === last) store(whole * width);
  else
    writer.when(
      compare("lt", place.firstRow, int((chunks.parts - 1) * chunks.rows)),
      () => store(whole * width),
      () => store(last * width),
    );
}

import type { ConvSizes } from "../../contraction/conv-sizes.js";
import { dot, overShape } from "../../contraction/positions.js";
import { stridesOf } from "../../contraction/strided.js";
import { range } from "../../contraction/tiles.js";
import { type Shape, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { type KernelWriter, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";
import { openPlanes, type PlaneOperand } from "./pad.js";
import { type Panels, panelAt, panelPitch } from "./panel-product.js";
import type { PointwiseFilterSchedule } from "./pointwise-filter-schedule.js";

/** A gradient of filters of 1 × 1, on its way to kernels. */
export interface PointwiseFilter {
  readonly sizes: ConvSizes;
  readonly schedule: PointwiseFilterSchedule;
  readonly lanes: number;
  readonly x: PlaneOperand;
  readonly y: PlaneOperand;
  /** Where panels and parts of sums lie in the step's workspace. */
  readonly places: { readonly panels: number; readonly parts: number };
}

/** How pixels and channels are cut. */
export function filterCut({ sizes, schedule, lanes }: PointwiseFilter) {
  const { images, filters, channels, output, pixels } = sizes;
  const { tile, chunk, parts } = schedule;
  const width = tile.vectors * lanes;
  const unit = pixels / output[0];
  const pitch = panelPitch(chunk.images * chunk.units * unit, tile.vectors, lanes);
  const panels = Math.ceil(channels / width);
  const pieces = Math.ceil(output[0] / chunk.units);
  return {
    width,
    unit,
    pitch,
    panels,
    blocks: Math.ceil(filters / tile.rows),
    pieces,
    chunks: Math.ceil(images / chunk.images) * pieces,
    each: {
      chunks: Math.ceil((Math.ceil(images / chunk.images) * pieces) / parts.depth),
      blocks: Math.ceil(Math.ceil(filters / tile.rows) / parts.rows),
      panels: Math.ceil(panels / parts.columns),
    },
  };
}

/** The pixels of a chunk: images from one on, and units of each. */
export interface PixelChunk {
  readonly image: Index;
  readonly images: Index;
  readonly unit: Index;
  readonly units: Index;
  readonly piece: Index;
}

export function chunkOf(writer: KernelWriter, of: PointwiseFilter, number: Index): PixelChunk {
  const { images, output } = of.sizes;
  const { chunk } = of.schedule;
  const { pieces, chunks } = filterCut(of);
  const [some, piece] = unflatten(number, [chunks / pieces, pieces]).map((c) => writer.integer(c));
  const image = writer.integer(mul(some, chunk.images));
  const unit = writer.integer(mul(piece, chunk.units));
  return {
    image,
    images: writer.integer(min(int(chunk.images), sub(int(images), image)), 1, chunk.images),
    unit,
    units: writer.integer(min(int(chunk.units), sub(int(output[0]), unit)), 1, chunk.units),
    piece,
  };
}

/** Turns the channels of some panels round, pixel by pixel: at each, the channels of a panel lie side by side. */
export function openTurning(
  draft: KernelDraft,
  of: PointwiseFilter,
  panels: Panels,
): (group: Index, chunk: PixelChunk, first: Index, count: Index) => void {
  const { writer } = draft;
  const { sizes, schedule, lanes } = of;
  const { groups, channels, output, padded, stride } = sizes;
  const { lane, vectors } = panels;
  const { width, unit } = filterCut(of);
  const source = openPlanes(draft, of.x);
  const plane = sizeOf(padded);
  const strides = stridesOf(padded).map((own, axis) => own * stride[axis]);
  const last = output.length - 1;

  /** A line of pixels of neighbouring channels; `from`: its first element in the first of them, `depth` its first pixel. */
  const turnLine = (
    length: number,
    panel: Index,
    vector: number,
    filled: number,
    from: Index,
    depth: Index,
  ) =>
    overVectors(writer, length, lanes, lane, (at) => {
      const values = range(lanes).map((channel) =>
        channel < filled ? source(add(addInt(from, channel * plane), mul(at, strides[last]))) : ZERO_VALUE,
      );
      const to = sub(panelAt(panels, panel, add(depth, at), vector), lane);
      writer.stores(panels.memory, to, values);
    });
  const turnVector = (
    { image, images, unit: unit0, units, piece }: PixelChunk,
    [group, panel, slot]: readonly [Index, Index, Index],
    vector: number,
    filled: number,
  ): void =>
    writer.loop(0, images, (own) => {
      const member = add(mul(add(image, own), groups), group);
      const channel = addInt(mul(panel, width), vector * lanes);
      const start = writer.integer(mul(add(mul(member, channels), channel), plane));
      const depth = writer.integer(mul(own, schedule.chunk.units * unit));
      if (last === 0) {
        const line = (length: number): void =>
          turnLine(length, slot, vector, filled, add(start, mul(unit0, strides[0])), depth);
        eachLength(writer, of, piece, line);
        return;
      }
      writer.loop(0, units, (row) =>
        overShape(writer, output.slice(1, -1), (middle) => {
          const at = [add(unit0, row), ...middle];
          const inside = flatten([row, ...middle], [schedule.chunk.units, ...output.slice(1, -1)]);
          turnLine(
            output[last],
            slot,
            vector,
            filled,
            writer.integer(add(start, dot(at, strides.slice(0, -1)))),
            writer.integer(add(depth, mul(inside, output[last]))),
          );
        }),
      );
    });
  return (group, chunk, first, count) =>
    writer.loop(0, count, (slot) => {
      const panel = writer.integer(add(first, slot));
      const fill = (inPanel: number): void => {
        for (let vector = 0; vector < vectors; vector++)
          turnVector(chunk, [group, panel, slot], vector, Math.min(lanes, inPanel - vector * lanes));
      };
      const whole = Math.floor(channels / width);
      writer.when(
        compare("lt", panel, int(whole)),
        () => fill(width),
        () => fill(channels - whole * width),
      );
    });
}

/** Units of a chunk on one axis: as many as all have, or the last. */
function eachLength(
  writer: KernelWriter,
  of: PointwiseFilter,
  piece: Index,
  body: (length: number) => void,
): void {
  const { units } = of.schedule.chunk;
  const { pieces } = filterCut(of);
  const rest = of.sizes.output[0] - (pieces - 1) * units;
  writer.when(
    rest === units || compare("lt", piece, int(pieces - 1)),
    () => body(units),
    () => body(rest),
  );
}

/** Extents of what iterations are told apart by, outermost first. */
export const filterShape = (of: PointwiseFilter): Shape => {
  const { each, chunks, blocks, panels } = filterCut(of);
  return [
    Math.ceil(chunks / each.chunks),
    of.sizes.groups,
    Math.ceil(blocks / each.blocks),
    Math.ceil(panels / each.panels),
  ];
};

import { type Shape, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, div, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import type { KernelWriter } from "../../kernel/writer.js";
import type { PlaneSource } from "./correlation.js";
import { panelPitch } from "./panel-product.js";
import type { PointwiseSchedule, PointwiseSizes } from "./pointwise-schedule.js";
import type { BlockedRows } from "./row-blocks.js";

/**
 * A product of weights and the pixels of planes, all images together: result[row, pixel] = Σ over channels of
 * weights[row, channel] · source[channel, pixel].
 */
export interface Pointwise {
  readonly images: number;
  readonly groups: number;
  /** Of one group: those summed over, and those of the result. */
  readonly channels: number;
  readonly results: number;
  /** Pixels that are multiplied: of the source's planes those `step` apart. */
  readonly pixels: Shape;
  readonly source: PlaneSource & { readonly step: readonly number[] };
  /** Pixels lie `step` apart in planes of the result; what is between them is 0. */
  readonly extents: Shape;
  readonly step: readonly number[];
  readonly weights: Omit<BlockedRows, "height">;
}

/** The same with pixels in rows: an axis in front where a single one has steps. */
export function inRows(of: Pointwise): Pointwise {
  const plain = [...of.source.step, ...of.step].every((step) => step === 1);
  if (of.pixels.length !== 1 || plain) return of;
  return {
    ...of,
    pixels: [1, ...of.pixels],
    source: { ...of.source, extents: [1, ...of.source.extents], step: [1, ...of.source.step] },
    extents: [1, ...of.extents],
    step: [1, ...of.step],
  };
}

export const pointwiseSizes = (of: Pointwise): PointwiseSizes => {
  const { images, groups, results, channels, pixels } = of;
  return { images, groups, rows: results, depth: channels, units: pixels[0], unit: unitPixels(of) };
};

/** On its way to kernels. */
export interface PointwiseProduct {
  readonly of: Pointwise;
  readonly schedule: PointwiseSchedule;
  readonly lanes: number;
  readonly weights: BlockedRows;
  /** Where each lies in the step's workspace. */
  readonly places: { readonly weights: number; readonly source: number; readonly panels: number };
}

/** Pixels of a unit: a stretch of the first axis, with all of the others. */
export const unitPixels = ({ pixels }: Pointwise): number => sizeOf(pixels.slice(1));

/** Whether the pixels of a part lie side by side in a plane. */
export const sideBySide = ({ of, schedule }: PointwiseProduct): boolean =>
  of.pixels.length === 1 && schedule.images === 1;

/** How pixels and depth are cut: parts of pixels, panels of one, chunks of depth. */
export function cutOf({ of, schedule, lanes }: PointwiseProduct) {
  const { tile } = schedule;
  const width = tile.vectors * lanes;
  const panels = Math.ceil((schedule.images * schedule.units * unitPixels(of)) / width);
  const pitch = panelPitch(schedule.depth, tile.vectors, lanes);
  return {
    width,
    panels,
    pitch,
    /** Elements of the panels of one part and chunk. */
    elements: panels * pitch,
    groups: of.groups,
    images: Math.ceil(of.images / schedule.images),
    pieces: Math.ceil(of.pixels[0] / schedule.units),
    chunks: Math.ceil(of.channels / schedule.depth),
  };
}

/** The pixels of an iteration: so many images from one on, and units of each. */
export interface Part {
  readonly group: Index;
  readonly image: Index;
  readonly images: Index;
  readonly unit: Index;
  readonly units: Index;
  /** Panels that hold them. */
  readonly panels: Index;
  /** Its number among all parts. */
  readonly number: Index;
  /** The body for as many units as there are: the last part may have fewer. */
  inUnits(body: (units: number) => void): void;
}

/** What `number` stands for among the parts of all groups. */
export function partOf(writer: KernelWriter, product: PointwiseProduct, number: Index): Part {
  const { of, schedule } = product;
  const [units] = of.pixels;
  const { groups, images, pieces, width, panels } = cutOf(product);
  const [group, some, piece] = unflatten(number, [groups, images, pieces]).map((c) => writer.integer(c));
  const image = writer.integer(mul(some, schedule.images));
  const unit = writer.integer(mul(piece, schedule.units));
  const rest = units - (pieces - 1) * schedule.units;
  const own = {
    images: writer.integer(min(int(schedule.images), sub(int(of.images), image)), 1, schedule.images),
    units: writer.integer(min(int(schedule.units), sub(int(units), unit)), 1, schedule.units),
  };
  // Images lie one behind the other, each with room for all units.
  const pixels = add(
    mul(addInt(own.images, -1), schedule.units * unitPixels(of)),
    mul(own.units, unitPixels(of)),
  );
  return {
    group,
    image,
    unit,
    ...own,
    number,
    panels: writer.integer(div(addInt(pixels, width - 1), width), 1, panels),
    inUnits: (body) =>
      writer.when(
        rest === schedule.units || compare("lt", piece, int(pieces - 1)),
        () => body(schedule.units),
        () => body(rest),
      ),
  };
}

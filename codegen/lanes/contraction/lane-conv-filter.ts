import { InternalError } from "../../../proto/errors/index.js";
import { lowerBlocked } from "../../contraction/blocked.js";
import { type ConvSizes, convSizes } from "../../contraction/conv-sizes.js";
import { dot, overShape } from "../../contraction/positions.js";
import { convViews } from "../../contraction/strided-products.js";
import { forTiles, inTile, range, tileCount } from "../../contraction/tiles.js";
import { type Node, type Shape, sizeOf } from "../../ir/graph.js";
import { add, addInt, flatten, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { lanesFor, widestVector } from "../lane-nest.js";
import { overVectors } from "../over-vectors.js";
import { chooseBox, chooseFilterSchedule, chunkCount, type FilterSchedule } from "./filter-schedule.js";
import { copyOf, isMostlyPadding } from "./lane-conv.js";
import { lowerPointwiseFilter } from "./lower-pointwise-filter.js";
import { overRow } from "./over-row.js";
import { aligned, lowerPacking, type Packing, packedAt, packedElements } from "./pack.js";
import { lowerPadding, type PaddedPlanes, paddedElements } from "./pad.js";
import { choosePixelFilter, lowerPixelFilter } from "./pixel-filter.js";
import { isPointwiseFilter } from "./pointwise-conv.js";

/** Turns of an FMA that it takes to pack an element. */
const PACKING_TURNS = 3;

/** The gradient of a convolution's filters, on its way to kernels. */
interface FilterSums {
  readonly sizes: ConvSizes;
  readonly lanes: number;
  readonly schedule: FilterSchedule;
  readonly accumulators: { readonly accumulators: number; readonly registers: number };
  readonly x: { readonly node: Node; readonly copy?: PaddedPlanes };
  readonly y: Packing;
  /** Where each lies in the step's workspace. */
  readonly places: { readonly x: number; readonly y: number; readonly parts: number };
}

/**
 * The adjoint of convolution in w, dw[o, c, tap] = Σ over images and pixels of y[n, o, p] · x[n, c, p·stride + tap·dilation −
 * pad], in lanes of filters: y is laid out pixel by pixel, x with its padding; an element of x is multiplied with
 * vectors of y, and a tile keeps some taps' sums in registers.
 */
export function lowerLaneConvFilter(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target, options } = context;
  if (anchor.op !== "convFilter") throw new InternalError(`lowerLaneConvFilter of ${anchor.op}`);
  const [x, y] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, anchor.shape);
  const copy = copyOf(context, x, sizes);
  const widest = widestVector(context);
  if (!target.lanes || (copy && isMostlyPadding(copy))) return lowerBlocked(context);
  if (isPointwiseFilter(sizes)) return lowerPointwiseFilter(context, target.lanes, sizes, copy, widest);
  const lanes = lanesFor(sizes.filters, widest);
  const schedule = chooseFilterSchedule(sizes, { ...target, lanes: target.lanes }, lanes, options.realBytes);
  const pixels = choosePixelFilter(context, sizes);
  const packed = PACKING_TURNS * sizeOf(y.shape);
  if (pixels && pixels.schedule.turns < schedule.turns + packed) return lowerPixelFilter(context, pixels);
  const packing: Packing = {
    node: y,
    members: { count: sizes.images * sizes.groups, stride: sizes.filters * sizes.pixels },
    rows: { count: sizes.filters, stride: sizes.pixels },
    depth: { shape: [sizes.pixels], strides: [1] },
    lanes,
    vectors: schedule.vectors,
  };
  const atX = aligned(packedElements(packing));
  const places = { y: 0, x: atX, parts: aligned(atX + (copy ? paddedElements(copy) : 0)) };
  const of: FilterSums = {
    sizes,
    lanes,
    schedule,
    accumulators: target.lanes,
    x: { node: x, ...(copy && { copy }) },
    y: packing,
    places,
  };
  return [
    lowerPacking(context, packing, places.y),
    ...(copy ? [lowerPadding(context, copy, widest, places.x)] : []),
    lowerSums(context, of),
    ...(schedule.parts > 1 ? [lowerJoin(context, of)] : []),
  ];
}

/** Results of an iteration: vectors of a block of filters × taps of some channels. */
interface Part {
  readonly group: Index;
  /** The block's first vector, and how many it has. */
  readonly first: Index;
  readonly vectors: number;
  readonly channel: Index;
  readonly channels: number;
}

const blockElements = ({ sizes, lanes, schedule }: FilterSums): number =>
  schedule.vectors * lanes * schedule.channels * sizes.taps;

/** Iterations without their parts, and the results of each. */
function overResults({ sizes, lanes, schedule }: FilterSums) {
  const { groups, filters, channels } = sizes;
  const vectors = Math.ceil(filters / lanes);
  const counts = [groups, tileCount(vectors, schedule.vectors), tileCount(channels, schedule.channels)];
  return {
    counts,
    inPart(writer: KernelWriter, [group, block, some]: readonly Index[], body: (part: Part) => void): void {
      inTile(writer, vectors, schedule.vectors, block, (first, wide) =>
        inTile(writer, channels, schedule.channels, some, (channel, own) =>
          body({ group, first, vectors: wide, channel, channels: own }),
        ),
      );
    },
  };
}

function lowerSums(context: StepContext, of: FilterSums): LoweredKernel {
  const { sizes, lanes, schedule, places } = of;
  const draft = context.open();
  const { writer } = draft;
  const results = overResults(of);
  const shape = [schedule.parts, ...results.counts];
  const iteration = writer.parallel(sizeOf(shape));
  const [part, ...at] = unflatten(iteration, shape).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const sums = writer.scratch("accumulator", blockElements(of) / lanes);
  const memory: Opened = { ...openOperands(draft, of), sums, lane };
  const partial =
    schedule.parts > 1 ? draft.workspace(places.parts, sizeOf(shape) * blockElements(of)) : undefined;
  results.inPart(writer, at, (block) => {
    const count = block.channels * sizes.taps * block.vectors;
    writer.loop(0, count, (i) => writer.store(sums, i, ZERO_VALUE));
    overChunks(writer, of, part, (chunk) => sumChunk(draft, of, memory, block, chunk));
    if (partial === undefined) finish(context, draft, of, lane, block, (i) => load(sums, i));
    else
      writer.loop(0, count, (i) =>
        writer.store(
          partial,
          add(mul(iteration, blockElements(of)), add(mul(i, lanes), lane)),
          load(sums, i),
        ),
      );
  });
  const { images, groups, filters, pixels, channels, taps } = sizes;
  const note = describe(context.anchor, context.stores);
  return draft.close(
    2 * images * groups * filters * pixels * channels * taps,
    schedule.parts > 1 ? `${note}, in ${schedule.parts} parts` : note,
  );
}

/** Adds the parts of each sum in order. */
function lowerJoin(context: StepContext, of: FilterSums): LoweredKernel {
  const { lanes, schedule, places } = of;
  const draft = context.open();
  const { writer } = draft;
  const results = overResults(of);
  const all = sizeOf(results.counts);
  const iteration = writer.parallel(all);
  const at = unflatten(iteration, results.counts).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const own = blockElements(of);
  const partial = draft.workspace(places.parts, schedule.parts * all * own);
  const start = writer.integer(add(mul(iteration, own), lane));
  results.inPart(writer, at, (block) =>
    finish(context, draft, of, lane, block, (i) => {
      const part = (number: Index | number): Value =>
        load(
          partial,
          add(
            add(start, mul(i, lanes)),
            typeof number === "number" ? int(number * all * own) : mul(number, all * own),
          ),
        );
      const sum = writer.variable(part(0));
      writer.loop(1, schedule.parts, (number) => writer.assign(sum, plus(sum, part(number))));
      return sum;
    }),
  );
  const flops = (schedule.parts - 1) * sizeOf(context.anchor.shape);
  return draft.close(flops, `${describe(context.anchor, context.stores)}, sum of ${schedule.parts} parts`);
}

interface Opened {
  readonly x: { readonly at: (position: Index) => Value };
  readonly y: Memory;
  readonly sums: Memory;
  readonly lane: Index;
}

function openOperands(draft: KernelDraft, { x, y, places }: FilterSums): Pick<Opened, "x" | "y"> {
  const packed = draft.workspace(places.y, packedElements(y));
  if (!x.copy) return { y: packed, x: { at: (position) => draft.evaluate.elementAt(x.node, position) } };
  const memory = draft.workspace(places.x, paddedElements(x.copy));
  return { y: packed, x: { at: (position) => draft.writer.real(load(memory, position)) } };
}

/** Stretches of images and rows: from … to. */
interface Chunk {
  readonly images: readonly [Index, Index];
  readonly rows: readonly [Index, Index];
}

function overChunks(
  writer: KernelWriter,
  { sizes, schedule: { chunk, parts } }: FilterSums,
  part: Index,
  body: (chunk: Chunk) => void,
): void {
  const { images, output } = sizes;
  const chunks = chunkCount(sizes, chunk);
  const each = Math.ceil(chunks / parts);
  const from = mul(part, each);
  const to = writer.integer(min(addInt(from, each), int(chunks)));
  const rows = Math.ceil(output[0] / chunk.rows);
  const stretch = (number: Index, size: number, extent: number): readonly [Index, Index] => {
    if (size === extent) return [int(0), int(extent)];
    const start = writer.integer(mul(number, size));
    return [start, writer.integer(min(addInt(start, size), int(extent)))];
  };
  writer.loop(from, to, (number) => {
    const [image, row] = unflatten(number, [chunks / rows, rows]).map((c) => writer.integer(c));
    body({ images: stretch(image, chunk.images, images), rows: stretch(row, chunk.rows, output[0]) });
  });
}

/** Adds what the pixels of a chunk give to all sums of an iteration. */
function sumChunk(
  { writer }: KernelDraft,
  of: FilterSums,
  memory: Opened,
  block: Part,
  { images, rows }: Chunk,
): void {
  const { sizes, accumulators } = of;
  const { groups, channels, kernel, output, plane, pixels } = sizes;
  const { x } = convViews(sizes);
  const { vectors } = block;
  const extents = [block.channels, ...kernel];
  const { box } = chooseBox(accumulators, extents, vectors, pixels);
  overBoxes(writer, extents, box, (start, widths) => {
    const taps: (readonly Index[])[] = [];
    const list = (axis: number, at: readonly number[]): void => {
      if (axis === widths.length) taps.push(at.map((v, i) => addInt(start[i], v)));
      else for (let v = 0; v < widths[axis]; v++) list(axis + 1, [...at, v]);
    };
    list(0, []);
    const placeOf = (tap: readonly Index[], vector: number): Index =>
      addInt(mul(flatten(tap, extents), vectors), vector);
    const sums = taps.map((tap) =>
      range(vectors).map((vector) => writer.variable(load(memory.sums, placeOf(tap, vector)))),
    );
    writer.loop(...images, (image) => {
      const member = add(mul(image, groups), block.group);
      const plane0 = mul(add(mul(member, channels), block.channel), plane);
      const turn = (pixel: readonly Index[]): void => {
        // Neighbouring pixels share elements of x: kept from one to the next, they would take the sums' registers.
        writer.barrier();
        const depth = flatten(pixel, output);
        const packed = { member, first: block.first, width: vectors };
        const ys = range(vectors).map((vector) =>
          writer.real(load(memory.y, add(packedAt(of.y, packed, depth, vector), memory.lane))),
        );
        const from = add(plane0, dot(pixel, x.pixel));
        taps.forEach((tap, i) => {
          const value = memory.x.at(add(from, dot(tap, x.tap)));
          ys.forEach((own, vector) => {
            writer.assign(sums[i][vector], fma(value, own, sums[i][vector]));
          });
        });
      };
      const products = taps.length * vectors;
      if (output.length === 1) overRow(writer, rows, products, (at) => turn([at]));
      else
        writer.loop(...rows, (row) =>
          overShape(writer, output.slice(1, -1), (middle) =>
            overRow(writer, [int(0), int(output[output.length - 1])], products, (at) =>
              turn([row, ...middle, at]),
            ),
          ),
        );
    });
    taps.forEach((tap, i) => {
      sums[i].forEach((sum, vector) => {
        writer.store(memory.sums, placeOf(tap, vector), sum);
      });
    });
  });
}

/** Loops over the boxes that cover a shape; the body is written once for each form that they have. */
function overBoxes(
  writer: KernelWriter,
  extents: Shape,
  box: Shape,
  body: (start: readonly Index[], widths: readonly number[]) => void,
): void {
  const walk = (axis: number, start: readonly Index[], widths: readonly number[]): void => {
    if (axis === extents.length) body(start, widths);
    else
      forTiles(writer, extents[axis], box[axis], (first, width) =>
        walk(axis + 1, [...start, first], [...widths, width]),
      );
  };
  walk(0, [], []);
}

/** Ends the work on the results of an iteration: turned round in memory of the team, then with taps in the lanes. */
function finish(
  { anchor }: StepContext,
  draft: KernelDraft,
  { sizes, lanes, schedule }: FilterSums,
  lane: Index,
  { group, first, vectors, channel, channels }: Part,
  sum: (i: Index) => Value,
): void {
  const { writer } = draft;
  const { filters, taps } = sizes;
  const pitch = Math.ceil((schedule.channels * taps) / lanes) * lanes;
  const turned = writer.shared("accumulator", schedule.vectors * lanes * pitch);
  const own = channels * taps;
  const turnRound = (from: Index, count: number): void => {
    for (let vector = 0; vector < vectors; vector++) {
      const values = range(lanes).map((i) =>
        i < count ? sum(addInt(mul(addInt(from, i), vectors), vector)) : ZERO_VALUE,
      );
      writer.stores(turned, add(mul(addInt(lane, vector * lanes), pitch), from), values);
    }
  };
  const whole = own - (own % lanes);
  writer.loop(0, whole, (from) => turnRound(from, lanes), lanes);
  if (whole < own) turnRound(int(whole), own - whole);
  const start = mul(first, lanes);
  const count = writer.integer(min(int(vectors * lanes), sub(int(filters), start)));
  writer.loop(0, count, (o) => {
    const filter = add(mul(group, filters), add(start, o));
    const from = mul(add(mul(filter, sizes.channels), channel), taps);
    overVectors(writer, own, lanes, lane, (at) =>
      draft.storeAt(unflatten(add(from, at), anchor.shape), {
        type: "real",
        value: load(turned, add(mul(o, pitch), at)),
      }),
    );
  });
}

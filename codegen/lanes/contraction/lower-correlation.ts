import { inTile, tileCount } from "../../contraction/tiles.js";
import { sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, gcd, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { load } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";
import { type Correlation, flopsOf, type Places } from "./correlation.js";
import { partsOf, type Span } from "./correlation-parts.js";
import { type Opened, sumSpan, togetherOf } from "./correlation-sums.js";
import { type LaneTile, LINE_BYTES } from "./lane-tile.js";
import { type PackedBlock, packedMemory } from "./pack.js";
import { paddedElements } from "./pad.js";

/** Of a first cache: lines that share a set. */
const WAYS = 8;

export function lowerCorrelation(
  context: StepContext,
  of: Correlation,
  tile: LaneTile,
  places: Places,
): LoweredKernel {
  const { images, groups, results, weights } = of;
  const { lanes } = weights;
  const draft = context.open();
  const { writer } = draft;
  const chunk = chunkOf(context, of, tile);
  const parts = partsOf(context, of, tile, chunk < of.channels ? 3 : 2);
  const vectors = Math.ceil(results / lanes);
  const blocks = tileCount(vectors, tile.vectors);
  const stays = sourceStays(context, of, { blocks, parts: parts.count });
  const [image, group, ...inner] = unflatten(
    writer.parallel(images * groups * blocks * parts.count),
    stays ? [images, groups, parts.count, blocks] : [images, groups, blocks, parts.count],
  ).map((c) => writer.integer(c));
  const [block, part] = stays ? inner.toReversed() : inner;
  const lane = writer.team(lanes);
  const memory: Opened = {
    source: openSource(draft, of, places, add(mul(image, groups), group)),
    weights: packedMemory(context, draft, weights, places.weights),
    sums: writer.shared("accumulator", tile.vectors * lanes * parts.pitch),
    ...(chunk < of.channels && {
      partial: writer.shared("accumulator", tile.vectors * lanes * parts.most),
    }),
    lane,
  };
  inTile(writer, vectors, tile.vectors, block, (first, width) => {
    const to: PackedBlock = { member: group, first, width };
    parts.inPart(writer, part, (span) => {
      sumSpan(draft, { of, tile, memory, block: to, span, pitch: parts.pitch, chunk });
      storeSpan(draft, context, of, memory, { ...to, image }, span, parts.pitch);
    });
  });
  return draft.close(flopsOf(of));
}

/**
 * Whether blocks of channels follow one another over a part of an image, or parts over a block: whichever brings less
 * into the second cache, of which what stays may take half.
 */
function sourceStays(
  { target, options }: StepContext,
  { channels, results, source, kernel }: Correlation,
  { blocks, parts }: { readonly blocks: number; readonly parts: number },
): boolean {
  const most = (target.lanes?.l2Bytes ?? 0) / 2;
  const traffic = (elements: number, times: number): number => {
    const bytes = elements * options.realBytes;
    return bytes > most ? bytes * times : bytes;
  };
  const image = traffic(channels * sizeOf(source.extents), blocks);
  const weights = traffic(results * channels * sizeOf(kernel), parts);
  return weights < image;
}

/**
 * Channels whose packed weights take a quarter of the first cache: all pixels of a part are summed over them before the
 * next ones, so that weights are read from there for all tiles but the first.
 */
function chunkOf({ target, options }: StepContext, of: Correlation, tile: LaneTile): number {
  const taps = Math.max(
    1,
    ...of.inner.map((line) => of.outer.reduce((all, { taps }) => all * taps.count, line.taps.count)),
  );
  const turn = tile.vectors * of.weights.lanes * options.realBytes;
  const cache = target.lanes?.l1Bytes ?? 0;
  // Planes that lie a power of two apart share few sets of the cache: half of those may hold lines of the source.
  const way = cache / WAYS;
  const apart = gcd(sizeOf(of.source.extents) * options.realBytes, way);
  const lines = ((way / Math.max(LINE_BYTES, apart)) * WAYS) / 2 / Math.max(1, taps / of.inner[0].taps.count);
  const most = Math.max(1, Math.floor(Math.min(cache / 4 / turn / taps, lines)));
  if (of.channels * 2 <= most * 3) return of.channels;
  const each = Math.ceil(of.channels / Math.ceil(of.channels / most));
  // Lines of one tap among those of more are written out as well.
  const together = togetherOf(of.channels, 1);
  return Math.ceil(each / together) * together;
}

function openSource(
  draft: KernelDraft,
  { channels, source }: Correlation,
  places: Places,
  member: Index,
): Opened["source"] {
  const start = draft.writer.integer(mul(member, channels * sizeOf(source.extents)));
  if (!source.copy) return { start, at: (position) => draft.evaluate.elementAt(source.node, position) };
  const memory = draft.workspace(places.source, paddedElements(source.copy));
  return { start, at: (position) => draft.writer.real(load(memory, position)) };
}

/** Ends the work on an iteration's results, pixels in the lanes. */
function storeSpan(
  draft: KernelDraft,
  { anchor }: StepContext,
  of: Correlation,
  { sums, lane }: Opened,
  { image, member, first, width }: PackedBlock & { readonly image: Index },
  span: Span,
  pitch: number,
): void {
  const { writer } = draft;
  const { lanes } = of.weights;
  const spatial = anchor.shape.slice(2);
  const length = of.extents[of.extents.length - 1];
  const step = of.inner[0].result.step;
  const start = mul(first, lanes);
  const channels = writer.integer(
    min(int(width * lanes), sub(int(of.results), start)),
    1,
    Math.min(of.results, width * lanes),
  );
  const stretch = (from: Index, own: Index, elements: number): void =>
    writer.loop(0, channels, (o) =>
      overVectors(writer, elements, lanes, lane, (at) => {
        const channel = add(mul(member, of.results), add(start, o));
        draft.storeAt([image, channel, ...unflatten(add(from, at), spatial)], {
          type: "real",
          value: load(sums, add(mul(o, pitch), add(own, at))),
        });
      }),
    );
  const whole = of.outer.every(({ result }) => result.step === 1);
  if (whole && span.length === length) {
    const all = of.outer.reduce((product, { count }) => product * count, 1);
    const rest = all % span.mostRows;
    const from = mul(span.row, length);
    writer.when(
      rest === 0 || compare("eq", span.rows, int(span.mostRows)),
      () => stretch(from, int(0), span.mostRows * length),
      () => stretch(from, int(0), rest * length),
    );
    return;
  }
  writer.loop(0, span.rows, (r) => {
    const at = unflatten(
      add(span.row, r),
      of.outer.map(({ count }) => count),
    );
    const rows = of.outer.map(({ result }, axis) => addInt(mul(at[axis], result.step), result.start));
    const row = flatten(rows, of.extents.slice(0, -1));
    const from = writer.integer(add(mul(row, length), mul(span.first, step)));
    stretch(from, writer.integer(mul(r, span.length)), span.length);
  });
}

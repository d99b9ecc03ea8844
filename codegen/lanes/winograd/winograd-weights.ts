import { range } from "../../contraction/tiles.js";
import { add, addInt, compare, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { inBlock } from "./transformed-tiles.js";
import { POSITION_GAP, type RegisterTile, type WinogradSizes } from "./winograd-sizes.js";
import type { Matrices } from "./winograd-tiles.js";
import { filterTransform, POINTS, POSITIONS, transformSquare } from "./winograd-transforms.js";

/** Transformed filters in memory: [group][position][block of filters][channel][filter of the block]. */
export interface PackedFilters {
  /** Filters of a block: whole vectors. */
  readonly width: number;
  readonly blocks: number;
  readonly channels: number;
  /** From one position to the next. */
  readonly position: number;
  readonly elements: number;
}

export function packedFilters(sizes: WinogradSizes, { vectors }: RegisterTile, lanes: number): PackedFilters {
  const width = vectors * lanes;
  const blocks = Math.ceil(sizes.filters / width);
  const position = blocks * sizes.channels * width + POSITION_GAP;
  return {
    width,
    blocks,
    channels: sizes.channels,
    position,
    elements: sizes.groups * POSITIONS * position,
  };
}

/** The memory that holds them: kept where filters change only with parameters. */
export const filterMemory = (
  { anchor, isSteady }: StepContext,
  { workspace }: KernelDraft,
  { elements }: PackedFilters,
): Memory => workspace(0, elements, isSteady(anchor.inputs[1]));

/** Where the filters of a block start, at a position of a group. */
export const packedAt = (
  { width, channels, position }: PackedFilters,
  group: Index,
  number: Index,
  block: Index,
): Index => add(mul(add(mul(group, POSITIONS), number), position), mul(block, channels * width));

/** Channels that an iteration transforms of a block. */
const CHANNELS_AT_ONCE = 32;

/** The kernel that transforms all filters, and packs them. */
export function packFilters(
  context: StepContext,
  sizes: WinogradSizes,
  packed: PackedFilters,
  lanes: number,
): LoweredKernel {
  const draft = context.open();
  const { writer } = draft;
  const { groups, channels } = sizes;
  const memory = filterMemory(context, draft, packed);
  const parts = Math.ceil(channels / CHANNELS_AT_ONCE);
  const extents = [groups, packed.blocks, parts];
  const [group, block, part] = unflatten(writer.parallel(groups * packed.blocks * parts), extents).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const filters = openFilters(draft, context, sizes, Math.min(CHANNELS_AT_ONCE, channels), { lanes, lane });
  inBlock(writer, channels, CHANNELS_AT_ONCE, part, (count) =>
    writer.loop(0, packed.width / lanes, (vector) => {
      const channel = writer.integer(mul(part, CHANNELS_AT_ONCE));
      const number = writer.integer(add(mul(block, packed.width / lanes), vector));
      const to = writer.integer(
        add(packedAt(packed, group, int(0), block), add(mul(channel, packed.width), mul(vector, lanes))),
      );
      filters.transform(
        { group, vector: number, channel, count },
        {
          memory,
          start: to,
          row: packed.width,
          position: packed.position,
        },
      );
    }),
  );
  return draft.close(0, `filters of ${context.anchor.op} transformed`);
}

/** Filters that are transformed together: a vector of them, for some channels. */
export interface FilterVector {
  readonly group: Index;
  /** Its number among the group's; there may be more than have filters, which are 0. */
  readonly vector: Index;
  readonly channel: Index;
  readonly count: number;
}

/**
 * What transforms filters, up to `most` channels at a time. They are turned first, in blocks of lanes × lanes, so that
 * filters lie side by side: [channel][tap][filter].
 */
export function openFilters(
  draft: KernelDraft,
  { anchor }: StepContext,
  sizes: WinogradSizes,
  most: number,
  { lanes, lane }: { readonly lanes: number; readonly lane: Index },
) {
  const { writer, evaluate } = draft;
  const { channels, filters, kernel, adjoint } = sizes;
  const w = anchor.inputs[1];
  const taps = kernel * kernel;
  const turned = writer.shared("accumulator", most * taps * lanes);
  // What a gradient makes are the channels that a convolution reads.
  const back = anchor.op === "convData";
  const [ofFilter, ofChannel] = back ? [taps, filters * taps] : [channels * taps, taps];

  /** `own` filters from `from` on, `extent` elements of each that lie side by side. */
  const turn = (from: Index, to: Index, own: number, extent: number): void => {
    const block = (at: Index): void =>
      writer.stores(
        turned,
        add(to, mul(add(at, lane), lanes)),
        range(lanes).map((i) =>
          i < own ? evaluate.elementAt(w, add(addInt(from, i * ofFilter), add(at, lane))) : ZERO_VALUE,
        ),
      );
    if (extent < lanes) writer.when(compare("lt", lane, int(extent)), () => block(int(0)));
    // A last block overlaps the one before.
    else
      writer.loop(0, Math.ceil(extent / lanes), (number) =>
        block(writer.integer(min(mul(number, lanes), int(extent - lanes)))),
      );
  };
  const turnAll = ({ group, vector, channel, count }: FilterVector, own: number): void => {
    const from = writer.integer(
      add(add(mul(group, channels * filters * taps), mul(vector, lanes * ofFilter)), mul(channel, ofChannel)),
    );
    if (ofChannel === taps) turn(from, int(0), own, count * taps);
    else
      writer.loop(0, count, (c) =>
        turn(writer.integer(add(from, mul(c, ofChannel))), writer.integer(mul(c, taps * lanes)), own, taps),
      );
  };
  const last = kernel - 1;
  const flip = back && !adjoint;
  return {
    /** Into `to`, [position][channel][filter], from the vector's first filter on. */
    transform(of: FilterVector, to: Matrices): void {
      const whole = Math.floor(filters / lanes);
      const rest = filters - whole * lanes;
      const clear = (): void =>
        writer.loop(0, of.count * taps, (i) => writer.store(turned, add(mul(i, lanes), lane), ZERO_VALUE));
      writer.when(
        compare("lt", of.vector, int(whole)),
        () => turnAll(of, lanes),
        () => {
          if (rest === 0) clear();
          else writer.when(compare("eq", of.vector, int(whole)), () => turnAll(of, rest), clear);
        },
      );
      writer.loop(0, of.count, (c) => {
        const from = writer.integer(mul(c, taps * lanes));
        const at = writer.integer(add(to.start, mul(c, to.row)));
        transformSquare(
          writer,
          filterTransform,
          kernel,
          (row, column) => {
            const tap = flip ? (last - row) * kernel + last - column : row * kernel + column;
            return load(turned, add(addInt(from, tap * lanes), lane));
          },
          (i, line) => {
            line.forEach((value, j) => {
              writer.store(to.memory, add(addInt(at, (i * POINTS + j) * to.position), lane), value);
            });
          },
        );
      });
    },
  };
}

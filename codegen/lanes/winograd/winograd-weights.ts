import { add, compare, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { POSITION_GAP, type RegisterTile, type WinogradSizes } from "./winograd-sizes.js";
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
  const { groups, channels, filters, kernel } = sizes;
  const memory = filterMemory(context, draft, packed);
  const parts = Math.ceil(channels / CHANNELS_AT_ONCE);
  const extents = [groups, packed.blocks, parts];
  const [group, block, part] = unflatten(writer.parallel(groups * packed.blocks * parts), extents).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const element = filterElements(draft, context, sizes);
  const first = writer.integer(mul(part, CHANNELS_AT_ONCE));
  const last = writer.integer(min(add(first, int(CHANNELS_AT_ONCE)), int(channels)));
  const whole = Math.floor(filters / lanes);
  writer.loop(first, last, (channel) => {
    const start = writer.integer(add(packedAt(packed, group, int(0), block), mul(channel, packed.width)));
    writer.loop(0, packed.width / lanes, (vector) => {
      const number = writer.integer(add(mul(block, packed.width / lanes), vector));
      const filter = add(mul(number, lanes), lane);
      const to = add(start, add(mul(vector, lanes), lane));
      const put = (at: (row: number, column: number) => Value): void =>
        transformSquare(writer, filterTransform, kernel, at, (i, line) => {
          line.forEach((value, j) => {
            writer.store(memory, add(to, int((i * POINTS + j) * packed.position)), value);
          });
        });
      const read = (row: number, column: number): Value => element(group, filter, channel, row, column);
      const clear = (): void =>
        writer.loop(0, POSITIONS, (f) => writer.store(memory, add(to, mul(f, packed.position)), ZERO_VALUE));
      writer.when(
        compare("lt", number, int(whole)),
        () => put(read),
        () => {
          clear();
          if (filters > whole * lanes)
            writer.when(compare("eq", number, int(whole)), () =>
              writer.when(compare("lt", lane, int(filters - whole * lanes)), () => put(read)),
            );
        },
      );
    });
  });
  return draft.close(0, `filters of ${context.anchor.op} transformed`);
}

/** An element of the filter that makes `filter` of `channel`: turned round where a gradient is a correlation. */
function filterElements({ evaluate }: KernelDraft, { anchor }: StepContext, sizes: WinogradSizes) {
  const w = anchor.inputs[1];
  const { channels, filters, kernel, adjoint } = sizes;
  const last = kernel - 1;
  const back = anchor.op === "convData";
  return (group: Index, filter: Index, channel: Index, row: number, column: number): Value => {
    const [from, to] = back ? [channel, filter] : [filter, channel];
    const outer = add(mul(group, back ? channels : filters), from);
    const inner = add(mul(outer, back ? filters : channels), to);
    const tap = back && !adjoint ? (last - row) * kernel + last - column : row * kernel + column;
    return evaluate.elementAt(w, add(mul(inner, kernel * kernel), int(tap)));
  };
}

/** How lanes that lie side by side, apart or anywhere come from memory and get there: all of them, the first, or those of a mask. */
import {
  addressType,
  anyLane,
  atLane,
  atMemory,
  either,
  get,
  type Instruction,
  i32,
  integers,
  moved,
  plain,
  reals,
  set,
  shuffle,
  when,
} from "./wasm-code.js";
import { kept, LANES, type Mask, type WasmContext } from "./wasm-context.js";

/** A place in memory: so many bytes behind an address. */
export interface Address {
  readonly base: Instruction;
  readonly offset: number;
}

const BYTES = 4;
const ALL = [0, 1, 2, 3];

/** Of the four lanes those that take part for certain, or by a bit of the mask. */
const takesPart = (mask: Instruction, lane: number): Instruction => atLane("i32x4.extract_lane", lane, mask);

/**
 * Lanes that lie side by side; 0 in those that the mask leaves out. These are read, too, if only some lane takes part: memory is
 * padded at both ends.
 */
export function loadVector(context: WasmContext, { base, offset }: Address, mask?: Mask): Instruction {
  const load = (from: Instruction): Instruction => atMemory("v128.load", { offset }, from);
  if (!mask || mask.count === LANES) return load(base);
  if (mask.count === 0) return integers([0, 0, 0, 0]);
  if (mask.count !== undefined) return plain("v128.and", load(base), mask.code);
  const from = kept(context, base, addressType(base));
  return either(anyLane(mask.code), [plain("v128.and", load(from), mask.code)], [integers([0, 0, 0, 0])]);
}

/** Lane by lane, from where `place` says. */
function loadLanes(
  context: WasmContext,
  place: (lane: number) => { readonly from: Instruction; readonly offset: number },
  mask: Mask | undefined,
): Instruction {
  const count = mask?.count ?? LANES;
  if (!mask || mask.count !== undefined) {
    if (count === 0) return integers([0, 0, 0, 0]);
    const first = place(0);
    let all = atMemory("v128.load32_zero", { offset: first.offset }, first.from);
    for (let lane = 1; lane < count; lane++) {
      const { from, offset } = place(lane);
      all = atMemory("v128.load32_lane", { offset, lane }, from, all);
    }
    return all;
  }
  const result = context.local("v128");
  context.write(set(result, integers([0, 0, 0, 0])));
  for (const lane of ALL) {
    const { from, offset } = place(lane);
    context.write(
      when(takesPart(mask.code, lane), [
        set(result, atMemory("v128.load32_lane", { offset, lane }, from, get(result, "v128"))),
      ]),
    );
  }
  return get(result, "v128");
}

/** Lanes that lie `step` elements apart. */
export function loadApart(
  context: WasmContext,
  { base, offset }: Address,
  step: number,
  mask: Mask | undefined,
): Instruction {
  const from = kept(context, base, addressType(base));
  if (step === 2 && !mask) {
    // The second begins one element early: it ends at the last that is read.
    const [low, high] = [0, LANES - 1].map((at) =>
      atMemory("v128.load", { offset: offset + BYTES * at }, from),
    );
    return shuffle([0, 2, 5, 7], low, high);
  }
  return loadLanes(context, (lane) => apart(from, offset, lane * step * BYTES), mask);
}

/** So many bytes on, which may be behind. */
function apart(base: Instruction, offset: number, bytes: number): { from: Instruction; offset: number } {
  return offset + bytes >= 0
    ? { from: base, offset: offset + bytes }
    : { from: moved(base, i32(offset + bytes), 1), offset: 0 };
}

const placesIn = (context: WasmContext, start: Instruction, at: Instruction) => {
  const indices = kept(context, at, "v128");
  return (lane: number) => {
    const at = atLane("i32x4.extract_lane", lane, indices);
    return { from: moved(start, at, BYTES), offset: 0 };
  };
};

/** Elements of memory that begins at `start`, by their numbers. */
export const gather = (
  context: WasmContext,
  start: Instruction,
  at: Instruction,
  mask: Mask | undefined,
): Instruction => loadLanes(context, placesIn(context, start, at), mask);

/** Writes lane by lane, to where `place` says. */
function storeLanes(
  context: WasmContext,
  value: Instruction,
  place: (lane: number) => { readonly from: Instruction; readonly offset: number },
  mask: Mask | undefined,
): void {
  const stored = kept(context, value, "v128");
  const count = mask?.count ?? LANES;
  for (const lane of ALL.slice(0, count)) {
    const { from, offset } = place(lane);
    const store = atMemory("v128.store32_lane", { offset, lane }, from, stored);
    context.write(mask && mask.count === undefined ? when(takesPart(mask.code, lane), [store]) : store);
  }
}

/** Stores lanes side by side: nothing is written but those of the mask. */
export function storeVector(
  context: WasmContext,
  { base, offset }: Address,
  value: Instruction,
  mask?: Mask,
): void {
  if (!mask || mask.count === LANES) {
    context.write(atMemory("v128.store", { offset }, base, value));
    return;
  }
  if (mask.count === undefined || mask.count < 2) {
    const from = kept(context, base, addressType(base));
    storeLanes(context, value, (lane) => apart(from, offset, lane * BYTES), mask);
    return;
  }
  storeFirst(context, { base, offset }, value, mask.count);
}

/** The first 2 or 3 lanes. */
function storeFirst(
  context: WasmContext,
  { base, offset }: Address,
  value: Instruction,
  count: number,
): void {
  const [to, stored] = [kept(context, base, addressType(base)), kept(context, value, "v128")];
  context.write(atMemory("v128.store64_lane", { offset, lane: 0 }, to, stored));
  if (count === 3)
    context.write(atMemory("v128.store32_lane", { offset: offset + 2 * BYTES, lane: 2 }, to, stored));
}

export const scatter = (
  context: WasmContext,
  start: Instruction,
  at: Instruction,
  value: Instruction,
  mask: Mask | undefined,
): void => storeLanes(context, value, placesIn(context, start, at), mask);

/** Vectors as the rows of a matrix: lane l of the first `lanes` is stored `step` elements behind the one before, an element of each. */
export function storeTransposed(
  context: WasmContext,
  { base, offset }: Address,
  rows: readonly Instruction[],
  { step, lanes }: { readonly step: number; readonly lanes: number },
): void {
  const to = kept(context, base, addressType(base));
  const all = ALL.map((i) => (i < rows.length ? kept(context, rows[i], "v128") : reals(0)));
  // Squares of half the size change places, then of a quarter.
  const low = kept(context, shuffle([0, 1, 4, 5], all[0], all[2]), "v128");
  const high = kept(context, shuffle([2, 3, 6, 7], all[0], all[2]), "v128");
  const nextLow = kept(context, shuffle([0, 1, 4, 5], all[1], all[3]), "v128");
  const nextHigh = kept(context, shuffle([2, 3, 6, 7], all[1], all[3]), "v128");
  const columns = [
    shuffle([0, 4, 2, 6], low, nextLow),
    shuffle([1, 5, 3, 7], low, nextLow),
    shuffle([0, 4, 2, 6], high, nextHigh),
    shuffle([1, 5, 3, 7], high, nextHigh),
  ];
  for (const lane of ALL.slice(0, lanes)) {
    const place = apart(to, offset, lane * step * BYTES);
    const count = Math.min(rows.length, LANES);
    storeVector(context, { base: place.from, offset: place.offset }, columns[lane], {
      count,
      code: integers(ALL.map((l) => -Number(l < count))),
    });
  }
}

import { type Node, type Shape, sizeOf } from "../ir/graph.js";
import type { TargetDescription } from "../ir/target-description.js";
import {
  add,
  addInt,
  compare,
  int,
  min,
  mul,
  termsOf,
  unflatten,
  variable,
  ZERO,
} from "../kernel/indices.js";
import type { Index, Statement } from "../kernel/kernel.js";
import { visit } from "../kernel/visit-forms.js";
import type { KernelWriter } from "../kernel/writer.js";
import { type AxisGroup, loopOver, parallelOver, place } from "../lower/nest.js";
import type { KernelDraft, StepContext } from "../lower/step.js";

/** What lies in the lanes of a step: the axes that they walk, and how many they are. */
export interface LaneChoice {
  readonly group: AxisGroup;
  readonly lanes: number;
}

const FEWEST_LANES = 4;
/** A choice of this many times the least that could be is not improved on. */
const GOOD_ENOUGH = 2.5;
/** Positions that differ from lane to lane in no even step are kept in 32 bits. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/** Lanes of the target's widest vector for a step's reals; 1 where it has none. */
export const widestVector = ({ target, options }: StepContext): number =>
  target.lanes ? target.lanes.vectorBytes / options.realBytes : 1;

/** Writes the body of a loop nest at coordinates: `along`: the group of axes that lie in the lanes. */
export type LaneBody = (
  draft: KernelDraft,
  coordinates: readonly Index[],
  along: AxisGroup | undefined,
) => void;

export interface LaneChoiceOptions {
  /**
   * The variable of a group in a trial, where the body depends on where that lies and on what is in the lanes. Absent: it
   * does not, and one trial is enough.
   */
  readonly coordinateOf?: (free: Index & { readonly kind: "var" }, group: AxisGroup) => Index;
  /** The groups that may lie in lanes; default: all. */
  readonly allowed?: (group: AxisGroup) => boolean;
}

/**
 * The group of axes along which lanes touch memory best: side by side, at few different strides, with few lanes idle.
 * Undefined where one thread alone would do as well, or the target has no lanes.
 *
 * @param write the body; it is tried out in kernels that are thrown away
 */
export function chooseLanes(
  context: StepContext,
  groups: readonly AxisGroup[],
  shape: Shape,
  write: LaneBody,
  { coordinateOf, allowed = () => true }: LaneChoiceOptions = {},
): LaneChoice | undefined {
  const widest = widestVector(context);
  const operands: readonly Node[] = [...context.computed, ...context.options.reads];
  if (widest === 1 || operands.some((node) => sizeOf(node.shape) > MOST_ELEMENTS)) return undefined;
  const tryOut = (along: AxisGroup | undefined) => {
    const trial = context.open();
    trial.writer.parallel(1);
    const variables = groups.map((group) => {
      const free = trial.writer.free(group.extent);
      return free.kind === "var" && coordinateOf ? coordinateOf(free, group) : free;
    });
    const coordinates = groups.reduce<readonly Index[]>(
      (at, group, i) => place(at, group, variables[i]),
      new Array<Index>(shape.length).fill(ZERO),
    );
    write(trial, coordinates, along);
    return { body: trial.close(0).kernel.body, variables };
  };
  let trial: ReturnType<typeof tryOut> | undefined;
  let best: (LaneChoice & { readonly cost: number; readonly alone: number }) | undefined;
  // The last group is the one that is contiguous, mostly.
  for (let i = groups.length - 1; i >= 0; i--) {
    const group = groups[i];
    if (!allowed(group)) continue;
    const lanes = lanesFor(group.extent, widest);
    const turns = Math.ceil(group.extent / lanes) / group.extent;
    trial = trial && !coordinateOf ? trial : tryOut(group);
    const alone = bodyCost(trial.body, undefined, 1);
    const cost = turns * bodyCost(trial.body, trial.variables[i], lanes);
    if (!best || cost < best.cost) best = { group, lanes, cost, alone };
    // Nothing is much better than vectors side by side, most of them full.
    if (cost * lanes <= GOOD_ENOUGH * alone) break;
  }
  return best && best.cost < best.alone ? best : undefined;
}

/** As many lanes as there are elements, in a vector that exists. */
export function lanesFor(extent: number, widest: number): number {
  let lanes = widest;
  while (lanes / 2 >= extent && lanes / 2 >= Math.min(FEWEST_LANES, widest)) lanes /= 2;
  return lanes;
}

/** What a body costs a turn, in instructions on a vector; `lane`: the variable that differs by one between lanes. */
function bodyCost(body: readonly Statement[], lane: Index | undefined, lanes: number): number {
  let cost = 0;
  const stepOf = (at: Index): number | undefined => (lane ? stepAlong(at, lane) : 0);
  visit(body, (form) => {
    if (form.kind === "load" || form.kind === "iload" || form.kind === "store") {
      const step = stepOf(form.at);
      if (step === undefined) cost += 2 * lanes;
      else if (Math.abs(step) > 2) cost += lanes;
      else cost += step === 2 ? 2 : 1;
    } else if (form.kind === "unary" || form.kind === "binary" || form.kind === "select") cost += 1;
    else if (form.kind === "for" && lane) {
      const [from, to] = [stepOf(form.from), stepOf(form.to)];
      if (from === undefined || from !== to) cost += 2 * lanes;
    }
  });
  return cost;
}

/** How an index moves along a variable, undefined where that is not even. */
function stepAlong(index: Index, along: Index): number | undefined {
  let step = 0;
  for (const { atom, factor } of termsOf(index).terms) {
    if (atom === along) step += factor;
    else if (mentions(atom, along)) return undefined;
  }
  return step;
}

function mentions(atom: Index, wanted: Index): boolean {
  let found = false;
  visit(atom, (form) => {
    found ||= form === wanted;
    return !found;
  });
  return found;
}

/** Writes the vectors at coordinates; `apart`: those of the even range in a loop of their own. */
export type Inner = (coordinates: readonly Index[], apart: boolean) => void;

export interface LaneNestOptions {
  /** Written once all coordinates but those in the lanes are known: may write `inner` several times, each under a condition. */
  readonly around?: (coordinates: readonly Index[], inner: Inner) => void;
  /** Positions along the lanes between which the body is the same, from … to: vectors there have a loop of their own. */
  readonly even?: readonly [from: number, to: number];
}

/**
 * Every element of a shape, the first groups as the parallel loop, until it has the iterations that the target wants;
 * in lanes where there is a choice of them.
 */
export function everyElement(
  { writer }: KernelDraft,
  { parallelIterations }: TargetDescription,
  groups: readonly AxisGroup[],
  rank: number,
  choice: LaneChoice | undefined,
  body: (coordinates: readonly Index[]) => void,
  { around, even }: LaneNestOptions = {},
): void {
  if (!choice) {
    parallelOver(writer, parallelIterations, groups, rank, body);
    return;
  }
  const { group, lanes } = choice;
  const others = groups.filter((one) => one !== group);
  const { taken, extent } = takeOuter(others, parallelIterations);
  const chunks = chunksOf(
    group.extent,
    lanes,
    taken === others.length && !even ? parallelIterations / extent : 1,
  );
  const outer = others.slice(0, taken);
  const position = unflatten(writer.parallel(extent * chunks.count), [
    ...outer.map((one) => one.extent),
    chunks.count,
  ]).map((c) => writer.integer(c));
  const start = outer.reduce<readonly Index[]>(
    (at, one, i) => place(at, one, position[i]),
    new Array<Index>(rank).fill(ZERO),
  );
  const lane = writer.team(lanes);
  const vectors: Inner = (at, apart) =>
    overChunk(
      writer,
      { chunk: position[taken], chunks, extent: group.extent, lanes, even: apart ? even : undefined },
      (v, own) => body(place(at, group, add(v, own))),
      lane,
    );
  loopOver(writer, others.slice(taken), start, (at) => (around ? around(at, vectors) : vectors(at, true)));
}

/** The parallel loop over groups: the coordinates of an iteration, 0 along all other axes. */
export function parallelStart(
  writer: KernelWriter,
  groups: readonly AxisGroup[],
  rank: number,
): readonly Index[] {
  const extents = groups.map(({ extent }) => extent);
  const position = unflatten(writer.parallel(sizeOf(extents)), extents);
  return groups.reduce<readonly Index[]>(
    (at, group, i) => place(at, group, writer.integer(position[i])),
    new Array<Index>(rank).fill(ZERO),
  );
}

function takeOuter(groups: readonly AxisGroup[], wanted: number) {
  let taken = 0;
  let extent = 1;
  while (taken < groups.length && extent < wanted) {
    extent *= groups[taken].extent;
    taken++;
  }
  return { taken, extent };
}

/** An axis in parts of so many whole vectors. */
interface Chunks {
  readonly count: number;
  readonly vectors: number;
}

function chunksOf(extent: number, lanes: number, wanted: number): Chunks {
  const whole = Math.max(1, Math.floor(extent / lanes));
  const vectors = Math.ceil(whole / Math.max(1, Math.min(whole, Math.ceil(wanted))));
  return { count: Math.ceil(whole / vectors), vectors };
}

interface Chunk extends Pick<LaneNestOptions, "even"> {
  readonly chunk: Index;
  readonly chunks: Chunks;
  readonly extent: number;
  readonly lanes: number;
}

/** The vectors of a part of an axis, and, with the last part, the elements that do not fill one. */
function overChunk(
  writer: KernelWriter,
  { chunk, chunks, extent, lanes, even }: Chunk,
  body: (first: Index, lane: Index) => void,
  lane: Index,
): void {
  const whole = Math.floor(extent / lanes);
  const vectors = (from: Index | number, to: Index | number): void =>
    writer.loop(from, to, (turn) => body(mul(turn, lanes), lane));
  if (even) {
    const from = Math.min(whole, Math.ceil(even[0] / lanes));
    const to = Math.max(from, Math.min(whole, Math.floor(even[1] / lanes)));
    vectors(0, from);
    vectors(from, to);
    vectors(to, whole);
  } else {
    const from = mul(chunk, chunks.vectors);
    const to = min(addInt(from, chunks.vectors), int(whole));
    vectors(from, chunks.count === 1 ? int(whole) : writer.integer(to));
  }
  const rest = extent - whole * lanes;
  if (rest === 0) return;
  const first = lane.kind === "var" ? variable(lane.variable, 0, rest - 1) : lane;
  writer.when(compare("eq", chunk, int(chunks.count - 1)), () =>
    writer.when(compare("lt", lane, int(rest)), () => body(int(whole * lanes), first)),
  );
}

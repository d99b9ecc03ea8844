import type { ReduceKind } from "../../ir/graph.js";
import { add, compare, div, mod, mul } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { constant, type KernelWriter, load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import type { RowTeam } from "./row-domain.js";

/** What a reduction has so far. Positions are numbers here, so that threads can exchange them: exact below 2^24. */
export interface Partial {
  readonly value: Value;
  readonly position?: Value;
}

/** Positions up to here are exact as float32. */
export const MOST_POSITIONS = 2 ** 24;

/** A thread's number among those of its row, and its row's among those of its block. */
export interface LanePlace {
  readonly lane: Index;
  readonly row: Index;
}

export const seatOf = (team: RowTeam, thread: Index): LanePlace =>
  team.columns
    ? { lane: div(thread, team.rowsPerBlock), row: mod(thread, team.rowsPerBlock) }
    : { lane: mod(thread, team.lanes), row: div(thread, team.lanes) };

/** Both together: of equal values the lower position. Neither is NaN: what is not greater than −∞ was passed over. */
function merge(kind: ReduceKind, a: Partial, b: Partial): Partial {
  switch (kind) {
    case "sum":
      return { value: plus(a.value, b.value) };
    case "max":
      return { value: { kind: "binary", op: "max", a: a.value, b: b.value } };
    case "argmax": {
      const [left, right] = [a.position ?? ZERO_VALUE, b.position ?? ZERO_VALUE];
      const pick = (whenGreater: Value, whenEqual: Value, otherwise: Value): Value => ({
        kind: "select",
        cmp: "gt",
        left: b.value,
        right: a.value,
        whenTrue: whenGreater,
        otherwise: {
          kind: "select",
          cmp: "eq",
          left: b.value,
          right: a.value,
          whenTrue: whenEqual,
          otherwise,
        },
      });
      return {
        value: { kind: "binary", op: "max", a: b.value, b: a.value },
        position: pick(right, { kind: "binary", op: "min", a: left, b: right }, left),
      };
    }
    default:
      return kind satisfies never;
  }
}

/**
 * Brings together what the threads of a row found, along a fixed tree: halves of a warp by exchange, warps (or the
 * threads of a column) in order through shared memory. Every thread of the row gets the result, with the same bits.
 * All threads of the block must come here.
 */
export function combine(
  writer: KernelWriter,
  team: RowTeam,
  place: LanePlace,
  kind: ReduceKind,
  mine: Partial,
): Partial {
  const local = ({ value, position }: Partial): Partial => ({
    value: writer.real(value),
    ...(position && { position: writer.real(position) }),
  });
  let partial = mine;
  if (!team.columns)
    for (let distance = Math.min(team.lanes, 32) / 2; distance >= 1; distance /= 2) {
      const exchange = (value: Value): Value => ({ kind: "exchange", value, lanes: distance });
      const other = local({
        value: exchange(partial.value),
        ...(partial.position && { position: exchange(partial.position) }),
      });
      partial = local(merge(kind, partial, other));
    }
  const parts = team.columns ? team.lanes : team.lanes / 32;
  if (parts > 1) {
    const across = team.columns ? team.rowsPerBlock : 1;
    const values = writer.shared("accumulator", parts * across);
    const positions = partial.position && writer.shared("accumulator", parts * across);
    const slot = (part: Index): Index => (team.columns ? add(mul(part, across), place.row) : part);
    const put = (part: Index): void => {
      writer.store(values, slot(part), partial.value);
      if (positions !== undefined && partial.position) writer.store(positions, slot(part), partial.position);
    };
    if (team.columns) put(place.lane);
    else
      writer.when(compare("eq", mod(place.lane, 32), { kind: "int", value: 0 }), () =>
        put(div(place.lane, 32)),
      );
    writer.barrier();
    partial = inOrder(writer, kind, parts, slot, values, positions);
  }
  // Threads may have met the zeros of a row in another order: a maximum of zero is +0 for all of them.
  return kind === "max" ? { value: writer.real(plus(partial.value, constant(0))) } : partial;
}

function inOrder(
  writer: KernelWriter,
  kind: ReduceKind,
  parts: number,
  slot: (part: Index) => Index,
  values: Memory,
  positions: Memory | undefined,
): Partial {
  const part = (index: Index): Partial => ({
    value: load(values, slot(index)),
    ...(positions !== undefined && { position: load(positions, slot(index)) }),
  });
  const first = part({ kind: "int", value: 0 });
  const value = writer.variable(first.value);
  const position = first.position && writer.variable(first.position);
  writer.unrolled(parts - 1, (i) => {
    const next = part(add(i, { kind: "int", value: 1 }));
    const other: Partial = {
      value: writer.real(next.value),
      ...(next.position && { position: writer.real(next.position) }),
    };
    const merged = merge(kind, { value, ...(position && { position }) }, other);
    // The position first: it depends on both values.
    if (position && merged.position) writer.assign(position, merged.position);
    writer.assign(value, merged.value);
  });
  return { value, ...(position && { position }) };
}

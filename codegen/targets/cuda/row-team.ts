import type { ReduceKind } from "../../ir/graph.js";
import { add, compare, div, int, mod, mul, ZERO } from "../../kernel/indices.js";
import type { Condition, Index, Typed, Value } from "../../kernel/kernel.js";
import { constant, type KernelWriter, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { combine, type LanePlace, type Partial, seatOf } from "./combine.js";
import { locateRow, type RowDomain, type RowTeam } from "./row-domain.js";

/** One row of a kernel, as the thread that works on it sees it. */
export interface RowPlace {
  readonly domain: RowDomain;
  readonly team: RowTeam;
  readonly number: Index;
  /** Its position along the groups of axes that stay. */
  readonly at: readonly Index[];
  /** Which of the row's parts: 0 where a row has one. */
  readonly part: Index;
  readonly place: LanePlace;
  /** Whether there is such a row: the last block may have threads for more. */
  readonly exists: Condition | boolean;
}

/** The kernel's loop over rows, or over parts of rows: a thread for each, or blocks of teams. */
export function openRow(writer: KernelWriter, domain: RowDomain, team: RowTeam, parts = 1): RowPlace {
  const { lanes, rowsPerBlock } = team;
  const teams = domain.rows * parts;
  const block = writer.parallel(lanes === 1 ? teams : Math.ceil(teams / rowsPerBlock));
  let place: LanePlace = { lane: ZERO, row: ZERO };
  if (lanes > 1) {
    const { lane, row } = seatOf(team, writer.team(lanes * rowsPerBlock));
    place = { lane: writer.integer(lane), row: writer.integer(row) };
  }
  const own = lanes === 1 ? block : writer.integer(add(mul(block, rowsPerBlock), place.row));
  // Parts are the outer number: neighbouring teams read neighbouring rows.
  const number = parts === 1 ? own : writer.integer(mod(own, domain.rows));
  return {
    domain,
    team,
    number,
    at: locateRow(domain, writer, number),
    part: parts === 1 ? ZERO : writer.integer(div(own, domain.rows)),
    place,
    exists: compare("lt", own, int(teams)),
  };
}

/** What the elements that `over` loops over come to. A value that is not greater than the best is passed over: NaN too. */
export function partialOf(
  writer: KernelWriter,
  kind: ReduceKind,
  over: (body: (element: Index) => void) => void,
  value: (element: Index) => Value,
): Partial {
  switch (kind) {
    case "sum": {
      const sum = writer.variable(ZERO_VALUE);
      over((element) => writer.assign(sum, plus(sum, value(element))));
      return { value: sum };
    }
    case "max":
    case "argmax": {
      const best = writer.variable(constant(-Infinity));
      const position = kind === "argmax" ? writer.variable(ZERO_VALUE) : undefined;
      over((element) => {
        const candidate = writer.real(value(element));
        writer.when({ kind: "compareValue", cmp: "gt", a: candidate, b: best }, () => {
          writer.assign(best, candidate);
          if (position) writer.assign(position, { kind: "fromIndex", index: element });
        });
      });
      return { value: best, ...(position && { position }) };
    }
    default:
      return kind satisfies never;
  }
}

/** The row's result, known to each of its threads. */
export function bringTogether(
  writer: KernelWriter,
  { team, place, domain }: RowPlace,
  kind: ReduceKind,
  mine: Partial,
): Typed {
  const { value, position } = team.lanes === 1 ? mine : combine(writer, team, place, kind, mine);
  return position
    ? { type: "index", value: writer.integer({ kind: "truncate", value: position }, 0, domain.length - 1) }
    : { type: "real", value };
}

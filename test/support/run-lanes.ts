/**
 * The meaning of the kernel language, statement by statement, for teams in step: each statement is carried out by all
 * lanes before the next. What a kernel may not do is an error: touch memory outside of a buffer, store two values in
 * one place, read what nobody wrote.
 */
import type { Kernel, Range, Statement } from "../../codegen/kernel/kernel.js";
import { type Evaluate, laneExpressions } from "./lane-expressions.js";
import { type Buffer, type Cell, type LaneRun, type Lanes, laneMemory, type Mask } from "./lane-memory.js";

export type { Buffer } from "./lane-memory.js";

/** Runs iterations of a kernel's parallel loop over its buffers, rounding to what they hold. */
export function runInLanes(
  kernel: Kernel,
  buffers: readonly Buffer[],
  { from, to }: Range,
  single: boolean,
): void {
  const threads = kernel.team?.threads ?? 1;
  const cells = new Map<number, Cell>();
  const run: LaneRun = {
    kernel,
    threads,
    cellOf(variable) {
      const cell = cells.get(variable) ?? { now: undefined };
      cells.set(variable, cell);
      return cell;
    },
    fail(what) {
      throw new Error(`${what} (${kernel.note})`);
    },
  };
  const memory = laneMemory(run, buffers);
  const make = laneStatements(run, memory, single ? Math.fround : (x) => x);
  const all: Mask = new Uint8Array(threads).fill(1);
  if (kernel.team) run.cellOf(kernel.team.variable).now = Float64Array.from({ length: threads }, (_, i) => i);
  make(kernel.prologue)(all);
  const [turn, body] = [new Float64Array(threads), make(kernel.body)];
  for (let i = from; i < to; i++) {
    run.cellOf(kernel.parallel.variable).now = turn.fill(i);
    body(all);
  }
}

type Of<K extends Statement["kind"]> = Extract<Statement, { readonly kind: K }>;
/** A statement made into a function once, since a kernel carries it out many times. */
type Run = (mask: Mask) => void;
type Makers = { readonly [K in Statement["kind"]]: (statement: Of<K>) => Run };

function laneStatements(
  run: LaneRun,
  { readerOf, storeOf }: ReturnType<typeof laneMemory>,
  round: (x: number) => number,
) {
  const { threads, cellOf, fail } = run;
  const { index, value, condition } = laneExpressions(run, readerOf, round);
  const typed = (x: Of<"declare"> | Of<"assign"> | Of<"store">): Evaluate =>
    x.type === "real" ? value(x.value) : index(x.value);

  const loop = (statement: Of<"for">): Run => {
    const [cell, turn, on] = [cellOf(statement.variable), new Float64Array(threads), new Uint8Array(threads)];
    const [from, to, body] = [index(statement.from), index(statement.to), make(statement.body)];
    const last = new Float64Array(threads);
    return (mask) => {
      turn.set(from(mask));
      cell.now = turn;
      // The end is that of the beginning, whatever the body does.
      last.set(to(mask));
      for (;;) {
        for (let lane = 0; lane < threads; lane++) on[lane] = mask[lane] && turn[lane] < last[lane] ? 1 : 0;
        if (!on.includes(1)) break;
        body(on);
        for (let lane = 0; lane < threads; lane++) turn[lane] += statement.step;
      }
    };
  };
  const declare = (statement: Of<"declare">): Run => {
    const [cell, own, of] = [cellOf(statement.variable), new Float64Array(threads), typed(statement)];
    return (mask) => {
      own.set(of(mask));
      cell.now = own;
    };
  };
  const assign = (statement: Of<"assign">): Run => {
    const [cell, of] = [cellOf(statement.variable), typed(statement)];
    return (mask) => {
      const own: Lanes = cell.now ?? fail("what is assigned is not there");
      const values = of(mask);
      for (let lane = 0; lane < threads; lane++) if (mask[lane]) own[lane] = values[lane];
    };
  };
  const store = (statement: Of<"store">): Run => {
    const [at, of, put] = [index(statement.at), typed(statement), storeOf(statement.buffer)];
    return (mask) => put(at(mask), of(mask), mask);
  };
  const stores = (statement: Of<"stores">): Run => {
    const at = index(statement.at);
    const parts = statement.values.map((x, i) => ({ of: value(x), put: storeOf(statement.buffer, i) }));
    return (mask) => {
      const first = at(mask);
      // All of them are there before the first is stored.
      const all = parts.map(({ of }) => of(mask));
      parts.forEach(({ put }, i) => {
        put(first, all[i], mask);
      });
    };
  };
  const when = (statement: Of<"if">): Run => {
    const holds = condition(statement.condition);
    const [whenTrue, otherwise] = [make(statement.whenTrue), make(statement.otherwise)];
    const [yes, no] = [new Uint8Array(threads), new Uint8Array(threads)];
    return (mask) => {
      const chosen = holds(mask);
      for (let lane = 0; lane < threads; lane++) {
        yes[lane] = mask[lane] & chosen[lane];
        no[lane] = mask[lane] & ~chosen[lane];
      }
      if (yes.includes(1)) whenTrue(yes);
      if (no.includes(1)) otherwise(no);
    };
  };
  const nothing = (): Run => () => undefined;
  const makers: Makers = {
    ...{ for: loop, declare, assign, store, stores, if: when },
    barrier: nothing,
    prefetch: nothing,
  };
  const make = (statements: readonly Statement[]): Run => {
    // The maker of a kind takes the statements of that kind.
    const all = statements.map((one) => (makers[one.kind] as (statement: Statement) => Run)(one));
    return (mask) => {
      for (const each of all) each(mask);
    };
  };
  return make;
}

/**
 * The meaning of the kernel language, statement by statement, for teams in step: each statement is carried out by all
 * lanes before the next. What a kernel may not do is an error: touch memory outside of a buffer, store two values in
 * one place, read what nobody wrote.
 */
import type { Kernel, Range, Statement } from "../../codegen/kernel/kernel.js";
import { eachStatement, type StatementCases } from "../../codegen/kernel/statement-cases.js";
import { laneExpressions } from "./lane-expressions.js";
import { type Buffer, type LaneRun, type Lanes, laneMemory, type Mask } from "./lane-memory.js";

export type { Buffer } from "./lane-memory.js";

/** Runs iterations of a kernel's parallel loop over its buffers, rounding to what they hold. */
export function runInLanes(
  kernel: Kernel,
  buffers: readonly Buffer[],
  { from, to }: Range,
  single: boolean,
): void {
  const threads = kernel.team?.threads ?? 1;
  const every = <T>(of: (lane: number) => T): T[] => Array.from({ length: threads }, (_, lane) => of(lane));
  const run: LaneRun = {
    kernel,
    threads,
    variables: new Map(),
    every,
    fail(what) {
      throw new Error(`${what} (${kernel.note})`);
    },
  };
  const memory = laneMemory(run, buffers);
  const statements = laneStatements(run, memory, single ? Math.fround : (x) => x);
  const all: Mask = every(() => true);
  if (kernel.team)
    run.variables.set(
      kernel.team.variable,
      every((lane) => lane),
    );
  statements(kernel.prologue, all);
  for (let i = from; i < to; i++) {
    run.variables.set(
      kernel.parallel.variable,
      every(() => i),
    );
    statements(kernel.body, all);
  }
}

type Of<K extends Statement["kind"]> = Extract<Statement, { readonly kind: K }>;

function laneStatements(
  run: LaneRun,
  { read, put }: ReturnType<typeof laneMemory>,
  round: (x: number) => number,
) {
  const { threads, variables, fail } = run;
  const { index, value, condition } = laneExpressions(run, read, round);
  const typed = (x: Of<"declare"> | Of<"assign"> | Of<"store">, mask: Mask): Lanes =>
    x.type === "real" ? value(x.value, mask) : index(x.value, mask);

  const loop = ({ variable, from, to, step, body }: Of<"for">, mask: Mask): void => {
    const turn = [...index(from, mask)];
    variables.set(variable, turn);
    const end = index(to, mask);
    for (;;) {
      const on = mask.map((active, lane) => active && turn[lane] < end[lane]);
      if (!on.includes(true)) break;
      walk(body, on);
      for (let lane = 0; lane < threads; lane++) turn[lane] += step;
    }
  };
  const assign = (statement: Of<"assign">, mask: Mask): void => {
    const variable = variables.get(statement.variable) ?? fail("what is assigned is not there");
    typed(statement, mask).forEach((x, lane) => {
      if (mask[lane]) variable[lane] = x;
    });
  };
  const stores = ({ buffer, at, values }: Of<"stores">, mask: Mask): void => {
    const first = index(at, mask);
    const all = values.map((x) => value(x, mask));
    all.forEach((x, i) => {
      put(
        buffer,
        first.map((a) => a + i),
        x,
        mask,
      );
    });
  };
  const when = (statement: Of<"if">, mask: Mask): void => {
    const holds = condition(statement.condition, mask);
    const yes = mask.map((on, lane) => on && holds[lane]);
    const no = mask.map((on, lane) => on && !holds[lane]);
    if (yes.includes(true)) walk(statement.whenTrue, yes);
    if (no.includes(true)) walk(statement.otherwise, no);
  };
  const cases: StatementCases<Mask> = {
    for: loop,
    declare: (statement, mask) => void variables.set(statement.variable, [...typed(statement, mask)]),
    assign,
    store: (statement, mask) =>
      put(statement.buffer, index(statement.at, mask), typed(statement, mask), mask),
    stores,
    if: when,
    barrier: () => undefined,
    prefetch: () => undefined,
  };
  const walk = (statements: readonly Statement[], mask: Mask): void => eachStatement(statements, cases, mask);
  return walk;
}

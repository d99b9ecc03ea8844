import { InternalError } from "../../../proto/errors/index.js";
import { LEVEL, within } from "../../kernel/dialect.js";
import type { Kernel, Statement, Variable } from "../../kernel/kernel.js";
import { eachStatement, type StatementCases } from "../../kernel/statement-cases.js";
import { laneShapes } from "../../lanes/lane-shapes.js";
import { createExpressions } from "./native-expressions.js";
import { storeTexts } from "./native-stores.js";
import type { ExpressionContext, Mask } from "./native-text.js";

/** Writes the statements of one kernel in C++: what varies between lanes is a vector, and what is conditional is masked. */
export interface StatementRenderer {
  readonly lines: readonly string[];
  declareInteger(variable: Variable): string;
  write(statements: readonly Statement[]): void;
}

export function statementRenderer(kernel: Kernel, real: "float" | "double"): StatementRenderer {
  const shapes = laneShapes(kernel);
  const names = new Map<Variable, string>();
  const counts = { v: 0, i: 0, m: 0 };
  let lines: string[] = [];
  let depth = 1;
  const line = (text: string): void => {
    lines.push(`${"  ".repeat(depth)}${text}`);
  };
  const named = (variable: Variable, kind: "v" | "i"): string => {
    const name = `${kind}${counts[kind]++}`;
    names.set(variable, name);
    return name;
  };
  const context: ExpressionContext = {
    kernel,
    shapes,
    real,
    line,
    nameOf(variable) {
      const name = names.get(variable);
      if (name === undefined) throw new InternalError(`variable ${variable} stands outside of its block`);
      return name;
    },
    captured(write) {
      const outer = lines;
      lines = [];
      write();
      const inner = lines;
      lines = outer;
      return inner.map((text) => text.trimStart());
    },
    fresh: () => `m${counts.m++}`,
  };
  const writer = createStatements(context, { named, indent: (by) => (depth += by) });
  return {
    get lines() {
      return lines;
    },
    declareInteger: (variable) => named(variable, "i"),
    write: (statements) => writer(statements, undefined),
  };
}

interface Naming {
  named(variable: Variable, kind: "v" | "i"): string;
  indent(by: number): void;
}

function createStatements(context: ExpressionContext, { named, indent }: Naming) {
  const { shapes, real, line, nameOf, fresh } = context;
  const expressions = createExpressions(context);
  const { whole, wholes, vector, condition, pointer } = expressions;
  const { store, stores } = storeTexts(context, expressions);
  const value = expressions.real;
  /** The mask that a variable was declared under: assigned under the same, it needs no choice. */
  const declaredUnder = new Map<Variable, Mask | undefined>();

  const inside = (statements: readonly Statement[], mask: Mask | undefined): void => {
    indent(1);
    write(statements, mask);
    indent(-1);
  };

  const declare = (statement: Statement & { kind: "declare" }, mask: Mask | undefined): void => {
    const { variable, mutable } = statement;
    const step = shapes.variable(variable);
    const constant = mutable ? "" : "const ";
    declaredUnder.set(variable, mask);
    if (statement.type === "real") {
      const piece = value(statement.value, mask);
      const varies = step !== 0;
      const text = varies ? vector(piece).text : piece.text;
      line(`${constant}${varies ? "V" : real} ${named(variable, "v")} = ${text};`);
      return;
    }
    const text = step === "varying" ? wholes(statement.value, mask).text : whole(statement.value).text;
    line(`${constant}${step === "varying" ? "I" : "long"} ${named(variable, "i")} = ${text};`);
  };

  const assign = (statement: Statement & { kind: "assign" }, mask: Mask | undefined): void => {
    const { variable } = statement;
    const name = nameOf(variable);
    const varies = shapes.variable(variable) !== 0;
    let text: string;
    if (statement.type === "real") {
      const piece = value(statement.value, mask);
      text = within(varies ? vector(piece) : piece, LEVEL.ternary + 1);
    } else text = within(varies ? wholes(statement.value, mask) : whole(statement.value), LEVEL.ternary + 1);
    const choose = varies && mask && declaredUnder.get(variable) !== mask;
    line(`${name} = ${choose ? `${mask.text} ? ${text} : ${name}` : text};`);
  };

  const loop = (statement: Statement & { kind: "for" }, mask: Mask | undefined): void => {
    const { variable, from, to, step, unrolled, turns, body } = statement;
    if (shapes.loopsTogether(statement)) {
      const [start, end] = [whole(from).text, within(whole(to), LEVEL.sum)];
      const v = named(variable, "i");
      if (unrolled || turns) line(`#pragma GCC unroll ${unrolled ? 64 : turns}`);
      line(`for (long ${v} = ${start}; ${v} < ${end}; ${step === 1 ? `${v}++` : `${v} += ${step}`}) {`);
      inside(body, mask);
      line("}");
      return;
    }
    // Each lane makes its own number of turns: the body runs while there is a lane that turns.
    const end = fresh();
    line(`const I ${end} = ${wholes(to, mask).text};`);
    const start = wholes(from, mask).text;
    const v = named(variable, "i");
    const turning = fresh();
    line(`for (I ${v} = ${start};; ${v} += ${step}) {`);
    indent(1);
    line(`const I ${turning} = ${v} < ${end}${mask ? ` & ${mask.text}` : ""};`);
    line(`if (!any(${turning})) break;`);
    write(body, { text: turning });
    indent(-1);
    line("}");
  };

  const when = (statement: Statement & { kind: "if" }, mask: Mask | undefined): void => {
    const { whenTrue, otherwise } = statement;
    if (!shapes.varies(statement.condition)) {
      line(`if (${condition(statement.condition, mask).text}) {`);
      inside(whenTrue, mask);
      if (otherwise.length > 0) {
        line("} else {");
        inside(otherwise, mask);
      }
      line("}");
      return;
    }
    const own = expressions.masked(statement.condition, mask);
    masked(whenTrue, own);
    if (otherwise.length > 0) masked(otherwise, expressions.others(own, mask));
  };
  /** What is worth asking first whether any lane does it. */
  const masked = (statements: readonly Statement[], mask: Mask): void => {
    const simple = mask.count !== undefined || statements.every(({ kind }) => kind === "assign");
    line(simple ? "{" : `if (any(${mask.text})) {`);
    inside(statements, mask);
    line("}");
  };

  const cases: StatementCases<Mask | undefined> = {
    for: loop,
    declare,
    assign,
    store,
    stores,
    if: when,
    prefetch: ({ buffer, at }) => line(`__builtin_prefetch(${pointer(buffer, at)});`),
    // In step as they are, lanes need not meet; the compiler keeps no loaded value over it.
    barrier: () => line('asm volatile("" ::: "memory");'),
  };
  const write = (statements: readonly Statement[], mask: Mask | undefined): void =>
    eachStatement(statements, cases, mask);
  return write;
}

import { InternalError } from "../../../proto/errors/index.js";
import { LEVEL, within } from "../../kernel/dialect.js";
import type { Kernel, Statement, Variable } from "../../kernel/kernel.js";
import { type LaneShapes, laneShapes } from "../../lanes/lane-shapes.js";
import { createExpressions, type ExpressionContext, type Mask, memoryName } from "./native-expressions.js";

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
  const { kernel, shapes, real, line, nameOf, fresh } = context;
  const expressions = createExpressions(context);
  const { whole, wholes, vector, condition, pointer } = expressions;
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

  const store = (statement: Statement & { kind: "store" }, mask: Mask | undefined): void => {
    const { buffer, at } = statement;
    const step = shapes.index(at);
    const memory = memoryName(buffer);
    const whole32 = isWhole(kernel, buffer);
    if (buffer < 0 && kernel.team && !kernel.scratch[-1 - buffer].team) {
      if (step !== 0 || statement.type !== "real")
        throw new InternalError("memory of a lane's own, at an index of its own");
      line(
        `store<V>(${memory} + (${whole(at).text}) * ${kernel.team.threads}, ${vector(value(statement.value, mask)).text});`,
      );
      return;
    }
    if (step === 0) {
      const piece = statement.type === "real" ? value(statement.value, mask) : undefined;
      if (piece?.varies || (statement.type === "index" && shapes.index(statement.value) !== 0))
        throw new InternalError("lanes store different values in one place");
      const text = statement.type === "real" ? (piece?.text ?? "") : whole(statement.value).text;
      const guard = mask && mask.count === undefined ? `if (any(${mask.text})) ` : "";
      line(`${guard}${memory}[${whole(at).text}] = ${whole32 ? `(int)(${text})` : text};`);
      return;
    }
    if (statement.type === "index") {
      const [where, only] = mask ? ["Where", `, ${mask.text}`] : ["", ""];
      line(
        `scatterWholes${where}<V>(${memory}, ${wholes(at, mask).text}, ${wholes(statement.value, mask).text}${only});`,
      );
      return;
    }
    const text = vector(value(statement.value, mask)).text;
    const to = step === 1 ? pointer(buffer, at) : memory;
    if (step === 1 && !mask) line(`store<V>(${to}, ${text});`);
    else if (step === 1 && mask?.count !== undefined) line(`storeFirst<V, ${mask.count}>(${to}, ${text});`);
    else if (step === 1) line(`storeWhere<V>(${to}, ${text}, ${mask?.text});`);
    else if (!mask) line(`scatter<V>(${to}, ${wholes(at).text}, ${text});`);
    else line(`scatterWhere<V>(${to}, ${wholes(at, mask).text}, ${text}, ${mask.text});`);
  };

  const stores = ({ buffer, at, values }: Statement & { kind: "stores" }, mask: Mask | undefined): void => {
    const step = shapes.index(at);
    const pieces = values.map((x) => vector(value(x, mask)).text);
    if (step === "varying" || step === 0 || !kernel.team || (mask && mask.count === undefined))
      throw new InternalError("a block is stored in lanes that lie evenly apart");
    const lanes = mask?.count ?? kernel.team.threads;
    for (let from = 0; from < pieces.length; from += kernel.team.threads) {
      const rows = pieces.slice(from, from + kernel.team.threads);
      const name = fresh();
      line(`const V ${name}[${rows.length}] = {${rows.join(", ")}};`);
      line(`storeTransposed(${pointer(buffer, at)} + ${from}, ${step}, ${name}, ${lanes});`);
    }
  };

  const loop = (statement: Statement & { kind: "for" }, mask: Mask | undefined): void => {
    const { variable, from, to, step, unrolled, body } = statement;
    if (shapes.loopsTogether(statement)) {
      const [start, end] = [whole(from).text, within(whole(to), LEVEL.sum)];
      const v = named(variable, "i");
      if (unrolled) line("#pragma GCC unroll 64");
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

  const write = (statements: readonly Statement[], mask: Mask | undefined): void => {
    for (const statement of statements)
      switch (statement.kind) {
        case "for":
          loop(statement, mask);
          break;
        case "declare":
          declare(statement, mask);
          break;
        case "assign":
          assign(statement, mask);
          break;
        case "store":
          store(statement, mask);
          break;
        case "stores":
          stores(statement, mask);
          break;
        case "if":
          when(statement, mask);
          break;
        case "barrier":
          // In step as they are, lanes need not meet; the compiler keeps no loaded value over it.
          line('asm volatile("" ::: "memory");');
          break;
        default:
          statement satisfies never;
      }
  };
  return write;
}

/** Whether memory holds integers, of 32 bits. */
const isWhole = ({ buffers, scratch }: Kernel, buffer: number): boolean =>
  buffer >= 0 ? buffers[buffer].dtype === "index" : scratch[-1 - buffer].type === "index";

export type { LaneShapes };

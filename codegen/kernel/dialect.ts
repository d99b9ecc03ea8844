import type { BinaryOp, CompareOp, ShapedOp, UnaryOp } from "../ir/scalar.js";
import type { Condition, Index, Kernel, Memory, Statement, Typed, Value, Variable } from "./kernel.js";

/** Binding strength of what was written; a weaker text is put in parentheses. The C family agrees on these. */
export const LEVEL = { or: 5, ternary: 3, sum: 11, product: 12, power: 13, atom: 20 } as const;

export interface Text {
  readonly text: string;
  readonly level: number;
}
export const atom = (text: string): Text => ({ text, level: LEVEL.atom });
export const within = ({ text, level }: Text, least: number): string => (level >= least ? text : `(${text})`);
export const call = (name: string, ...args: readonly Text[]): Text =>
  atom(`${name}(${args.map(({ text }) => text).join(", ")})`);

/** A function that the language does not have, by name: generated code brings those that it calls. */
export type Helper = string;

/** How an operation is written: a prefix or infix operator, a function of the language, or a helper of ours. */
export type Form =
  | { readonly prefix: string }
  | { readonly infix: string; readonly level: number }
  | { readonly call: string }
  | { readonly helper: Helper };

/** What one language of the C family writes differently from another: a table, and a few hooks. */
export interface Dialect {
  readonly compare: Readonly<Record<CompareOp, string>>;
  readonly unary: Readonly<Record<UnaryOp, Form>>;
  readonly binary: Readonly<Record<BinaryOp, Form>>;
  readonly shaped: Readonly<Record<ShapedOp, Form>>;
  readonly random: Helper;
  literal(value: number): Text;
  quotient(a: Text, b: Text): Text;
  extreme(kind: "imin" | "imax", a: Text, b: Text): Text;
  truncate(value: Text): Text;
  fromIndex(index: Text): Text;
  /** The arguments of the random helper for these numbers. */
  randomArguments(seed: number, stream: number, step: Text, element: Text): readonly Text[];
  fma(a: Text, b: Text, c: Text): Text;
  exchange(value: Text, lanes: number): Text;
  /** An integer as a statement's right-hand side. */
  integer(index: Index, text: string): string;
  declaration(type: Typed["type"], mutable: boolean): string;
  /** What opens a counted loop, up to its brace; lines before it (a pragma) included. */
  loop(variable: string, from: string, to: string, step: number, unrolled: boolean): readonly string[];
  readonly barrier: string;
}

/** Writes the statements of one kernel; variables are named in the order they are met. */
export interface BodyRenderer {
  readonly lines: string[];
  declare(variable: Variable, type: Typed["type"]): string;
  write(statements: readonly Statement[], indent: string): void;
}

const memory = (buffer: Memory): string => (buffer >= 0 ? `b${buffer}` : `s${-1 - buffer}`);

/** A renderer of statements in a dialect; `used` collects the helpers that were called. */
export function bodyRenderer(dialect: Dialect, used: Set<Helper>): BodyRenderer {
  const names = new Map<Variable, string>();
  let reals = 0;
  let integers = 0;
  const declare = (variable: Variable, type: "real" | "index"): string => {
    const name = type === "real" ? `v${reals++}` : `i${integers++}`;
    names.set(variable, name);
    return name;
  };
  const nameOf = (variable: Variable): string => names.get(variable)!;

  const index = (x: Index): Text => {
    switch (x.kind) {
      case "int":
        return { text: String(x.value), level: x.value < 0 ? LEVEL.or : LEVEL.atom };
      case "var":
        return atom(nameOf(x.variable));
      case "iadd":
        return infix("+", LEVEL.sum, index(x.a), index(x.b));
      case "isub":
        return infix("-", LEVEL.sum, index(x.a), index(x.b));
      case "imul":
        return infix("*", LEVEL.product, index(x.a), index(x.b));
      case "idiv":
        return dialect.quotient(index(x.a), index(x.b));
      case "imod":
        return infix("%", LEVEL.product, index(x.a), index(x.b));
      case "imin":
      case "imax":
        return dialect.extreme(x.kind, index(x.a), index(x.b));
      case "iload":
        return atom(`${memory(x.buffer)}[${index(x.at).text}]`);
      case "truncate":
        return dialect.truncate(value(x.value));
      default:
        return x satisfies never;
    }
  };
  const infix = (operator: string, level: number, a: Text, b: Text): Text => ({
    text: `${within(a, level)} ${operator} ${within(b, level + 1)}`,
    level,
  });

  const apply = (form: Form, ...args: readonly Text[]): Text => {
    if ("helper" in form) {
      used.add(form.helper);
      return call(form.helper, ...args);
    }
    if ("call" in form) return call(form.call, ...args);
    if ("prefix" in form)
      return { text: `${form.prefix}${within(args[0], LEVEL.atom)}`, level: LEVEL.product };
    // A power binds to the right: what stands on its left is one thing.
    if (form.level === LEVEL.power)
      return {
        text: `${within(args[0], LEVEL.atom)} ${form.infix} ${within(args[1], form.level + 1)}`,
        level: form.level,
      };
    return infix(form.infix, form.level, args[0], args[1]);
  };

  const value = (x: Value): Text => {
    switch (x.kind) {
      case "const":
        return dialect.literal(x.value);
      case "local":
        return atom(nameOf(x.variable));
      case "load":
        return atom(`${memory(x.buffer)}[${index(x.at).text}]`);
      case "fromIndex":
        return dialect.fromIndex(index(x.index));
      case "unary":
        return apply(dialect.unary[x.op], value(x.x));
      case "shaped":
        return apply(dialect.shaped[x.op], value(x.x), dialect.literal(x.alpha));
      case "binary":
        return apply(dialect.binary[x.op], value(x.a), value(x.b));
      case "fma":
        return dialect.fma(value(x.a), value(x.b), value(x.c));
      case "exchange":
        return dialect.exchange(value(x.value), x.lanes);
      case "select":
        return choice(
          `${within(value(x.left), LEVEL.sum)} ${dialect.compare[x.cmp]} ${within(value(x.right), LEVEL.sum)}`,
          value(x.whenTrue),
          value(x.otherwise),
        );
      case "guard":
        return choice(condition(x.condition), value(x.whenTrue), value(x.otherwise));
      case "random":
        return apply(
          { helper: dialect.random },
          ...dialect.randomArguments(x.seed, x.stream, value(x.step), index(x.element)),
        );
      default:
        return x satisfies never;
    }
  };
  const choice = (test: string, whenTrue: Text, otherwise: Text): Text => ({
    text: `${test} ? ${within(whenTrue, LEVEL.ternary + 1)} : ${within(otherwise, LEVEL.ternary)}`,
    level: LEVEL.ternary,
  });

  const condition = (x: Condition): string => {
    switch (x.kind) {
      case "compare":
        return `${within(index(x.a), LEVEL.sum)} ${dialect.compare[x.cmp]} ${within(index(x.b), LEVEL.sum)}`;
      case "compareValue":
        return `${within(value(x.a), LEVEL.sum)} ${dialect.compare[x.cmp]} ${within(value(x.b), LEVEL.sum)}`;
      case "and":
        return x.all.map(condition).join(" && ");
      default:
        return x satisfies never;
    }
  };

  const typed = (x: Typed): string =>
    x.type === "real" ? value(x.value).text : dialect.integer(x.value, index(x.value).text);

  const lines: string[] = [];
  const write = (statements: readonly Statement[], indent: string): void => {
    for (const statement of statements) {
      switch (statement.kind) {
        case "for": {
          const from = index(statement.from).text;
          const to = within(index(statement.to), LEVEL.sum);
          const v = declare(statement.variable, "index");
          const opening = dialect.loop(v, from, to, statement.step, statement.unrolled);
          lines.push(...opening.map((line) => `${indent}${line}`));
          write(statement.body, `${indent}  `);
          lines.push(`${indent}}`);
          break;
        }
        case "declare": {
          const text = typed(statement);
          const word = dialect.declaration(statement.type, statement.mutable);
          lines.push(`${indent}${word} ${declare(statement.variable, statement.type)} = ${text};`);
          break;
        }
        case "assign": {
          const name = nameOf(statement.variable);
          const { value: x } = statement;
          const isSum = statement.type === "real" && x.kind === "binary" && x.op === "add";
          if (isSum && isLocal(x.a, statement.variable))
            lines.push(`${indent}${name} += ${value(x.b).text};`);
          else lines.push(`${indent}${name} = ${typed(statement)};`);
          break;
        }
        case "store":
          lines.push(
            `${indent}${memory(statement.buffer)}[${index(statement.at).text}] = ${typed(statement)};`,
          );
          break;
        case "if":
          lines.push(`${indent}if (${condition(statement.condition)}) {`);
          write(statement.whenTrue, `${indent}  `);
          if (statement.otherwise.length > 0) {
            lines.push(`${indent}} else {`);
            write(statement.otherwise, `${indent}  `);
          }
          lines.push(`${indent}}`);
          break;
        case "barrier":
          lines.push(`${indent}${dialect.barrier}`);
          break;
        default:
          statement satisfies never;
      }
    }
  };
  return { lines, declare, write };
}

const isLocal = (x: Value, variable: Variable): boolean => x.kind === "local" && x.variable === variable;

/** What a kernel computes, as a comment: whatever the text, it stays one. */
export const kernelComment = (kernel: Kernel): string => {
  const text = `${kernel.note}; parallel over ${kernel.parallel.extent}`;
  return `/** ${text.replaceAll("*/", "*\\/").replaceAll(/[\r\n\u2028\u2029]+/g, " ")} */`;
};

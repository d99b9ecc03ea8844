import { InternalError } from "../../proto/errors/index.js";
import type { BinaryOp, CompareOp, ShapedOp, UnaryOp } from "../ir/scalar.js";
import type { Expression } from "./children.js";
import { type Cases, fold } from "./fold-forms.js";
import { addInt } from "./indices.js";
import type { Index, Kernel, Memory, Statement, Typed, Value, Variable } from "./kernel.js";

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

export const infix = (operator: string, level: number, a: Text, b: Text): Text => ({
  text: `${within(a, level)} ${operator} ${within(b, level + 1)}`,
  level,
});
export const choice = (test: string, whenTrue: Text, otherwise: Text): Text => ({
  text: `${test} ? ${within(whenTrue, LEVEL.ternary + 1)} : ${within(otherwise, LEVEL.ternary)}`,
  level: LEVEL.ternary,
});

/** The text of each kind of expression, by the texts of what stands in it. */
function expressionTexts(
  dialect: Dialect,
  used: Set<Helper>,
  nameOf: (variable: Variable) => string,
): Cases<Text> {
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
  const element = ({ buffer }: { readonly buffer: Memory }, { at }: { readonly at: Text }): Text =>
    atom(`${memory(buffer)}[${at.text}]`);
  const comparison = (cmp: CompareOp, a: Text, b: Text): string =>
    `${within(a, LEVEL.sum)} ${dialect.compare[cmp]} ${within(b, LEVEL.sum)}`;

  return {
    int: ({ value }) => ({ text: String(value), level: value < 0 ? LEVEL.or : LEVEL.atom }),
    var: ({ variable }) => atom(nameOf(variable)),
    iadd: (_, { a, b }) => infix("+", LEVEL.sum, a, b),
    isub: (_, { a, b }) => infix("-", LEVEL.sum, a, b),
    imul: (_, { a, b }) => infix("*", LEVEL.product, a, b),
    idiv: (_, { a, b }) => dialect.quotient(a, b),
    imod: (_, { a, b }) => infix("%", LEVEL.product, a, b),
    imin: (_, { a, b }) => dialect.extreme("imin", a, b),
    imax: (_, { a, b }) => dialect.extreme("imax", a, b),
    iload: element,
    truncate: (_, { value }) => dialect.truncate(value),

    const: ({ value }) => dialect.literal(value),
    local: ({ variable }) => atom(nameOf(variable)),
    load: element,
    fromIndex: (_, { index }) => dialect.fromIndex(index),
    unary: ({ op }, { x }) => apply(dialect.unary[op], x),
    shaped: ({ op, alpha }, { x }) => apply(dialect.shaped[op], x, dialect.literal(alpha)),
    binary: ({ op }, { a, b }) => apply(dialect.binary[op], a, b),
    fma: (_, { a, b, c }) => dialect.fma(a, b, c),
    exchange: ({ lanes }, { value }) => dialect.exchange(value, lanes),
    select: ({ cmp }, { left, right, whenTrue, otherwise }) =>
      choice(comparison(cmp, left, right), whenTrue, otherwise),
    guard: (_, { condition, whenTrue, otherwise }) => choice(condition.text, whenTrue, otherwise),
    random: ({ seed, stream }, { step, element: place }) =>
      apply({ helper: dialect.random }, ...dialect.randomArguments(seed, stream, step, place)),

    compare: ({ cmp }, { a, b }) => atom(comparison(cmp, a, b)),
    compareValue: ({ cmp }, { a, b }) => atom(comparison(cmp, a, b)),
    and: (_, { all }) => atom(all.map(({ text }) => text).join(" && ")),
  };
}

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
  const nameOf = (variable: Variable): string => {
    const name = names.get(variable);
    if (name === undefined) throw new InternalError(`variable ${variable} stands outside of its block`);
    return name;
  };

  const texts = expressionTexts(dialect, used, nameOf);
  const textOf = (x: Expression): string => fold(x, texts).text;
  const typed = (x: Typed): string =>
    x.type === "real" ? textOf(x.value) : dialect.integer(x.value, textOf(x.value));

  const lines: string[] = [];
  const write = (statements: readonly Statement[], indent: string): void => {
    const line = (text: string): void => {
      lines.push(`${indent}${text}`);
    };
    const inside = (block: readonly Statement[]): void => write(block, `${indent}  `);
    for (const statement of statements) {
      switch (statement.kind) {
        case "for": {
          const from = textOf(statement.from);
          const to = within(fold(statement.to, texts), LEVEL.sum);
          const v = declare(statement.variable, "index");
          dialect.loop(v, from, to, statement.step, statement.unrolled).forEach(line);
          inside(statement.body);
          line("}");
          break;
        }
        case "declare": {
          const text = typed(statement);
          const word = dialect.declaration(statement.type, statement.mutable);
          line(`${word} ${declare(statement.variable, statement.type)} = ${text};`);
          break;
        }
        case "assign": {
          const name = nameOf(statement.variable);
          const { value: x } = statement;
          const isSum = statement.type === "real" && x.kind === "binary" && x.op === "add";
          if (isSum && isLocal(x.a, statement.variable)) line(`${name} += ${textOf(x.b)};`);
          else line(`${name} = ${typed(statement)};`);
          break;
        }
        case "store":
          line(`${memory(statement.buffer)}[${textOf(statement.at)}] = ${typed(statement)};`);
          break;
        case "stores":
          statement.values.forEach((value, i) => {
            line(`${memory(statement.buffer)}[${textOf(addInt(statement.at, i))}] = ${textOf(value)};`);
          });
          break;
        case "if":
          line(`if (${textOf(statement.condition)}) {`);
          inside(statement.whenTrue);
          if (statement.otherwise.length > 0) {
            line("} else {");
            inside(statement.otherwise);
          }
          line("}");
          break;
        case "barrier":
          line(dialect.barrier);
          break;
        case "prefetch":
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

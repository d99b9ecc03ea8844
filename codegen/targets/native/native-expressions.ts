import { InternalError } from "../../../proto/errors/index.js";
import type { BinaryOp, ShapedOp, UnaryOp } from "../../ir/scalar.js";
import { atom, call, type Form, LEVEL, type Text, within } from "../../kernel/dialect.js";
import { sub } from "../../kernel/indices.js";
import type { Condition, Index, Kernel, Memory, Value, Variable } from "../../kernel/kernel.js";
import { visitLoads } from "../../kernel/visit-forms.js";
import type { LaneShapes } from "../../lanes/lane-shapes.js";
import { NATIVE_SCALARS, realLiteral } from "./native-scalars.js";

/** Text of a real or a condition, of one lane for all or of all lanes. */
export interface Piece extends Text {
  readonly varies: boolean;
}

/** Lanes that take part in what is written: those of `text`, a vector; of the first `count` where that is known. */
export interface Mask {
  readonly text: string;
  readonly count?: number;
}

export interface ExpressionContext {
  readonly kernel: Kernel;
  readonly shapes: LaneShapes;
  readonly real: "float" | "double";
  nameOf(variable: Variable): string;
  /** Writes a line in front of the statement that is being written. */
  line(text: string): void;
  /** What `write` wrote in front, instead of writing it. */
  captured(write: () => void): readonly string[];
  fresh(): string;
}

/** Writes expressions; those that vary between lanes are vectors, and only lanes of the mask touch memory. */
export interface Expressions {
  /** An integer in lane 0. */
  whole(x: Index): Text;
  /** An integer in all lanes, as a vector. */
  wholes(x: Index, mask?: Mask): Text;
  real(x: Value, mask?: Mask): Piece;
  vector(x: Piece): Text;
  condition(x: Condition, mask?: Mask): Piece;
  /** The mask of a condition that varies, inside another one. */
  masked(x: Condition, mask: Mask | undefined): Mask;
  /** The lanes of `outer` for which the condition does not hold. */
  others(of: Mask, outer: Mask | undefined): Mask;
  pointer(buffer: Memory, at: Index): string;
}

export const memoryName = (buffer: Memory): string => (buffer >= 0 ? `b${buffer}` : `s${-1 - buffer}`);

export function createExpressions(context: ExpressionContext): Expressions {
  const { kernel, shapes, nameOf } = context;
  const team = kernel.team;
  const infix = (operator: string, level: number, a: Text, b: Text): Text => ({
    text: `${within(a, level)} ${operator} ${within(b, level + 1)}`,
    level,
  });

  const whole = (x: Index): Text => {
    switch (x.kind) {
      case "int":
        return { text: String(x.value), level: x.value < 0 ? LEVEL.or : LEVEL.atom };
      case "var":
        return team && x.variable === team.variable ? atom("0") : atom(nameOf(x.variable));
      case "iadd":
        return infix("+", LEVEL.sum, whole(x.a), whole(x.b));
      case "isub":
        return infix("-", LEVEL.sum, whole(x.a), whole(x.b));
      case "imul":
        return infix("*", LEVEL.product, whole(x.a), whole(x.b));
      case "idiv":
        return infix("/", LEVEL.product, whole(x.a), whole(x.b));
      case "imod":
        return infix("%", LEVEL.product, whole(x.a), whole(x.b));
      case "imin":
      case "imax":
        return call(x.kind === "imin" ? "least<long>" : "greatest<long>", whole(x.a), whole(x.b));
      case "iload":
        return atom(`${memoryName(x.buffer)}[${whole(x.at).text}]`);
      case "truncate":
        return call("(long)", atom(`(${real(x.value).text})`));
      default:
        return x satisfies never;
    }
  };

  const wholes = (x: Index, mask?: Mask): Text => {
    const step = shapes.index(x);
    if (step === 0) return call("wholes<V>", whole(x));
    if (step !== "varying") return call("ramp<V>", whole(x), atom(String(step)));
    switch (x.kind) {
      case "int":
      case "var":
        return atom(nameOf((x as Index & { kind: "var" }).variable));
      case "iadd":
        return infix("+", LEVEL.sum, wholes(x.a, mask), wholes(x.b, mask));
      case "isub":
        return infix("-", LEVEL.sum, wholes(x.a, mask), wholes(x.b, mask));
      case "imul":
        return infix("*", LEVEL.product, wholes(x.a, mask), wholes(x.b, mask));
      case "idiv":
        return infix("/", LEVEL.product, wholes(x.a, mask), wholes(x.b, mask));
      case "imod":
        return infix("%", LEVEL.product, wholes(x.a, mask), wholes(x.b, mask));
      case "imin":
        return call("least<I>", wholes(x.a, mask), wholes(x.b, mask));
      case "imax":
        return call("greatest<I>", wholes(x.a, mask), wholes(x.b, mask));
      case "iload":
        return loadWholes(x, mask);
      case "truncate":
        return call("truncated<V>", vector(real(x.value, mask)));
      default:
        return x satisfies never;
    }
  };

  const pointer = (buffer: Memory, at: Index): string =>
    `${memoryName(buffer)} + ${within(whole(at), LEVEL.sum)}`;
  /** Where lanes have memory of their own, its elements lie lane by lane. */
  const ownMemory = (buffer: Memory): boolean =>
    buffer < 0 && team !== undefined && !kernel.scratch[-1 - buffer].team;

  const loadWholes = (x: Index & { kind: "iload" }, mask?: Mask): Text => {
    if (ownMemory(x.buffer)) throw new InternalError("a table of integers for each lane");
    const where = mask ? ["Where", `, ${mask.text}`] : ["", ""];
    if (shapes.index(x.at) === 1)
      return atom(`loadWholes${where[0]}<V>(${pointer(x.buffer, x.at)}${where[1]})`);
    return atom(`gatherWholes${where[0]}<V>(${memoryName(x.buffer)}, ${wholes(x.at, mask).text}${where[1]})`);
  };

  const load = ({ buffer, at }: Value & { kind: "load" }, mask?: Mask): Piece => {
    const step = shapes.index(at);
    const memory = memoryName(buffer);
    if (ownMemory(buffer)) {
      if (step !== 0) throw new InternalError("memory of a lane's own, at an index of its own");
      return { ...atom(`load<V>(${memory} + (${whole(at).text}) * ${team?.threads})`), varies: true };
    }
    if (step === 0) {
      const plain = atom(`${memory}[${whole(at).text}]`);
      if (!mask || mask.count !== undefined) return { ...plain, varies: false };
      return { text: `any(${mask.text}) ? ${plain.text} : 0`, level: LEVEL.ternary, varies: false };
    }
    const from = pointer(buffer, at);
    if (step === 1) {
      if (!mask) return { ...atom(`load<V>(${from})`), varies: true };
      if (mask.count !== undefined) return { ...atom(`loadFirst<V, ${mask.count}>(${from})`), varies: true };
      return { ...atom(`loadWhere<V>(${from}, ${mask.text})`), varies: true };
    }
    if (step !== "varying" && !mask) return { ...atom(`loadApart<V, ${step}>(${from})`), varies: true };
    const [where, only] = mask ? ["Where", `, ${mask.text}`] : ["", ""];
    return { ...atom(`gather${where}<V>(${memory}, ${wholes(at, mask).text}${only})`), varies: true };
  };

  const vector = (x: Piece): Text => (x.varies ? x : call("all<V>", x));

  const apply = (form: Form, pieces: readonly Piece[]): Piece => {
    const varies = pieces.some((piece) => piece.varies);
    const texts = varies && !("infix" in form) ? pieces.map(vector) : pieces;
    if ("helper" in form) return { ...call(form.helper, ...texts), varies };
    if ("call" in form) return { ...call(form.call, ...texts), varies };
    if ("prefix" in form)
      return { text: `${form.prefix}${within(texts[0], LEVEL.atom)}`, level: LEVEL.product, varies };
    return { ...infix(form.infix, form.level, texts[0], texts[1]), varies };
  };

  /** A choice in which only what is chosen may touch memory. */
  const guarded = (x: Value & { kind: "guard" }, mask: Mask | undefined): Piece => {
    if (!shapes.varies(x.condition)) {
      const test = condition(x.condition, mask).text;
      const [one, other] = [inFront(() => real(x.whenTrue, mask)), inFront(() => real(x.otherwise, mask))];
      const varies = one.piece.varies || other.piece.varies;
      const [a, b] = varies ? [vector(one.piece), vector(other.piece)] : [one.piece, other.piece];
      if (one.lines.length + other.lines.length === 0) return { ...choice(test, a, b), varies };
      const name = context.fresh();
      for (const line of [
        `${varies ? "V" : context.real} ${name};`,
        `if (${test}) {`,
        ...one.lines,
        `${name} = ${a.text};`,
        "} else {",
        ...other.lines,
        `${name} = ${b.text};`,
        "}",
      ])
        context.line(line);
      return { ...atom(name), varies };
    }
    const inside = masked(x.condition, mask);
    const whenTrue = real(x.whenTrue, inside);
    const otherwise = real(x.otherwise, hasLoads(x.otherwise) ? others(inside, mask) : mask);
    return { ...choice(inside.text, vector(whenTrue), vector(otherwise)), varies: true };
  };
  const inFront = (write: () => Piece): { readonly piece: Piece; readonly lines: readonly string[] } => {
    let piece: Piece = { text: "", level: 0, varies: false };
    const lines = context.captured(() => {
      piece = write();
    });
    return { piece, lines };
  };

  const real = (x: Value, mask?: Mask): Piece => {
    switch (x.kind) {
      case "const":
        return { ...realLiteral(x.value, context.real), varies: false };
      case "local":
        return { ...atom(nameOf(x.variable)), varies: shapes.variable(x.variable) !== 0 };
      case "load":
        return load(x, mask);
      case "fromIndex": {
        if (shapes.index(x.index) === 0)
          return { ...atom(`(${context.real})(${whole(x.index).text})`), varies: false };
        return { ...call("real<V>", wholes(x.index, mask)), varies: true };
      }
      case "unary":
        return apply(NATIVE_SCALARS.unary[x.op satisfies UnaryOp], [real(x.x, mask)]);
      case "shaped": {
        const alpha = { ...realLiteral(x.alpha, context.real), varies: false };
        return apply(NATIVE_SCALARS.shaped[x.op satisfies ShapedOp], [real(x.x, mask), alpha]);
      }
      case "binary":
        return apply(NATIVE_SCALARS.binary[x.op satisfies BinaryOp], [real(x.a, mask), real(x.b, mask)]);
      case "fma": {
        const parts = [x.a, x.b, x.c].map((part) => real(part, mask));
        const varies = parts.some((part) => part.varies);
        return { ...call("fused", ...(varies ? parts.map(vector) : parts)), varies };
      }
      case "exchange":
        return { ...call(`exchanged<${x.lanes}>`, vector(real(x.value, mask))), varies: true };
      case "select": {
        const test = comparison(x.cmp, real(x.left, mask), real(x.right, mask));
        const [one, other] = [real(x.whenTrue, mask), real(x.otherwise, mask)];
        const varies = test.varies || one.varies || other.varies;
        return {
          ...choice(test.text, varies ? vector(one) : one, varies ? vector(other) : other),
          varies,
        };
      }
      case "guard":
        return guarded(x, mask);
      case "random": {
        const step = real(x.step, mask);
        const varies = shapes.index(x.element) !== 0;
        const element = varies ? wholes(x.element, mask) : whole(x.element);
        const words = [x.seed, Math.floor(x.seed / 2 ** 32), x.stream, Math.floor(x.stream / 2 ** 32)];
        const key = words.map((word) => atom(`${word >>> 0}u`));
        return { ...call(varies ? "uniform<V>" : "uniform", ...key, step, element), varies };
      }
      default:
        return x satisfies never;
    }
  };

  const comparison = (cmp: keyof typeof NATIVE_SCALARS.compare, a: Piece, b: Piece): Piece => {
    const varies = a.varies || b.varies;
    const [left, right] = varies ? [vector(a), vector(b)] : [a, b];
    return {
      text: `${within(left, LEVEL.sum)} ${NATIVE_SCALARS.compare[cmp]} ${within(right, LEVEL.sum)}`,
      level: LEVEL.or,
      varies,
    };
  };

  const condition = (x: Condition, mask?: Mask): Piece => {
    switch (x.kind) {
      case "compare": {
        const sign = NATIVE_SCALARS.compare[x.cmp];
        const varies = shapes.index(sub(x.a, x.b)) !== 0;
        const [a, b] = varies ? [wholes(x.a, mask), wholes(x.b, mask)] : [whole(x.a), whole(x.b)];
        return { text: `${within(a, LEVEL.sum)} ${sign} ${within(b, LEVEL.sum)}`, level: LEVEL.or, varies };
      }
      case "compareValue":
        return comparison(x.cmp, real(x.a, mask), real(x.b, mask));
      case "and": {
        const parts = x.all.map((part) => condition(part, mask));
        if (parts.every(({ varies }) => !varies))
          return { text: parts.map(({ text }) => text).join(" && "), level: LEVEL.or, varies: false };
        const vectors = parts.map((part) =>
          part.varies ? `(${part.text})` : `wholes<V>(-(long)(${part.text}))`,
        );
        return { text: vectors.join(" & "), level: LEVEL.or, varies: true };
      }
      default:
        return x satisfies never;
    }
  };

  const masked = (x: Condition, mask: Mask | undefined): Mask => {
    const count = shapes.prefix(x);
    const name = context.fresh();
    if (count !== undefined && (!mask || mask.count !== undefined)) {
      const least = Math.min(count, mask?.count ?? count);
      context.line(`const I ${name} = first<V>(${least});`);
      return { text: name, count: least };
    }
    const own = condition(x, mask).text;
    context.line(`const I ${name} = ${mask ? `(${own}) & ${mask.text}` : own};`);
    return { text: name };
  };
  const others = (of: Mask, outer: Mask | undefined): Mask => {
    const name = context.fresh();
    context.line(`const I ${name} = ~${of.text}${outer ? ` & ${outer.text}` : ""};`);
    return { text: name };
  };

  return { whole, wholes, real, vector, condition, masked, others, pointer };
}

const choice = (test: string, whenTrue: Text, otherwise: Text): Text => ({
  text: `${test} ? ${within(whenTrue, LEVEL.ternary + 1)} : ${within(otherwise, LEVEL.ternary)}`,
  level: LEVEL.ternary,
});

function hasLoads(x: Value): boolean {
  let found = false;
  visitLoads(x, () => {
    found = true;
  });
  return found;
}

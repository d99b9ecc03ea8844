import { InternalError } from "../../../proto/errors/index.js";
import type { CompareOp } from "../../ir/scalar.js";
import { atom, call, choice, type Form, infix, LEVEL, type Text, within } from "../../kernel/dialect.js";
import type { Value } from "../../kernel/kernel.js";
import { hasOwnMemory } from "../../lanes/own-memory.js";
import { guardText } from "./native-guards.js";
import { memoryName } from "./native-memory.js";
import { NATIVE_SCALARS, realLiteral } from "./native-scalars.js";
import type { ExpressionContext, Expressions, Mask, Piece } from "./native-text.js";

export const vector = (x: Piece): Text => (x.varies ? x : call("all<V>", x));

/** Lanes that lie side by side, or evenly apart: all, the first, or those of a mask. */
function evenLoad(from: string, step: number, mask: Mask | undefined): string {
  const [name, apart] = step === 1 ? ["load", ""] : ["loadApart", `, ${step}`];
  if (!mask) return `${name}<V${apart}>(${from})`;
  if (mask.count !== undefined) return `${name}First<V${apart}, ${mask.count}>(${from})`;
  return `${name}Where<V${apart}>(${from}, ${mask.text})`;
}

export function comparison(cmp: CompareOp, a: Piece, b: Piece): Piece {
  const varies = a.varies || b.varies;
  const [left, right] = varies ? [vector(a), vector(b)] : [a, b];
  return {
    text: `${within(left, LEVEL.sum)} ${NATIVE_SCALARS.compare[cmp]} ${within(right, LEVEL.sum)}`,
    level: LEVEL.or,
    varies,
  };
}

function apply(form: Form, pieces: readonly Piece[]): Piece {
  const varies = pieces.some((piece) => piece.varies);
  const texts = varies && !("infix" in form) ? pieces.map(vector) : pieces;
  if ("helper" in form) return { ...call(form.helper, ...texts), varies };
  if ("call" in form) return { ...call(form.call, ...texts), varies };
  if ("prefix" in form)
    return { text: `${form.prefix}${within(texts[0], LEVEL.atom)}`, level: LEVEL.product, varies };
  return { ...infix(form.infix, form.level, texts[0], texts[1]), varies };
}

/** Reals, as one number where all lanes have the same. */
export function realTexts(
  context: ExpressionContext,
  expressions: Expressions,
): Pick<Expressions, "real" | "vector"> {
  const { kernel, shapes, nameOf } = context;

  const load = ({ buffer, at }: Value & { kind: "load" }, mask?: Mask): Piece => {
    const step = shapes.index(at);
    const memory = memoryName(buffer);
    if (hasOwnMemory(kernel, buffer)) {
      if (step !== 0) throw new InternalError("memory of a lane's own, at an index of its own");
      return {
        ...atom(`load<V>(${memory} + (${expressions.whole(at).text}) * ${kernel.team?.threads})`),
        varies: true,
      };
    }
    if (step === 0) {
      const plain = atom(`${memory}[${expressions.whole(at).text}]`);
      if (!mask || mask.count !== undefined) return { ...plain, varies: false };
      return { text: `any(${mask.text}) ? ${plain.text} : 0`, level: LEVEL.ternary, varies: false };
    }
    if (step !== "varying")
      return { ...atom(evenLoad(expressions.pointer(buffer, at), step, mask)), varies: true };
    const [where, only] = mask ? ["Where", `, ${mask.text}`] : ["", ""];
    return {
      ...atom(`gather${where}<V>(${memory}, ${expressions.wholes(at, mask).text}${only})`),
      varies: true,
    };
  };

  const random = (x: Value & { readonly kind: "random" }, mask?: Mask): Piece => {
    const step = real(x.step, mask);
    const varies = shapes.index(x.element) !== 0;
    const element = varies ? expressions.wholes(x.element, mask) : expressions.whole(x.element);
    const words = [x.seed, Math.floor(x.seed / 2 ** 32), x.stream, Math.floor(x.stream / 2 ** 32)];
    const key = words.map((word) => atom(`${word >>> 0}u`));
    return { ...call(varies ? "uniform<V>" : "uniform", ...key, step, element), varies };
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
          return { ...atom(`(${context.real})(${expressions.whole(x.index).text})`), varies: false };
        return { ...call("real<V>", expressions.wholes(x.index, mask)), varies: true };
      }
      case "unary":
        return apply(NATIVE_SCALARS.unary[x.op], [real(x.x, mask)]);
      case "shaped": {
        const alpha = { ...realLiteral(x.alpha, context.real), varies: false };
        return apply(NATIVE_SCALARS.shaped[x.op], [real(x.x, mask), alpha]);
      }
      case "binary":
        return apply(NATIVE_SCALARS.binary[x.op], [real(x.a, mask), real(x.b, mask)]);
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
        return guardText(x, mask, context, expressions);
      case "random":
        return random(x, mask);
      default:
        return x satisfies never;
    }
  };

  return { real, vector };
}

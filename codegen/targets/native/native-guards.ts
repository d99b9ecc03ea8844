import { atom, choice } from "../../kernel/dialect.js";
import type { Value } from "../../kernel/kernel.js";
import { visitLoads } from "../../kernel/visit-forms.js";
import type { ExpressionContext, Expressions, Mask, Piece } from "./native-text.js";

type Guard = Value & { readonly kind: "guard" };

/** A choice in which only what is chosen touches memory. */
export function guardText(
  x: Guard,
  mask: Mask | undefined,
  context: ExpressionContext,
  expressions: Expressions,
): Piece {
  if (!context.shapes.varies(x.condition)) return uniformGuard(x, mask, context, expressions);
  const { real, vector } = expressions;
  const inside = expressions.masked(x.condition, mask);
  const whenTrue = real(x.whenTrue, inside);
  const otherwise = real(x.otherwise, hasLoads(x.otherwise) ? expressions.others(inside, mask) : mask);
  return { ...choice(inside.text, vector(whenTrue), vector(otherwise)), varies: true };
}

/** All lanes choose the same: what must be written in front of what is chosen stands behind the question. */
function uniformGuard(
  x: Guard,
  mask: Mask | undefined,
  context: ExpressionContext,
  { real, vector, condition }: Expressions,
): Piece {
  const inFront = (value: Value) => {
    const made: { piece?: Piece } = {};
    const lines = context.captured(() => {
      made.piece = real(value, mask);
    });
    return { piece: made.piece ?? real(value, mask), lines };
  };
  const test = condition(x.condition, mask).text;
  const [one, other] = [inFront(x.whenTrue), inFront(x.otherwise)];
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

function hasLoads(x: Value): boolean {
  let found = false;
  visitLoads(x, () => {
    found = true;
  });
  return found;
}

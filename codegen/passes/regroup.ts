import { add, constant, div, mul, neg, replace, type Scalar, sub } from "../ir/scalar.js";

/** Whether an expression changes only when parameters do. */
type IsSteady = (x: Scalar) => boolean;

interface Product {
  readonly over: readonly Scalar[];
  readonly under: readonly Scalar[];
}

interface Sum {
  readonly plus: readonly Scalar[];
  readonly minus: readonly Scalar[];
}

/**
 * Brings together, in sums and in products, what is steady: ((x + b − m) / s) · g becomes (x + (b − m)) · (g / s). What is
 * not steady keeps its order. Sums are not multiplied out: what is close to m stays exact.
 */
export function regroup(x: Scalar, isSteady: IsSteady): Scalar {
  return replace(x, (part) => {
    if (part.kind !== "binary" || isSteady(part)) return undefined;
    if (part.op === "mul" || part.op === "div") return regroupProduct(productOf(part), isSteady);
    if (part.op === "add" || part.op === "sub") return regroupSum(sumOf(part), isSteady);
    return undefined;
  });
}

function regroupProduct({ over, under }: Product, isSteady: IsSteady): Scalar {
  const parts = [...over, ...under].map((part) => regroup(part, isSteady));
  const [tops, bottoms] = [parts.slice(0, over.length), parts.slice(over.length)];
  const [steadyTops, steadyBottoms] = [tops.filter(isSteady), bottoms.filter(isSteady)];
  const changing = quotient(
    tops.filter((part) => !isSteady(part)),
    bottoms.filter((part) => !isSteady(part)),
  );
  return steadyTops.length + steadyBottoms.length === 0
    ? changing
    : mul(changing, quotient(steadyTops, steadyBottoms));
}

export const quotient = (over: readonly Scalar[], under: readonly Scalar[]): Scalar => {
  const top = over.reduce(mul, constant(1));
  return under.length === 0 ? top : div(top, under.reduce(mul, constant(1)));
};

function regroupSum({ plus, minus }: Sum, isSteady: IsSteady): Scalar {
  const parts = [...plus, ...minus].map((part) => regroup(part, isSteady));
  const [added, taken] = [parts.slice(0, plus.length), parts.slice(plus.length)];
  const rest = difference(
    added.filter((part) => !isSteady(part)),
    taken.filter((part) => !isSteady(part)),
  );
  const steady = [added.filter(isSteady), taken.filter(isSteady)] as const;
  return steady[0].length + steady[1].length === 0 ? rest : add(rest, difference(...steady));
}

const difference = (plus: readonly Scalar[], minus: readonly Scalar[]): Scalar => {
  if (plus.length === 0) return neg(minus.reduce(add, constant(0)));
  return minus.reduce(sub, plus.reduce(add, constant(0)));
};

/** The factors of a product, and what it is divided by; −x has the factor −1. */
export function productOf(x: Scalar): Product {
  if (x.kind === "unary" && x.op === "neg") {
    const { over, under } = productOf(x.x);
    return { over: [constant(-1), ...over], under };
  }
  if (x.kind !== "binary" || (x.op !== "mul" && x.op !== "div")) return { over: [x], under: [] };
  const [a, b] = [productOf(x.a), productOf(x.b)];
  const [over, under] = x.op === "mul" ? [b.over, b.under] : [b.under, b.over];
  return { over: [...a.over, ...over], under: [...a.under, ...under] };
}

/** The terms of a sum, and those taken from it. */
function sumOf(x: Scalar): Sum {
  if (x.kind !== "binary" || (x.op !== "add" && x.op !== "sub")) return { plus: [x], minus: [] };
  const [a, b] = [sumOf(x.a), sumOf(x.b)];
  const [plus, minus] = x.op === "add" ? [b.plus, b.minus] : [b.minus, b.plus];
  return { plus: [...a.plus, ...plus], minus: [...a.minus, ...minus] };
}

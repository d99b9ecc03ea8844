import type { Condition, Index, Memory, Value, Variable } from "./kernel.js";

/**
 * Integer arithmetic on loop variables, simplified as it is written: every expression is kept as a sum of
 * atoms times constants, and what is known of the variables' ranges resolves divisions, remainders and
 * comparisons. An atom is a variable, or an expression that is not a sum.
 */
interface Term {
  readonly atom: Index;
  readonly key: string;
  readonly factor: number;
}
interface Linear {
  readonly terms: readonly Term[];
  readonly constant: number;
}

/**
 * What is derived of an expression is kept with it, under symbols: expressions are many, short-lived and asked
 * often, and weak maps of them cost more than all the arithmetic.
 */
const LINEAR = Symbol("linear");
const KEY = Symbol("key");
interface Derived {
  [LINEAR]?: Linear;
  [KEY]?: string;
}
let nextOpaque = 0;
const opaqueKeys = new WeakMap<Value, string>();

export const int = (value: number): Index => ({ kind: "int", value });
export const ZERO: Index = int(0);
/** A variable that lies in least … greatest (inclusive). */
export const variable = (number: Variable, least: number, greatest: number): Index => ({
  kind: "var",
  variable: number,
  least,
  greatest,
});

/** An exact key: equal keys, equal values. */
export function keyOf(index: Index): string {
  const derived = index as Derived;
  derived[KEY] ??= keyFresh(index);
  return derived[KEY];
}

function keyFresh(index: Index): string {
  switch (index.kind) {
    case "int":
      return String(index.value);
    case "var":
      return `v${index.variable}`;
    case "iload":
      return `m${index.buffer}[${keyOf(index.at)}]`;
    case "truncate": {
      // Values are compared by identity: two texts of one value are merely not shared.
      let key = opaqueKeys.get(index.value);
      if (key === undefined) {
        key = `t${nextOpaque++}`;
        opaqueKeys.set(index.value, key);
      }
      return key;
    }
    case "idiv":
    case "imod":
    case "imin":
    case "imax":
      return `${index.kind}(${keyOf(index.a)},${keyOf(index.b)})`;
    case "iadd":
    case "isub":
    case "imul": {
      const { terms, constant } = linearOf(index);
      if (terms.length === 1 && constant === 0 && terms[0].factor === 1 && terms[0].atom === index)
        return `imul(${keyOf(index.a)},${keyOf(index.b)})`;
      return `(${terms.map((term) => `${term.factor}*${term.key}`).join("+")}+${constant})`;
    }
    default:
      return index satisfies never;
  }
}

function linearOf(index: Index): Linear {
  const derived = index as Derived;
  derived[LINEAR] ??= linearFresh(index);
  return derived[LINEAR];
}

function linearFresh(index: Index): Linear {
  switch (index.kind) {
    case "int":
      return { terms: [], constant: index.value };
    case "iadd":
      return combine(linearOf(index.a), linearOf(index.b), 1);
    case "isub":
      return combine(linearOf(index.a), linearOf(index.b), -1);
    case "imul": {
      const a = linearOf(index.a);
      const b = linearOf(index.b);
      if (a.terms.length === 0) return scaled(b, a.constant);
      if (b.terms.length === 0) return scaled(a, b.constant);
      const key = `imul(${keyOf(index.a)},${keyOf(index.b)})`;
      return { terms: [{ atom: index, key, factor: 1 }], constant: 0 };
    }
    default:
      return { terms: [{ atom: index, key: keyOf(index), factor: 1 }], constant: 0 };
  }
}

const scaled = (x: Linear, factor: number): Linear =>
  factor === 1
    ? x
    : {
        terms:
          factor === 0
            ? []
            : x.terms.map(({ atom, key, factor: own }) => ({ atom, key, factor: own * factor })),
        constant: x.constant * factor,
      };

/** Adds factor · terms to `into`. */
function addTerms(into: Term[], terms: readonly Term[], factor: number): void {
  for (const term of terms) {
    const own = term.factor * factor;
    let at = into.length - 1;
    while (at >= 0 && into[at].key !== term.key) at--;
    if (at === -1) into.push({ atom: term.atom, key: term.key, factor: own });
    else if (into[at].factor + own === 0) into.splice(at, 1);
    else into[at] = { atom: term.atom, key: term.key, factor: into[at].factor + own };
  }
}

function combine(a: Linear, b: Linear, sign: number): Linear {
  const constant = a.constant + b.constant * sign;
  if (b.terms.length === 0) return { terms: a.terms, constant };
  const terms = [...a.terms];
  addTerms(terms, b.terms, sign);
  return rejoin({ terms, constant });
}

/** d·⌊x/d⌋ + x mod d = x. */
function rejoin(x: Linear): Linear {
  for (const quotient of x.terms) {
    if (quotient.atom.kind !== "idiv" || quotient.atom.b.kind !== "int") continue;
    const divisor = quotient.atom.b.value;
    if (quotient.factor % divisor !== 0) continue;
    const factor = quotient.factor / divisor;
    const wanted = `imod(${keyOf(quotient.atom.a)},${divisor})`;
    const rest = x.terms.find((term) => term.key === wanted && term.factor === factor);
    if (!rest) continue;
    const others = {
      terms: x.terms.filter((term) => term !== quotient && term !== rest),
      constant: x.constant,
    };
    return combine(others, scaled(linearOf(quotient.atom.a), factor), 1);
  }
  return x;
}

const inOrder = (a: Term, b: Term): number => b.factor - a.factor || (a.key < b.key ? -1 : 1);

/** The expression of a sum: terms by falling factor, then the constant. */
function fromLinear(x: Linear): Index {
  const terms = x.terms.every((term, i) => i === 0 || inOrder(x.terms[i - 1], term) < 0)
    ? x.terms
    : [...x.terms].sort(inOrder);
  let sum: Index | undefined;
  for (const { atom, factor } of terms) {
    const size = Math.abs(factor);
    const part: Index = size === 1 ? atom : { kind: "imul", a: atom, b: int(size) };
    if (sum) sum = { kind: factor > 0 ? "iadd" : "isub", a: sum, b: part };
    else sum = factor > 0 ? part : { kind: "isub", a: ZERO, b: part };
  }
  if (!sum) return int(x.constant);
  if (x.constant !== 0)
    sum = { kind: x.constant > 0 ? "iadd" : "isub", a: sum, b: int(Math.abs(x.constant)) };
  (sum as Derived)[LINEAR] ??= { terms, constant: x.constant };
  return sum;
}

export const add = (a: Index, b: Index): Index => fromLinear(combine(linearOf(a), linearOf(b), 1));
export const sub = (a: Index, b: Index): Index => fromLinear(combine(linearOf(a), linearOf(b), -1));
export function addInt(a: Index, b: number): Index {
  if (b === 0) return a;
  const { terms, constant } = linearOf(a);
  return fromLinear({ terms, constant: constant + b });
}

export function mul(a: Index, b: Index | number): Index {
  if (typeof b === "number") return b === 1 ? a : fromLinear(scaled(linearOf(a), b));
  if (b.kind === "int") return mul(a, b.value);
  if (a.kind === "int") return mul(b, a.value);
  return { kind: "imul", a, b };
}

/** Greatest common divisor. */
export const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/** Splits x = d·quotient + rest, where the rest is never negative if x is not. */
function split(x: Index, divisor: number): { quotient: Linear; rest: Linear } {
  const { terms, constant } = linearOf(x);
  const low = ((constant % divisor) + divisor) % divisor;
  return {
    quotient: {
      terms: terms
        .filter((term) => term.factor % divisor === 0)
        .map((term) => ({ ...term, factor: term.factor / divisor })),
      constant: (constant - low) / divisor,
    },
    rest: { terms: terms.filter((term) => term.factor % divisor !== 0), constant: low },
  };
}

/** ⌊x / divisor⌋ for x ≥ 0. */
export function div(x: Index, divisor: number): Index {
  if (divisor === 1) return x;
  const { quotient, rest } = split(x, divisor);
  const [least, greatest] = linearBounds(rest);
  if (least < 0) return { kind: "idiv", a: x, b: int(divisor) };
  if (greatest < divisor) return fromLinear(quotient);
  const common = rest.terms.reduce((g, term) => gcd(g, term.factor), divisor);
  // ⌊(g·r + c) / (g·d)⌋ = ⌊r / d⌋ where 0 ≤ c < g.
  const inner = fromLinear({
    terms: rest.terms.map((term) => ({ ...term, factor: term.factor / common })),
    constant: Math.floor(rest.constant / common),
  });
  const part: Index = divisor === common ? inner : { kind: "idiv", a: inner, b: int(divisor / common) };
  return fromLinear(combine(quotient, linearOf(part), 1));
}

/** x mod divisor for x ≥ 0. */
export function mod(x: Index, divisor: number): Index {
  if (divisor === 1) return ZERO;
  const { rest } = split(x, divisor);
  const [least, greatest] = linearBounds(rest);
  if (least < 0) return { kind: "imod", a: x, b: int(divisor) };
  const inner = fromLinear(rest);
  return greatest < divisor ? inner : { kind: "imod", a: inner, b: int(divisor) };
}

export function min(a: Index, b: Index): Index {
  const [leastA, greatestA] = boundsOf(a);
  const [leastB, greatestB] = boundsOf(b);
  if (greatestA <= leastB) return a;
  if (greatestB <= leastA) return b;
  return { kind: "imin", a, b };
}

export function max(a: Index, b: Index): Index {
  const [leastA, greatestA] = boundsOf(a);
  const [leastB, greatestB] = boundsOf(b);
  if (leastA >= greatestB) return a;
  if (leastB >= greatestA) return b;
  return { kind: "imax", a, b };
}

/** Least and greatest value, both inclusive; infinite where nothing is known. */
export function boundsOf(index: Index): readonly [least: number, greatest: number] {
  switch (index.kind) {
    case "int":
      return [index.value, index.value];
    case "var":
      return [index.least, index.greatest];
    case "idiv": {
      const [least, greatest] = boundsOf(index.a);
      return index.b.kind === "int"
        ? [Math.floor(least / index.b.value), Math.floor(greatest / index.b.value)]
        : [-Infinity, Infinity];
    }
    case "imod": {
      const [least, greatest] = boundsOf(index.a);
      if (index.b.kind !== "int" || least < 0) return [-Infinity, Infinity];
      return [0, Math.min(greatest, index.b.value - 1)];
    }
    case "imin": {
      const [a, b] = [boundsOf(index.a), boundsOf(index.b)];
      return [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
    }
    case "imax": {
      const [a, b] = [boundsOf(index.a), boundsOf(index.b)];
      return [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    }
    case "imul": {
      const [a, b] = [boundsOf(index.a), boundsOf(index.b)];
      if (index.b.kind !== "int" && index.a.kind !== "int") {
        const products = [a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]];
        if (products.some(Number.isNaN)) return [-Infinity, Infinity];
        return [Math.min(...products), Math.max(...products)];
      }
      return linearBounds(linearOf(index));
    }
    case "iadd":
    case "isub":
      return linearBounds(linearOf(index));
    default:
      return [-Infinity, Infinity];
  }
}

function linearBounds(x: Linear): readonly [least: number, greatest: number] {
  let least = x.constant;
  let greatest = x.constant;
  for (const { atom, factor } of x.terms) {
    const [low, high] = boundsOf(atom);
    least += factor > 0 ? factor * low : factor * high;
    greatest += factor > 0 ? factor * high : factor * low;
  }
  return [least, greatest];
}

/** Row-major position of coordinates in a shape. */
export function flatten(coordinates: readonly Index[], shape: readonly number[]): Index {
  const terms: Term[] = [];
  let constant = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const coordinate = linearOf(coordinates[axis]);
    addTerms(terms, coordinate.terms, stride);
    constant += coordinate.constant * stride;
    stride *= shape[axis];
  }
  return fromLinear(rejoin({ terms, constant }));
}

/** The coordinates of a row-major position. */
export function unflatten(flat: Index, shape: readonly number[]): readonly Index[] {
  const coordinates: Index[] = new Array(shape.length).fill(ZERO);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis];
    if (extent === 1) continue;
    const outermost = shape.slice(0, axis).every((outer) => outer === 1);
    coordinates[axis] = outermost ? rest : mod(rest, extent);
    if (outermost) break;
    rest = div(rest, extent);
  }
  return coordinates;
}

/** a < b, a ≥ b or a = b: a condition, or its value where the ranges decide it. */
export function compare(cmp: "lt" | "ge" | "eq", a: Index, b: Index): Condition | boolean {
  const [least, greatest] = boundsOf(sub(a, b));
  switch (cmp) {
    case "lt":
      if (greatest < 0) return true;
      if (least >= 0) return false;
      break;
    case "ge":
      if (least >= 0) return true;
      if (greatest < 0) return false;
      break;
    case "eq":
      if (least === 0 && greatest === 0) return true;
      if (least > 0 || greatest < 0) return false;
      break;
    default:
      cmp satisfies never;
  }
  return { kind: "compare", cmp, a, b };
}

/** All of them. */
export function all(conditions: readonly (Condition | boolean)[]): Condition | boolean {
  if (conditions.includes(false)) return false;
  const open = conditions.filter((condition): condition is Condition => condition !== true);
  if (open.length === 0) return true;
  return open.length === 1 ? open[0] : { kind: "and", all: open };
}

/** A sum taken apart, for passes over finished expressions. */
export function termsOf(index: Index): {
  readonly terms: readonly { readonly atom: Index; readonly factor: number; readonly key: string }[];
  readonly constant: number;
} {
  return linearOf(index);
}
/** The sum of such terms. */
export const sumOf = (
  terms: readonly { readonly atom: Index; readonly factor: number; readonly key: string }[],
  constant: number,
): Index => fromLinear({ terms, constant });

/** An element of an index buffer. */
export const iload = (buffer: Memory, at: Index): Index => ({ kind: "iload", buffer, at });

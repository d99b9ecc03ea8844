/**
 * Scalar expressions: what a layer computes for one element, of the operands' elements and its coordinates. As in the
 * compiler, with everything that is given checked.
 */

import { BINARY, COMPARISONS, SHAPED, UNARY } from "../codegen/ir/ops/scalar-functions.js";
import * as language from "../codegen/ir/scalar.js";
import {
  argumentsOf,
  callback,
  integer,
  isFields,
  listOf,
  type Rule,
  real,
  word,
} from "../proto/arguments/argument-rules.js";

export * from "../codegen/ir/scalar.js";

type Scalar = language.Scalar;

const namesIn = <T extends object>(table: T) => word(Object.keys(table) as (keyof T & string)[]);
const op = {
  unary: namesIn(UNARY),
  shaped: namesIn(SHAPED),
  binary: namesIn(BINARY),
  cmp: namesIn(COMPARISONS),
};

/** Expressions that were looked through. */
const sound = new WeakSet<object>();

/** Whether a value is an expression, all the way down. What was made by the functions here is. */
function isScalar(value: unknown): value is Scalar {
  if (!isFields(value)) return false;
  if (sound.has(value)) return true;
  const x = value as Readonly<Record<string, unknown>>;
  const found = isForm(x);
  if (found) sound.add(x);
  return found;
}

function isForm(x: Readonly<Record<string, unknown>>): boolean {
  switch (x["kind"]) {
    case "const":
      return typeof x["value"] === "number";
    case "arg":
      return place.is(x["index"]);
    case "coord":
      return place.is(x["axis"]);
    case "unary":
      return op.unary.is(x["op"]) && isScalar(x["x"]);
    case "shaped":
      return op.shaped.is(x["op"]) && isScalar(x["x"]) && typeof x["alpha"] === "number";
    case "binary":
      return op.binary.is(x["op"]) && isScalar(x["a"]) && isScalar(x["b"]);
    case "select":
      return op.cmp.is(x["cmp"]) && ["left", "right", "then", "otherwise"].every((part) => isScalar(x[part]));
    default:
      return false;
  }
}

const place = integer(0);
const x: Rule<Scalar> = {
  nouns: ["a scalar expression"],
  is: isScalar,
  take: (value) => value as Scalar,
  hint: (value) => (typeof value === "number" ? `write constant(${value})` : undefined),
};

/** A function of the language, over arguments that were checked. */
function checked<F extends (...of: never[]) => unknown>(
  name: string,
  rules: Readonly<Record<string, Rule<unknown>>>,
  run: F,
): F {
  const take = argumentsOf(name, rules);
  return ((...given: readonly unknown[]) =>
    run(...(Object.values(take(...given)) as never[]))) as unknown as F;
}

const numbers = listOf("an array of numbers", real());
const pair = { a: x, b: x };

/** A number. */
export const constant = checked("constant", { value: real() }, language.constant);
/** The element of an operand, by its position. */
export const arg = checked("arg", { index: place }, language.arg);
/** The element's own coordinate along an axis, as a number. */
export const coord = checked("coord", { axis: place }, language.coord);
/** A function of one value: `exp`, `tanh` … */
export const unary = checked("unary", { op: op.unary, x }, language.unary);
/** A function of one value with a constant parameter. */
export const shaped = checked("shaped", { op: op.shaped, x, alpha: real() }, language.shaped);
/** A function of two values: `max`, `pow` … */
export const binary = checked("binary", { op: op.binary, ...pair }, language.binary);
/** `left cmp right ? then : otherwise`; only the chosen side's value counts. */
export const select = checked(
  "select",
  { cmp: op.cmp, left: x, right: x, chosen: x, otherwise: x },
  language.select,
);
export const add = checked("add", pair, language.add);
export const sub = checked("sub", pair, language.sub);
export const mul = checked("mul", pair, language.mul);
export const div = checked("div", pair, language.div);
export const neg = checked("neg", { x }, language.neg);
export const times = checked("times", pair, language.times);
export const passedOn = checked("passedOn", pair, language.passedOn);
export const unaryFunction = checked("unaryFunction", { op: op.unary }, language.unaryFunction);
export const shapedFunction = checked("shapedFunction", { op: op.shaped }, language.shapedFunction);
export const binaryFunction = checked("binaryFunction", { op: op.binary }, language.binaryFunction);
export const numberKey = checked("numberKey", { value: real() }, language.numberKey);
export const scalarKey = checked("scalarKey", { x }, language.scalarKey);
export const substitute = checked("substitute", { x, leaf: callback() }, language.substitute);
export const replace = checked("replace", { x, instead: callback() }, language.replace);
export const argsOf = checked("argsOf", { x }, language.argsOf);
export const coordsOf = checked("coordsOf", { x }, language.coordsOf);
export const operationCount = checked("operationCount", { x }, language.operationCount);
export const scalarCost = checked("scalarCost", { x }, language.scalarCost);
export const evaluateScalar = checked(
  "evaluateScalar",
  { x, args: numbers, coords: numbers },
  language.evaluateScalar,
);

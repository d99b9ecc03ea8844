import { InternalError } from "../../../proto/errors/index.js";
import type { LaneBuilder } from "./lane-builder.js";
import type { MaskLane, RealLane } from "./lane-program.js";

/**
 * The value of a scalar function, written in C without types (`x > 0 ? x : alpha * x`), as operations on lanes: sums, products,
 * comparisons, choices, calls.
 *
 * @param call what a function of the library comes to
 */
export function functionBody(
  text: string,
  operands: Readonly<Record<string, RealLane>>,
  b: LaneBuilder,
  call: (name: string, operands: readonly RealLane[]) => RealLane,
): RealLane {
  const tokens = text.match(/[\w.]+|[<>=!]=|[^\s\w]/g) ?? [];
  let at = 0;
  const take = (): string => tokens[at++] ?? "";
  const accept = (...signs: readonly string[]): string | undefined =>
    signs.includes(tokens[at] ?? "") ? take() : undefined;
  const expect = (sign: string): void => {
    if (!accept(sign)) throw new InternalError(`"${sign}" is missing in the text of a function: ${text}`);
  };

  const choice = (): RealLane => {
    const left = sum();
    const sign = accept(">", "<", ">=", "<=", "==", "!=");
    if (!sign) return left;
    const test = compared(sign, left, sum());
    expect("?");
    const then = choice();
    expect(":");
    return b.select(test, then, choice());
  };
  const compared = (sign: string, left: RealLane, right: RealLane): MaskLane => {
    switch (sign) {
      case ">":
        return b.less(right, left);
      case "<":
        return b.less(left, right);
      case ">=":
        return b.lessOrEqual(right, left);
      case "<=":
        return b.lessOrEqual(left, right);
      case "==":
        return b.equal(left, right);
      default:
        return b.notEqual(left, right);
    }
  };
  const sum = (): RealLane => {
    let value = product();
    for (let sign = accept("+", "-"); sign; sign = accept("+", "-"))
      value = sign === "+" ? b.add(value, product()) : b.sub(value, product());
    return value;
  };
  const product = (): RealLane => {
    let value = signed();
    for (let sign = accept("*", "/"); sign; sign = accept("*", "/"))
      value = sign === "*" ? b.mul(value, signed()) : b.div(value, signed());
    return value;
  };
  const signed = (): RealLane => (accept("-") ? b.neg(signed()) : one());
  const one = (): RealLane => {
    if (accept("(")) {
      const value = choice();
      expect(")");
      return value;
    }
    const word = take();
    if (/^[\d.]/.test(word)) return b.real(Number(word));
    if (!accept("(")) return known(word);
    const given = [choice()];
    while (accept(",")) given.push(choice());
    expect(")");
    return call(word, given);
  };
  const known = (name: string): RealLane => {
    const operand = operands[name];
    if (!operand) throw new InternalError(`"${name}" is nothing in the text of a function: ${text}`);
    return operand;
  };

  const value = choice();
  if (at !== tokens.length)
    throw new InternalError(`the text of a function goes on after its value: ${text}`);
  return value;
}

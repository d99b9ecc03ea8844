/** Expressions of the kernel language, one value a lane; lanes outside of the mask touch nothing. */
import { BINARY, COMPARISONS, SHAPED, UNARY } from "../../codegen/ir/ops/scalar-functions.js";
import type { Condition, Index, Memory, Value } from "../../codegen/kernel/kernel.js";
import { uniform } from "./interpret.js";
import type { LaneRun, Lanes, Mask } from "./lane-memory.js";

export function laneExpressions(
  { threads, variables, every, fail }: LaneRun,
  read: (memory: Memory, at: number, lane: number) => number,
  round: (x: number) => number,
) {
  const all: Mask = every(() => threads > 0);
  const each = (mask: Mask, of: (lane: number) => number): number[] =>
    every((lane) => (mask[lane] ? of(lane) : Number.NaN));
  const both = (
    x: { readonly a: Index; readonly b: Index },
    mask: Mask,
    of: (a: number, b: number) => number,
  ) => {
    const [a, b] = [index(x.a, mask), index(x.b, mask)];
    return each(mask, (lane) => of(a[lane], b[lane]));
  };
  const INTEGERS = {
    iadd: (a: number, b: number) => a + b,
    isub: (a: number, b: number) => a - b,
    // Of integers there is one zero.
    imul: (a: number, b: number) => a * b + 0,
    idiv: (a: number, b: number) => (a < 0 ? fail("a negative number is divided") : Math.floor(a / b)),
    imod: (a: number, b: number) => (a < 0 ? fail("a negative number has a rest") : a % b),
    imin: Math.min,
    imax: Math.max,
  };
  function index(x: Index, mask: Mask): Lanes {
    switch (x.kind) {
      case "int":
        return every(() => x.value);
      case "var":
        return variables.get(x.variable) ?? fail(`variable ${x.variable} is not there`);
      case "iload": {
        const at = index(x.at, mask);
        return each(mask, (lane) => read(x.buffer, at[lane], lane));
      }
      case "truncate":
        return value(x.value, mask).map((real) => Math.trunc(real) + 0);
      default:
        return both(x, mask, INTEGERS[x.kind]);
    }
  }
  function value(x: Value, mask: Mask): Lanes {
    const map = (of: (lane: number) => number): number[] => each(mask, (lane) => round(of(lane)));
    switch (x.kind) {
      case "const":
        return every(() => round(x.value));
      case "local":
        return variables.get(x.variable) ?? fail(`local ${x.variable} is not there`);
      case "load": {
        const at = index(x.at, mask);
        return each(mask, (lane) => read(x.buffer, at[lane], lane));
      }
      case "fromIndex": {
        const at = index(x.index, mask);
        return map((lane) => at[lane]);
      }
      case "unary": {
        const of = value(x.x, mask);
        return map((lane) => UNARY[x.op].evaluate(of[lane]));
      }
      case "shaped": {
        const of = value(x.x, mask);
        return map((lane) => SHAPED[x.op].evaluate(of[lane], x.alpha));
      }
      case "binary": {
        const [a, b] = [value(x.a, mask), value(x.b, mask)];
        return map((lane) => BINARY[x.op].evaluate(a[lane], b[lane]));
      }
      case "fma": {
        const [a, b, c] = [value(x.a, mask), value(x.b, mask), value(x.c, mask)];
        return map((lane) => a[lane] * b[lane] + c[lane]);
      }
      case "exchange": {
        const of = value(x.value, all);
        return each(mask, (lane) => of[lane ^ x.lanes]);
      }
      case "select": {
        const [left, right] = [value(x.left, mask), value(x.right, mask)];
        const [then, otherwise] = [value(x.whenTrue, mask), value(x.otherwise, mask)];
        return each(mask, (lane) =>
          COMPARISONS[x.cmp].holds(left[lane], right[lane]) ? then[lane] : otherwise[lane],
        );
      }
      case "guard": {
        const holds = condition(x.condition, mask);
        const yes = value(
          x.whenTrue,
          mask.map((on, lane) => on && holds[lane]),
        );
        const no = value(
          x.otherwise,
          mask.map((on, lane) => on && !holds[lane]),
        );
        return each(mask, (lane) => (holds[lane] ? yes[lane] : no[lane]));
      }
      case "random": {
        const [step, element] = [value(x.step, mask), index(x.element, mask)];
        return map((lane) => uniform(x.seed, x.stream, step[lane], element[lane]));
      }
      default:
        return x satisfies never;
    }
  }
  function condition(x: Condition, mask: Mask): Mask {
    if (x.kind === "and") {
      const parts = x.all.map((part) => condition(part, mask));
      return every((lane) => parts.every((part) => part[lane]));
    }
    const [a, b] =
      x.kind === "compare" ? [index(x.a, mask), index(x.b, mask)] : [value(x.a, mask), value(x.b, mask)];
    return every((lane) => mask[lane] && COMPARISONS[x.cmp].holds(a[lane], b[lane]));
  }

  return { index, value, condition };
}

/**
 * Expressions of the kernel language, one value a lane; lanes outside of the mask touch nothing. Each is made into a
 * function once, whose results lie in memory of its own: a kernel evaluates it many times.
 */
import { BINARY, COMPARISONS, SHAPED, UNARY } from "../../codegen/ir/ops/scalar-functions.js";
import type { Condition, Index, Memory, Value } from "../../codegen/kernel/kernel.js";
import { uniform } from "./interpret.js";
import type { LaneRun, Lanes, Mask } from "./lane-memory.js";

/** One value a lane, NaN outside of the mask; what it gives holds until it is called again. */
export type Evaluate = (mask: Mask) => Lanes;
export type Holds = (mask: Mask) => Mask;

/** Functions of what other functions give, lane by lane. */
function laneFunctions(threads: number) {
  const all: Mask = new Uint8Array(threads).fill(1);
  /** For each lane of the mask a number. */
  const each = (prepare: (mask: Mask) => void, of: (lane: number) => number): Evaluate => {
    const out = new Float64Array(threads);
    return (mask) => {
      prepare(mask);
      for (let lane = 0; lane < threads; lane++) out[lane] = mask[lane] ? of(lane) : Number.NaN;
      return out;
    };
  };
  const one = (x: Evaluate, of: (x: number, lane: number) => number): Evaluate => {
    let xs = all as Mask | Lanes;
    return each(
      (mask) => {
        xs = x(mask);
      },
      (lane) => of(xs[lane], lane),
    );
  };
  const two = (x: Evaluate, y: Evaluate, of: (x: number, y: number, lane: number) => number): Evaluate => {
    let [xs, ys] = [all, all] as (Mask | Lanes)[];
    return each(
      (mask) => {
        xs = x(mask);
        ys = y(mask);
      },
      (lane) => of(xs[lane], ys[lane], lane),
    );
  };
  const constant = (value: number): Evaluate => {
    const out = new Float64Array(threads).fill(value);
    return () => out;
  };
  /** Both are evaluated in all lanes. */
  function either(holds: Holds, yes: Evaluate, no: Evaluate): Evaluate {
    let chosen = all;
    const withChoice: Evaluate = (mask) => {
      chosen = holds(mask);
      return yes(mask);
    };
    return two(withChoice, no, (then, otherwise, lane) => (chosen[lane] ? then : otherwise));
  }
  /** Each is evaluated where it is chosen. */
  function guard(holds: Holds, yes: Evaluate, no: Evaluate): Evaluate {
    const [on, off] = [new Uint8Array(threads), new Uint8Array(threads)];
    const split: Holds = (mask) => {
      const chosen = holds(mask);
      for (let lane = 0; lane < threads; lane++) {
        on[lane] = mask[lane] & chosen[lane];
        off[lane] = mask[lane] & ~chosen[lane];
      }
      return on;
    };
    return either(
      split,
      () => yes(on),
      () => no(off),
    );
  }

  return { all, each, one, two, constant, either, guard };
}

export function laneExpressions(
  { threads, cellOf, fail }: LaneRun,
  readerOf: (memory: Memory) => (at: number, lane: number) => number,
  round: (x: number) => number,
) {
  const { all, each, one, two, constant, either, guard } = laneFunctions(threads);
  const variable = (number: number, what: string): Evaluate => {
    const cell = cellOf(number);
    return () => cell.now ?? fail(`${what} ${number} is not there`);
  };
  const load = ({ buffer, at }: { readonly buffer: Memory; readonly at: Index }): Evaluate =>
    one(index(at), readerOf(buffer));

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
  function index(x: Index): Evaluate {
    switch (x.kind) {
      case "int":
        return constant(x.value);
      case "var":
        return variable(x.variable, "variable");
      case "iload":
        return load(x);
      case "truncate":
        return one(value(x.value), (real) => Math.trunc(real) + 0);
      default: {
        const of = INTEGERS[x.kind];
        return two(index(x.a), index(x.b), (a, b) => of(a, b));
      }
    }
  }
  function value(x: Value): Evaluate {
    switch (x.kind) {
      case "const":
        return constant(round(x.value));
      case "local":
        return variable(x.variable, "local");
      case "load":
        return load(x);
      case "fromIndex":
        return one(index(x.index), round);
      case "unary": {
        const { evaluate } = UNARY[x.op];
        return one(value(x.x), (y) => round(evaluate(y)));
      }
      case "shaped": {
        const { evaluate } = SHAPED[x.op];
        return one(value(x.x), (y) => round(evaluate(y, x.alpha)));
      }
      case "binary": {
        const { evaluate } = BINARY[x.op];
        return two(value(x.a), value(x.b), (a, b) => round(evaluate(a, b)));
      }
      case "fma": {
        const c = value(x.c);
        let sums = all as Mask | Lanes;
        const [a, b] = [value(x.a), value(x.b)];
        const withSum: Evaluate = (mask) => {
          sums = c(mask);
          return a(mask);
        };
        return two(withSum, b, (p, q, lane) => round(p * q + sums[lane]));
      }
      case "exchange": {
        const of = value(x.value);
        let values = all as Mask | Lanes;
        return each(
          () => {
            values = of(all);
          },
          (lane) => values[lane ^ x.lanes],
        );
      }
      case "select": {
        const chosen = condition({ kind: "compareValue", cmp: x.cmp, a: x.left, b: x.right });
        return either(chosen, value(x.whenTrue), value(x.otherwise));
      }
      case "guard":
        return guard(condition(x.condition), value(x.whenTrue), value(x.otherwise));
      case "random":
        return two(value(x.step), index(x.element), (step, element) =>
          round(uniform(x.seed, x.stream, step, element)),
        );
      default:
        return x satisfies never;
    }
  }
  function condition(x: Condition): Holds {
    const out = new Uint8Array(threads);
    if (x.kind === "and") {
      const parts = x.all.map(condition);
      return (mask) => {
        out.fill(1);
        for (const part of parts) {
          const holds = part(mask);
          for (let lane = 0; lane < threads; lane++) out[lane] &= holds[lane];
        }
        return out;
      };
    }
    const [a, b] = x.kind === "compare" ? [index(x.a), index(x.b)] : [value(x.a), value(x.b)];
    const { holds } = COMPARISONS[x.cmp];
    return (mask) => {
      const [left, right] = [a(mask), b(mask)];
      for (let lane = 0; lane < threads; lane++)
        out[lane] = mask[lane] && holds(left[lane], right[lane]) ? 1 : 0;
      return out;
    };
  }

  return { index, value, condition };
}

/**
 * The meaning of the kernel language, statement by statement, for teams in step: each statement is carried out by all
 * lanes before the next. What a kernel may not do is an error: touch memory outside of a buffer, store two values in
 * one place, read what nobody wrote.
 */
import { BINARY, COMPARISONS, SHAPED, UNARY } from "../../codegen/ir/ops/scalar-functions.js";
import type {
  Condition,
  Index,
  Kernel,
  Memory,
  Range,
  Statement,
  Value,
} from "../../codegen/kernel/kernel.js";
import { uniform } from "./interpret.js";

type Reals = Float32Array | Float64Array;
export type Buffer = Reals | Int32Array;
/** One number a lane. */
type Lanes = readonly number[];
type Mask = readonly boolean[];

const NOTHING = Symbol("nothing");

/** Runs iterations of a kernel's parallel loop over its buffers, rounding to what they hold. */
export function runInLanes(
  kernel: Kernel,
  buffers: readonly Buffer[],
  { from, to }: Range,
  single: boolean,
): void {
  const threads = kernel.team?.threads ?? 1;
  const round = single ? Math.fround : (x: number): number => x;
  const every = <T>(of: (lane: number) => T): T[] => Array.from({ length: threads }, (_, lane) => of(lane));
  const all: Mask = every(() => true);
  const variables = new Map<number, number[]>();
  const scratch = kernel.scratch.map(({ elements, team }) =>
    every(() => 0).map((_, lane): (number | typeof NOTHING)[] =>
      lane === 0 || !team ? new Array<number | typeof NOTHING>(elements).fill(NOTHING) : [],
    ),
  );
  const fail = (what: string): never => {
    throw new Error(`${what} (${kernel.note})`);
  };
  const cellsOf = (memory: Memory, lane: number) => {
    const slot = -1 - memory;
    return scratch[slot][kernel.scratch[slot].team ? 0 : lane];
  };
  const read = (memory: Memory, at: number, lane: number): number => {
    if (memory >= 0) {
      const buffer = buffers[memory];
      if (!(at >= 0 && at < kernel.buffers[memory].elements)) fail(`b${memory}[${at}] is read`);
      return buffer[at];
    }
    const cells = cellsOf(memory, lane);
    if (!(at >= 0 && at < cells.length)) fail(`s${-1 - memory}[${at}] is read`);
    const cell = cells[at];
    return cell === NOTHING ? fail(`s${-1 - memory}[${at}] is read before it is written`) : cell;
  };
  const write = (memory: Memory, at: number, value: number, lane: number): void => {
    if (memory >= 0) {
      if (!(at >= 0 && at < kernel.buffers[memory].elements)) fail(`b${memory}[${at}] is written`);
      buffers[memory][at] = value;
      return;
    }
    const cells = cellsOf(memory, lane);
    if (!(at >= 0 && at < cells.length)) fail(`s${-1 - memory}[${at}] is written`);
    cells[at] = value;
  };

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
    imul: (a: number, b: number) => a * b,
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
        return value(x.value, mask).map(Math.trunc);
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

  const put = (memory: Memory, at: Lanes, values: Lanes, mask: Mask): void => {
    const written = new Map<number, number>();
    const shared = memory >= 0 || kernel.scratch[-1 - memory].team;
    mask.forEach((on, lane) => {
      if (!on) return;
      const before = written.get(at[lane]);
      if (shared && before !== undefined && !Object.is(before, values[lane]))
        fail(`lanes store ${before} and ${values[lane]} in one place`);
      written.set(at[lane], values[lane]);
      write(memory, at[lane], values[lane], lane);
    });
  };
  const typed = (x: Statement & { readonly kind: "declare" | "assign" | "store" }, mask: Mask): Lanes =>
    x.type === "real" ? value(x.value, mask) : index(x.value, mask);
  function run(statements: readonly Statement[], mask: Mask): void {
    for (const statement of statements)
      switch (statement.kind) {
        case "for": {
          const turn = [...index(statement.from, mask)];
          variables.set(statement.variable, turn);
          const end = index(statement.to, mask);
          for (;;) {
            const on = mask.map((active, lane) => active && turn[lane] < end[lane]);
            if (!on.includes(true)) break;
            run(statement.body, on);
            for (let lane = 0; lane < threads; lane++) turn[lane] += statement.step;
          }
          break;
        }
        case "declare":
          variables.set(statement.variable, [...typed(statement, mask)]);
          break;
        case "assign": {
          const variable = variables.get(statement.variable) ?? fail("what is assigned is not there");
          typed(statement, mask).forEach((x, lane) => {
            if (mask[lane]) variable[lane] = x;
          });
          break;
        }
        case "store":
          put(statement.buffer, index(statement.at, mask), typed(statement, mask), mask);
          break;
        case "stores": {
          const at = index(statement.at, mask);
          const values = statement.values.map((x) => value(x, mask));
          values.forEach((x, i) =>
            put(
              statement.buffer,
              at.map((a) => a + i),
              x,
              mask,
            ),
          );
          break;
        }
        case "if": {
          const holds = condition(statement.condition, mask);
          const [yes, no] = [
            mask.map((on, lane) => on && holds[lane]),
            mask.map((on, lane) => on && !holds[lane]),
          ];
          if (yes.includes(true)) run(statement.whenTrue, yes);
          if (no.includes(true)) run(statement.otherwise, no);
          break;
        }
        case "barrier":
          break;
        default:
          statement satisfies never;
      }
  }
  if (kernel.team)
    variables.set(
      kernel.team.variable,
      every((lane) => lane),
    );
  run(kernel.prologue, all);
  for (let i = from; i < to; i++) {
    variables.set(
      kernel.parallel.variable,
      every(() => i),
    );
    run(kernel.body, all);
  }
}

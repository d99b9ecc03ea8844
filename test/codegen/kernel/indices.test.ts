/** Sums of indices are simplified as they are written: to what they were, within the bounds that are said of them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hoistIndices } from "../../../codegen/kernel/hoist.js";
import {
  add,
  boundsOf,
  div,
  iload,
  int,
  max,
  min,
  mod,
  mul,
  sub,
  variable,
  ZERO,
} from "../../../codegen/kernel/indices.js";
import type { Index, Statement } from "../../../codegen/kernel/kernel.js";

/** Of each variable the least and the greatest value. */
const RANGES = [
  [0, 5],
  [2, 9],
  [-3, 3],
  [0, 1],
] as const;

/** An index, and what it is to be for values of the variables. */
interface Both {
  readonly index: Index;
  readonly value: (of: readonly number[]) => number;
}

const leaf: fc.Arbitrary<Both> = fc.oneof(
  fc.integer({ min: -7, max: 7 }).map((n) => ({ index: int(n), value: () => n })),
  fc
    .nat(RANGES.length - 1)
    .map((v): Both => ({ index: variable(v, RANGES[v][0], RANGES[v][1]), value: (of) => of[v] })),
);
const both = (
  a: Both,
  b: Both,
  of: (a: Index, b: Index) => Index,
  op: (a: number, b: number) => number,
): Both => ({
  index: of(a.index, b.index),
  value: (values) => op(a.value(values), b.value(values)),
});
/** Only what is never negative is divided, here as in kernels. */
const divided = (a: Both, d: number, kind: "div" | "mod"): Both =>
  boundsOf(a.index)[0] < 0
    ? a
    : kind === "div"
      ? { index: div(a.index, d), value: (of) => Math.floor(a.value(of) / d) }
      : { index: mod(a.index, d), value: (of) => a.value(of) % d };
const { whole } = fc.letrec<{ whole: Both }>((tie) => {
  const part = tie("whole");
  const factor = fc.integer({ min: -4, max: 9 });
  const divisor = fc.integer({ min: 1, max: 8 });
  return {
    whole: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      fc.tuple(part, part).map(([a, b]) => both(a, b, add, (x, y) => x + y)),
      fc.tuple(part, part).map(([a, b]) => both(a, b, sub, (x, y) => x - y)),
      fc.tuple(part, part).map(([a, b]) => both(a, b, min, Math.min)),
      fc.tuple(part, part).map(([a, b]) => both(a, b, max, Math.max)),
      fc
        .tuple(part, factor)
        .map(([a, f]) => ({ index: mul(a.index, f), value: (of: readonly number[]) => a.value(of) * f })),
      fc
        .tuple(part, divisor, fc.constantFrom("div" as const, "mod" as const))
        .map(([a, d, kind]) => divided(a, d, kind)),
      // A multiple of a quotient and the rest of the same: what rejoins, and what only looks so.
      fc.tuple(part, divisor, factor, factor).map(([a, d, f, g]) =>
        both(
          divided(a, d, "div"),
          divided(a, d, "mod"),
          (q, r) => add(mul(q, f), mul(r, g)),
          (q, r) => q * f + r * g,
        ),
      ),
    ),
  };
});

function valueAt(index: Index, of: readonly number[]): number {
  switch (index.kind) {
    case "int":
      return index.value;
    case "var":
      return of[index.variable];
    case "iadd":
      return valueAt(index.a, of) + valueAt(index.b, of);
    case "isub":
      return valueAt(index.a, of) - valueAt(index.b, of);
    case "imul":
      return valueAt(index.a, of) * valueAt(index.b, of);
    case "idiv":
      return Math.floor(valueAt(index.a, of) / valueAt(index.b, of));
    case "imod":
      return valueAt(index.a, of) % valueAt(index.b, of);
    case "imin":
      return Math.min(valueAt(index.a, of), valueAt(index.b, of));
    case "imax":
      return Math.max(valueAt(index.a, of), valueAt(index.b, of));
    default:
      throw new Error(index.kind);
  }
}

describe("sums of indices", () => {
  it("are what they were, within their bounds", () => {
    const values = fc.tuple(...RANGES.map(([least, greatest]) => fc.integer({ min: least, max: greatest })));
    fc.assert(
      fc.property(whole, fc.array(values, { minLength: 4, maxLength: 4 }), ({ index, value }, tried) => {
        const [least, greatest] = boundsOf(index);
        for (const of of tried) {
          const wanted = value(of);
          expect(valueAt(index, of) + 0).toBe(wanted + 0);
          expect(wanted).toBeGreaterThanOrEqual(least);
          expect(wanted).toBeLessThanOrEqual(greatest);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("are not computed before an index that they load has been stored", () => {
    const loop = (number: number, body: readonly Statement[]): Statement => ({
      kind: "for",
      variable: number,
      from: ZERO,
      to: int(3),
      step: 1,
      unrolled: false,
      body,
    });
    const [v, w] = [variable(0, 0, 2), variable(1, 0, 2)];
    const stored: Statement = { kind: "store", buffer: 1, at: ZERO, type: "index", value: v };
    const used: Statement = {
      kind: "store",
      buffer: 0,
      at: add(iload(1, ZERO), w),
      type: "real",
      value: { kind: "const", value: 0 },
    };
    const body = [loop(0, [stored, loop(1, [used])])];
    // What is derived of indices is kept with them under symbols.
    expect(JSON.parse(JSON.stringify(hoistIndices(body, [], 2).body))).toEqual(
      JSON.parse(JSON.stringify(body)),
    );
  });
});

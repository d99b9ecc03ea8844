import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import {
  GREATEST_WEIGHT,
  levelsOfRange,
  numbersOfRange,
  quantisationIn,
  quantise,
  scalesAlong,
  symmetricLevels,
} from "../../../codegen/onnx/quantisation.js";
import { interpret } from "../../support/interpret.js";

const finite = fc.float({
  noNaN: true,
  noDefaultInfinity: true,
  min: Math.fround(-1e6),
  max: Math.fround(1e6),
});

/** Numbers as they are after rounding to the levels of a range. */
function roundedIn(values: readonly number[], least: number, greatest: number): Float64Array {
  const b = createBuilder();
  const x = b.input("x", [values.length]);
  const node = quantise(b, x, levelsOfRange(b, { least, greatest }));
  return interpret([node], { inputs: new Map([["x", Float64Array.from(values)]]), params: new Map() })(node);
}

describe("levels of 8 bits", () => {
  it("have 0 among them, and are 256", () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        const { scale, least, greatest } = numbersOfRange({
          least: Math.min(a, b),
          greatest: Math.max(a, b),
        });
        expect(scale).toBeGreaterThan(0);
        expect(Math.fround(scale)).toBe(scale);
        expect(Number.isInteger(least)).toBe(true);
        expect(greatest - least).toBe(255);
        expect(least).toBeLessThanOrEqual(0);
        expect(greatest).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("are at most half a step from a number of the range, and a step at its ends", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 20 }), (values) => {
        const [least, greatest] = [Math.min(...values), Math.max(...values)];
        const { scale } = numbersOfRange({ least, greatest });
        const made = roundedIn(values, least, greatest);
        for (const [i, x] of values.entries()) {
          const isEnd = x - least < scale || greatest - x < scale;
          expect(Math.abs(made[i] - x)).toBeLessThanOrEqual(scale * (isEnd ? 1 : 0.5) * 1.0001);
        }
        expect(roundedIn([0], least, greatest)[0]).toBe(0);
        // Levels are what they are rounded to.
        expect(roundedIn([...made], least, greatest)).toEqual(made);
      }),
    );
  });

  it("cut off what lies beyond", () => {
    expect(Math.max(...roundedIn([0, 1, 5], 0, 2))).toBeCloseTo(2, 6);
    expect(Math.min(...roundedIn([-9, 1], -2, 2))).toBeGreaterThan(-2.01);
  });
});

describe("quantisationIn", () => {
  const b = createBuilder();
  const x = b.input("x", [2, 3, 4]);

  it("finds what quantise made, with a number or a node for each channel", () => {
    const whole = quantisationIn(quantise(b, x, levelsOfRange(b, { least: -1, greatest: 3 })))!;
    expect(whole.x).toBe(x);
    expect(whole.scale).toBeCloseTo(4 / 255);
    expect([whole.least, whole.greatest]).toEqual([-64, 191]);
    for (const axis of [0, 1, 2]) {
      const scales = scalesAlong(b, x, axis);
      const found = quantisationIn(quantise(b, x, symmetricLevels(b, scales, GREATEST_WEIGHT)))!;
      expect(found.scale).toEqual({ node: scales, axis });
      expect([found.least, found.greatest]).toEqual([-127, 127]);
    }
  });

  it("finds nothing in other nodes", () => {
    const made = quantise(b, x, levelsOfRange(b, { least: 0, greatest: 1 }));
    for (const node of [
      x,
      made.inputs[0],
      b.map({ kind: "unary", op: "neg", x: { kind: "arg", index: 0 } }, [made]),
    ])
      expect(quantisationIn(node)).toBeUndefined();
    const levels = { least: b.input("least", []), greatest: b.constant(127, []), scale: b.constant(1, []) };
    expect(quantisationIn(quantise(b, x, levels))).toBeUndefined();
  });

  it("has a scale of 1 where all of a channel are zeros", () => {
    const scales = scalesAlong(b, x, 0);
    const inputs = new Map([["x", Float64Array.from({ length: 24 }, (_, i) => (i < 12 ? 0 : i))]]);
    expect([...interpret([scales], { inputs, params: new Map() })(scales)]).toEqual([1, 23 / 127]);
  });
});

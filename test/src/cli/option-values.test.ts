import { expect, test } from "vitest";
import { number, wholeNumber } from "../../../src/cli/option-values.js";

test("numbers reach from the least to the largest, both included", () => {
  expect(["1", "2147483647"].map(wholeNumber(1))).toEqual([1, 2147483647]);
  for (const value of ["0", "2147483648", "1.5", "one"]) expect(() => wholeNumber(1)(value)).toThrow();
  expect(["0", "0.5"].map(number(0))).toEqual([0, 0.5]);
  expect(() => number(0)("-1e-9")).toThrow();
});

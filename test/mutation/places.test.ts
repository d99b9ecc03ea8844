/** The faults that the deep tests plant: their places are looked up in every run, so that the list cannot rot. */
import { expect, test } from "vitest";
import { FAULTS } from "./faults.js";
import { placeOf } from "./plant.js";

test("every planted fault has its place in the code", () => {
  const lost = FAULTS.flatMap((fault) => {
    try {
      placeOf(fault);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
  expect(lost).toEqual([]);
});

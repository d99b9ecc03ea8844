/** Every case of the oracle's layers/ and special/ on target wasm; as layers.test.ts on ts. */
import { describe, it } from "vitest";
import { checkLayerCase, coveredLayerCases, createFindings } from "../support/layer-case.js";
import { hasSpecial, specialCases, specialValues } from "../support/special-case.js";

const special = specialValues("wasm");

describe("oracle layers/ on wasm", () => {
  const findings = createFindings();
  it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, "wasm", findings, special.run));
});

describe.skipIf(!hasSpecial)("oracle special/ on wasm", () => {
  it.each(specialCases)("%s", special.check);
});

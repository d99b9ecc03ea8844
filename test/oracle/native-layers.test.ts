import { describe, it } from "vitest";
import { checkLayerCase, coveredLayerCases, createFindings } from "../support/layer-case.js";
import { addonForTests } from "../support/native.js";
import { hasSpecial, specialCases, specialValues } from "../support/special-case.js";

const native = await addonForTests();
const special = specialValues("native");

describe.skipIf(!native)("oracle layers/ on native", () => {
  const findings = createFindings();
  it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, "native", findings, special.run));
});

describe.skipIf(!hasSpecial || !native)("oracle special/ on native", () => {
  it.each(specialCases)("%s", special.check);
});

/**
 * Every case of the oracle's layers/ whose types Cortado has, compiled for the `ts` target: values, diffs, parameter
 * diffs and shapes as Caffe computed them. The cases are fixtures of this repository: they run on any clone. Behind
 * each, with the same net, its case of special/: NaN, infinities, huge and tiny values.
 */
import { afterAll, describe, it } from "vitest";
import { checkLayerCase, coveredLayerCases, createFindings } from "../support/layer-case.js";
import { hasSpecial, specialCases, specialValues } from "../support/special-case.js";

const special = specialValues("ts");

describe("oracle layers/ on ts", () => {
  const findings = createFindings();
  it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, "ts", findings, special.run));
  afterAll(() => console.log(findings.report("ts")));
});

describe.skipIf(!hasSpecial)("oracle special/ on ts", () => {
  it.each(specialCases)("%s", special.check);
});

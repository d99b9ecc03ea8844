/**
 * Every case of the oracle's layers/ whose types Cortado has, compiled for the `ts` target: values, diffs, parameter
 * diffs and shapes as Caffe computed them. The cases are fixtures of this repository: they run on any clone.
 */
import { afterAll, describe, it } from "vitest";
import { checkLayerCase, coveredLayerCases, createFindings } from "../support/layer-case.js";

describe("oracle layers/ on ts", () => {
  const findings = createFindings();
  it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, "ts", findings));
  afterAll(() => console.log(findings.report("ts")));
});

/**
 * Every case of the oracle's layers/ on the emulator: the CUDA kernels' own sources, run on the CPU under all detectors.
 */
import { afterAll, describe, it } from "vitest";
import { checkLayerCase, coveredLayerCases, createFindings } from "../support/layer-case.js";
import { addonForTests } from "../support/native.js";

const present = (await addonForTests()) !== undefined;

describe.skipIf(!present)("oracle layers/ on the emulator", () => {
  const findings = createFindings();
  it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, "emulator", findings));
  afterAll(() => console.log(findings.report("emulator")));
});

/**
 * Every case of the oracle's layers/ on the emulator (the CUDA kernels' own sources, run on the CPU under all detectors)
 * and, with CORTADO_GPU, on the GPU.
 */
import { afterAll, describe, it } from "vitest";
import { deviceTargets } from "../../../support/device-targets.js";
import { checkLayerCase, coveredLayerCases, createFindings } from "../../../support/layer-case.js";

const targets = await deviceTargets();

describe.skipIf(targets.length === 0)("oracle layers/ on the emulator", () => {
  describe.each(targets)("%s", (target) => {
    const findings = createFindings();
    it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, target, findings));
    afterAll(() => console.log(findings.report(target)));
  });
});

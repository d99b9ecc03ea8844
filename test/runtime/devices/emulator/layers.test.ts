/**
 * Every case of the oracle's layers/ on the emulator (the CUDA kernels' own sources, run on the CPU under all detectors)
 * and, with CORTADO_GPU, on the GPU. Behind each, with the same net, its case of special/.
 */
import { afterAll, describe, it } from "vitest";
import { deviceTargets } from "../../../support/device-targets.js";
import { checkLayerCase, coveredLayerCases, createFindings } from "../../../support/layer-case.js";
import { hasSpecial, specialCases, specialValues } from "../../../support/special-case.js";

const targets = await deviceTargets();

describe.skipIf(targets.length === 0)("oracle layers/ on the emulator", () => {
  describe.each(targets)("%s", (target) => {
    const findings = createFindings();
    const special = specialValues(target);
    it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, target, findings, special.run));
    describe.skipIf(!hasSpecial)("special/", () => {
      it.each(specialCases)("%s", special.check);
    });
    afterAll(() => console.log(findings.report(target)));
  });
});

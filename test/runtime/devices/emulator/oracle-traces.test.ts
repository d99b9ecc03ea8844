/** LeNet in training on the emulator, the update on the device, against Caffe's losses; with CORTADO_GPU on the GPU too. */
import { describe, it } from "vitest";
import { deviceTargets } from "../../../support/device-targets.js";
import { hasOracle } from "../../../support/oracle.js";
import { checkTraceCase } from "../../../support/trace-case.js";

const targets = hasOracle() ? await deviceTargets() : [];

describe.skipIf(targets.length === 0)("oracle traces/ on the emulator", () => {
  it.each(targets)("sgd-inv on %s", (target) => checkTraceCase("sgd-inv", target), 600_000);
});

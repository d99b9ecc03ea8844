/** Training on the emulator against Caffe's losses and the `ts` target's parameters; with CORTADO_GPU on the GPU too. */
import { describe, it } from "vitest";
import { deviceTargets } from "../../../support/device-targets.js";
import { hasOracle } from "../../../support/oracle.js";
import { checkTraceCase, DEEP, SMOOTH, smoothCases } from "../../../support/trace-case.js";

const targets = hasOracle() ? await deviceTargets() : [];
/** What the host compiler takes is most of it: few cases, unless all iterations are asked for. */
const CHOSEN = ["adadelta", "adam", "sgd-clip", "sgd-itersize"];
const cases = DEEP ? smoothCases : smoothCases.filter((name) => CHOSEN.includes(name));

describe.skipIf(targets.length === 0).each(targets)("oracle traces-smooth/ on %s", (target) => {
  it.each(cases)("%s", (name) => checkTraceCase(SMOOTH, name, target, DEEP ? 20 : 3), 600_000);
});

/** LeNet in training on the emulator, the update on the device, against Caffe's losses. */
import { describe, it } from "vitest";
import { addonForTests } from "../support/native.js";
import { hasOracle } from "../support/oracle.js";
import { checkTraceCase } from "../support/trace-case.js";

const present = (await addonForTests()) !== undefined && hasOracle();

describe.skipIf(!present)("oracle traces/ on the emulator", () => {
  it("sgd-inv", () => checkTraceCase("sgd-inv", "emulator"), 600_000);
});

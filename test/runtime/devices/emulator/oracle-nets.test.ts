/**
 * Whole nets on the emulator, under all detectors, and with CORTADO_GPU on the GPU: every blob and gradient against
 * Caffe's summaries.
 */
import { describe, it } from "vitest";
import { deviceTargets } from "../../../support/device-targets.js";
import { checkNetCase } from "../../../support/net-case.js";
import { hasOracle } from "../../../support/oracle.js";

const NETS = ["lenet-deploy", "mtcnn-det1", "cifar10-full", "mnist-autoencoder", "alexnet-deploy"];

const targets = hasOracle() ? await deviceTargets() : [];
const cases = targets.flatMap((target) => NETS.map((name) => ({ name, target })));

describe.skipIf(cases.length === 0)("oracle nets/ on the emulator", () => {
  it.each(cases)("$name on $target", ({ name, target }) => checkNetCase(name, target), 600_000);
});

/**
 * Whole nets on the emulator: every blob and gradient against Caffe's summaries, under all detectors.
 */
import { describe, it } from "vitest";
import { addonForTests } from "../support/native.js";
import { checkNetCase } from "../support/net-case.js";
import { hasOracle } from "../support/oracle.js";

const NETS = ["lenet-deploy", "mtcnn-det1", "cifar10-full", "mnist-autoencoder", "alexnet-deploy"];

const present = (await addonForTests()) !== undefined && hasOracle();

describe.skipIf(!present)("oracle nets/ on the emulator", () => {
  it.each(NETS)("%s", (name) => checkNetCase(name, "emulator"), 600_000);
});

/** Whole nets and trainings on target native, against what Caffe computed; as nets.test.ts and traces.test.ts on ts. */
import { describe, it } from "vitest";
import { addonForTests } from "../support/native.js";
import { allNets, checkNetCase } from "../support/net-case.js";
import { hasOracle } from "../support/oracle.js";
import { checkTraceCase, SMOOTH, smoothCases } from "../support/trace-case.js";

const runs = hasOracle() && (await addonForTests()) !== undefined;
/** The usual run has those that compile and run in seconds. */
const SMALL = ["cifar10-full", "lenet-deploy", "mnist-autoencoder", "mtcnn-det1"];
const all = process.env["CORTADO_NETS"] === "all";
const nets = all ? allNets : SMALL;
const traces = all ? smoothCases : smoothCases.slice(0, 3);

describe.skipIf(!runs)("oracle nets/ on native", () => {
  it.each(nets)("%s", (name) => checkNetCase(name, "native"), 600_000);
});

describe.skipIf(!runs)("oracle traces-smooth/ on native", () => {
  it.each(traces)("%s", (name) => checkTraceCase(SMOOTH, name, "native"), 300_000);
});

/** Whole nets and trainings on target wasm, against what Caffe computed; as nets.test.ts and traces.test.ts on ts. */
import { describe, it } from "vitest";
import { allNets, checkNetCase } from "../support/net-case.js";
import { hasOracle } from "../support/oracle.js";
import { checkTraceCase, SMOOTH, smoothCases } from "../support/trace-case.js";

const SMALL = ["cifar10-full", "lenet-deploy"];
const nets = process.env["CORTADO_NETS"] === "all" ? allNets : SMALL;
const traces = process.env["CORTADO_NETS"] === "all" ? smoothCases : smoothCases.slice(0, 1);

describe.skipIf(!hasOracle())("oracle nets/ on wasm", () => {
  it.each(nets)("%s", (name) => checkNetCase(name, "wasm"), 600_000);
});

describe.skipIf(!hasOracle())("oracle traces-smooth/ on wasm", () => {
  it.each(traces)("%s", (name) => checkTraceCase(SMOOTH, name, "wasm"), 300_000);
});

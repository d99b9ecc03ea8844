/**
 * Training against what Caffe's losses and parameters were: every solver and learning-rate policy, from the same weights and
 * on the same batches. On a net without kinks all 60 iterations agree to rounding; on LeNet, whose ties rounding
 * decides, one case runs a little, and all of them in full with `CORTADO_TRACE_ITERATIONS=60`.
 */
import { describe, it } from "vitest";
import { hasOracle } from "../support/oracle.js";
import {
  checkTraceCase,
  LENET,
  LENET_ITERATIONS,
  lenetCases,
  SMOOTH,
  smoothCases,
} from "../support/trace-case.js";

describe.skipIf(!hasOracle())("oracle traces-smooth/", () => {
  it.each(smoothCases)("%s", (name) => checkTraceCase(SMOOTH, name, "ts"), 300_000);
});

describe.skipIf(!hasOracle())("oracle traces/", () => {
  it.each(lenetCases)("%s", (name) => checkTraceCase(LENET, name, "ts", LENET_ITERATIONS), 300_000);
});

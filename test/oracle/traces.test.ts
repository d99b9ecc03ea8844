/**
 * LeNet in training, against what Caffe's losses were: every solver and learning-rate policy, from the same weights
 * and on the same batches.
 *
 * CORTADO_TRACE_ITERATIONS cuts the runs short: then only losses are compared. All 60 take some five minutes for
 * all cases on one core, so they run in full under CI, and with a tenth of the iterations elsewhere.
 */
import { describe, it } from "vitest";
import { hasOracle } from "../support/oracle.js";
import { checkTraceCase, traceCases } from "../support/trace-case.js";

describe.skipIf(!hasOracle())("oracle traces/", () => {
  it.each(traceCases)("%s", (name) => checkTraceCase(name, "ts"), 300_000);
});

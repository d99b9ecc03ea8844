/**
 * LeNet in training, against what Caffe's losses were: every solver and learning-rate policy, from the same weights
 * and on the same batches.
 *
 * All 60 iterations take some five minutes for all cases on one core. Under CI they run in full where rounding decides
 * nothing and for a third where it does; elsewhere for a tenth. CORTADO_TRACE_ITERATIONS=60 runs all in full; with fewer
 * only losses are compared.
 */
import { describe, it } from "vitest";
import { hasOracle } from "../support/oracle.js";
import { checkTraceCase, traceCases } from "../support/trace-case.js";

describe.skipIf(!hasOracle())("oracle traces/", () => {
  it.each(traceCases)("%s", (name) => checkTraceCase(name, "ts"), 300_000);
});

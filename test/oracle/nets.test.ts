/**
 * Whole nets: every blob, image gradient and parameter gradient against Caffe's summaries.
 *
 * Values agree to 1e-5 (most to 1e-6). Gradients do too, except where a ReLU or a maximum stood on its edge and fell to
 * the other side in Caffe's float32: one such element changes a gradient by up to a percent. Where a gradient
 * differs by more than 1e-5, parameters are moved by some units in the last place until ours differs from itself as much:
 * rounding does that, and a fault does not. Ours must then agree with the same net compiled in float64. See
 * docs/DIFFERENCES.md.
 *
 * `CORTADO_NETS=all` adds the nets that take minutes.
 */
import { describe, it } from "vitest";
import { allNets, checkNetCase, QUICK_NETS } from "../support/net-case.js";
import { hasOracle } from "../support/oracle.js";

const chosen = process.env["CORTADO_NETS"] === "all" ? allNets : QUICK_NETS;

describe.skipIf(!hasOracle())("oracle nets/", () => {
  it.each(chosen)("%s", (name) => checkNetCase(name, "ts"), 600_000);
});

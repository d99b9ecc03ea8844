/** The functions in lanes as C++ compiles them: their error in units in the last place, and what is not ordinary. */
import { describe, expect, it } from "vitest";
import { LANE_FUNCTIONS, type LaneFunctionName } from "../../../../codegen/lanes/functions/index.js";
import { addonForTests } from "../../../support/native.js";
import { scratchFolder } from "../../../support/scratch.js";
import { functionErrors } from "./function-errors.js";

const native = await addonForTests();
const scratch = scratchFolder();

/**
 * Greatest error in units in the last place, denormal results included; docs/PERFORMANCE.md tells these. Of float32 that of all
 * numbers.
 */
const ULPS = {
  float32: { exp: 1.1, expm1: 1.6, log: 1, log1p: 1.8, tanh: 1.4, sigmoid: 2.5, softplus: 2.1, pow: 1.3 },
  float64: { exp: 1.1, expm1: 1.2, log: 0.8, log1p: 1.5, tanh: 1.4, sigmoid: 2.3, softplus: 1.6, pow: 1.5 },
} as const;

/** How many numbers: float32 has 2³². */
const COUNT = Number(process.env["CORTADO_FUNCTION_NUMBERS"] ?? 2 ** 18);
/** Of float64, whose exact values are dear, at most. */
const MOST = { float32: 2 ** 32, float64: 2 ** 22 };
/** Processors that have no multiply-add are compiled for by leaving it out. */
const WAYS = process.arch === "x64" ? [true, false] : [true];

describe.skipIf(!native)("functions in lanes", () => {
  const names = Object.keys(LANE_FUNCTIONS) as LaneFunctionName[];
  const cases = (["float32", "float64"] as const).flatMap((dtype) =>
    WAYS.map((fused) => [dtype, fused] as const),
  );

  it.each(cases)(
    "of %s are within their error of the exact value, everywhere; with multiply-adds: %s",
    async (dtype, fused) => {
      const tools = { addon: native!.addon, folder: scratch.path };
      const found = await functionErrors(tools, names, {
        dtype,
        fused,
        count: Math.min(COUNT, MOST[dtype]),
      });
      for (const name of names) {
        const { ulps, where } = found.get(name)!;
        expect.soft(ulps, where).toBeLessThanOrEqual(ULPS[dtype][name]);
        // Exact values would be less: what was compared would be something else.
        expect.soft(ulps, where).toBeGreaterThan(0.5);
      }
      const shown = names.map((name) => `${name} ${found.get(name)!.ulps.toFixed(2)}`).join(", ");
      console.log(`errors in ulp of ${dtype}, ${fused ? "with" : "without"} multiply-adds: ${shown}`);
    },
    3_600_000,
  );
});

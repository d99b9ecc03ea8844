/** Draws nets, checks each, and shrinks the one that fails. */
import { userError } from "../../proto/errors/index.js";
import { drawnNets, type FastCheck, loadFastCheck } from "./arbitrary.js";
import { type CheckOptions, checkGradient } from "./check-net.js";
import type { DrawnNet, MakeNet } from "./random-net.js";
import type { GradientFailure, GradientReport } from "./report.js";

export interface SearchOptions extends Pick<CheckOptions, "layers" | "rules"> {
  readonly runs: number;
  /** Of what is drawn. */
  readonly seed: number;
}

/** Checks `runs` drawn nets; those at a kink are drawn again, and counted. */
export async function searchNets(make: MakeNet, options: SearchOptions): Promise<GradientReport> {
  const { runs, seed, ...checkOptions } = options;
  const fc: FastCheck = await loadFastCheck();
  let checked = 0;
  let kinks = 0;
  let worst = 0;
  const property = fc.asyncProperty(drawnNets(fc, make), async (net) => {
    const { outcome, error } = await checkGradient(net, checkOptions);
    if (outcome === "kink") kinks++;
    fc.pre(outcome !== "kink");
    checked++;
    if (outcome === "equal") worst = Math.max(worst, error);
    return outcome === "equal";
  });
  const details = await fc.check(property, { numRuns: runs, seed, maxSkipsPerRun: 1 });
  if (!details.failed) return { checked, kinks, worst, failures: [], parts: [] };
  const found = details.counterexample?.[0];
  if (!found)
    throw userError(
      `of ${checked + kinks} nets that were drawn ${kinks} are not smooth within the step`,
      "a layer's domain says where its inputs may lie: away from its kinks",
    );
  return { checked, kinks, worst, failures: [await failureOf(found, checkOptions)], parts: [] };
}

/** What a net's failure says. An error on the way there is thrown again. */
export async function failureOf(
  net: DrawnNet,
  options: Pick<CheckOptions, "layers" | "rules">,
): Promise<GradientFailure> {
  const { backward, differences, error } = await checkGradient(net, options);
  return { prototxt: net.text, seed: net.seed, along: "everything", backward, differences, error };
}

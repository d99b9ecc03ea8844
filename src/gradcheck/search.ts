/** Makes random nets, checks each, and shrinks the one that fails. */
import { userError } from "../../proto/errors/index.js";
import { type FastCheck, loadFastCheck, randomNets } from "./arbitrary.js";
import { type CheckOptions, checkGradient } from "./check-random-net.js";
import type { MakeNet, RandomNet } from "./random-net.js";
import type { GradientFailure, GradientReport } from "./report.js";

export interface SearchOptions extends Pick<CheckOptions, "layers" | "rules" | "device"> {
  readonly runs: number;
  /** Of the nets and their values. */
  readonly seed: number;
}

/** Checks `runs` random nets; another takes the place of each that is at a kink, and those are counted. */
export async function searchNets(make: MakeNet, options: SearchOptions): Promise<GradientReport> {
  const { runs, seed, ...checkOptions } = options;
  const fc: FastCheck = await loadFastCheck();
  let checked = 0;
  let kinks = 0;
  let worst = 0;
  const property = fc.asyncProperty(randomNets(fc, make), async (net) => {
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
      `of ${checked + kinks} random nets ${kinks} are not smooth within the step`,
      "a layer's domain says where its inputs may lie: away from its kinks",
    );
  return { checked, kinks, worst, failures: [await failureOf(found, checkOptions)], parts: [] };
}

/** What a net's failure says. An error on the way there is thrown again. */
export async function failureOf(
  net: RandomNet,
  options: Pick<CheckOptions, "layers" | "rules" | "device">,
): Promise<GradientFailure> {
  const { backward, differences, error } = await checkGradient(net, options);
  return { prototxt: net.text, seed: net.seed, along: "everything", backward, differences, error };
}

/**
 * The gradient check can fail: each entry of the table of vector-Jacobian products and each scalar derivative is
 * broken in several ways, and the check finds each, but for those that compute the same.
 */
import { afterAll, describe, expect, it } from "vitest";
import { RULES } from "../../../codegen/autodiff/index.js";
import { checkGradient } from "../../../src/gradcheck/check-random-net.js";
import { singleLayerNet } from "../../../src/gradcheck/make-nets.js";
import { drawFrom, type RandomNet } from "../../../src/gradcheck/random-net.js";
import type { LayerType } from "../../../src/layers/index.js";
import { type Mutant, nodeMutants, scalarMutants, withoutGradient } from "./mutants.js";
import { nodeSubjects, scalarSubjects } from "./mutation-subjects.js";

/** Values that a subject is checked with. */
const SEEDS = [1, 2];

/** Mutants that nothing can tell from the original, and why. */
const EQUIVALENT: Readonly<Record<string, string>> = {
  "instead: input 0: wrong sign": "the value passes nothing on: there is nothing to break",
  "instead: input 0: factor 2": "as the one before",
  "instead: input 0: nothing passed on": "as the one before",
  "reduce: max: to the last of equals":
    "it differs on ties alone: a tie is a kink, where there is no derivative; which element Caffe takes is for the oracle",
  "windowScatter: window moved by one":
    "positions are absolute: picking reads no more of a window than its counts",
  "windowScatter: window shorter by one": "as the one before",
  "windowPick: window moved by one":
    "positions are absolute: scattering reads no more of a window than its counts",
  "windowPick: window shorter by one": "as the one before",
  "add: operands exchanged": "a sum's derivative reads neither operand",
  "sub: operands exchanged": "a difference's derivative reads neither operand",
};

const netOf = (type: LayerType, seed: number): RandomNet => ({ ...singleLayerNet(type)(drawFrom([])), seed });

/** How a mutant is found: by a wrong derivative or, on no subject so, by a graph that cannot be built at all. */
async function killedBy(
  { rules }: Mutant,
  subjects: readonly LayerType[],
): Promise<"differences" | "shapes" | undefined> {
  let refused = false;
  for (const type of subjects)
    for (const seed of SEEDS) {
      const found = await checkGradient(netOf(type, seed), { layers: [type], rules }).then(
        ({ outcome }) => outcome,
        () => "refused",
      );
      if (found === "different") return "differences";
      refused ||= found === "refused";
    }
  return refused ? "shapes" : undefined;
}

const subjectsOf = ({ entry }: Mutant): readonly LayerType[] =>
  nodeSubjects[entry as keyof typeof nodeSubjects] ?? scalarSubjects.get(entry) ?? [];

const totals = { differences: 0, shapes: 0, total: 0 };
const survivors: string[] = [];

async function hunt(mutants: readonly Mutant[]): Promise<readonly string[]> {
  const alive: string[] = [];
  for (const mutant of mutants) {
    expect(subjectsOf(mutant).length, mutant.entry).toBeGreaterThan(0);
    totals.total++;
    const by = await killedBy(mutant, subjectsOf(mutant));
    if (by) totals[by]++;
    else alive.push(`${mutant.entry}: ${mutant.change}`);
  }
  survivors.push(...alive);
  return alive;
}

const explained = (entries: readonly Mutant[]): readonly string[] =>
  Object.keys(EQUIVALENT).filter((name) =>
    entries.some(({ entry, change }) => name === `${entry}: ${change}`),
  );

describe("a wrong derivative is found", () => {
  it("the right ones pass on every subject", { timeout: 300_000 }, async () => {
    for (const type of [...Object.values(nodeSubjects), ...scalarSubjects.values()].flat())
      for (const seed of SEEDS)
        expect((await checkGradient(netOf(type, seed), { layers: [type] })).outcome).toBe("equal");
  });

  it("of a primitive", { timeout: 300_000 }, async () => {
    const mutants = nodeMutants();
    expect(await hunt(mutants)).toEqual(explained(mutants));
    const broken = new Set(mutants.map(({ entry }) => entry));
    expect([...broken, ...withoutGradient].sort()).toEqual(Object.keys(RULES.nodes).sort());
  });

  it("of a scalar function", { timeout: 300_000 }, async () => {
    const mutants = scalarMutants();
    expect(await hunt(mutants)).toEqual(explained(mutants));
    const { unary, shaped, binary } = RULES.scalars;
    const entries = new Set(mutants.map(({ entry }) => entry));
    expect([...entries].sort()).toEqual(
      [...Object.keys(unary), ...Object.keys(shaped), ...Object.keys(binary), "select"].sort(),
    );
  });

  afterAll(() => {
    const { differences, shapes, total } = totals;
    console.log(
      `mutants of derivatives: ${differences + shapes} of ${total} killed, ${shapes} of them because no graph could be built`,
    );
    for (const name of survivors) console.log(`  survives: ${name}: ${EQUIVALENT[name] ?? "unexplained"}`);
  });
});

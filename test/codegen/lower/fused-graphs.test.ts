/**
 * Fused equals unfused to the bit: products and sums fuse only where a kernel says so, every value is float32 in a
 * register as in memory, and the order of a sum depends on its shape alone. NaN is where the interpreter has it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node } from "../../../codegen/ir/graph.js";
import { type EmulatedGraph, emulateGraphs } from "../../support/emulate.js";
import { withOdd } from "../../support/graph-values.js";
import { addonForTests } from "../../support/native.js";
import { randomGraph } from "../../support/random-graph.js";

const GRAPHS = 60;
/** What stands in a leaf of every other graph. */
const ODD = [undefined, Number.NaN, undefined, Number.POSITIVE_INFINITY];
const native = await addonForTests();

describe.skipIf(!native)("fused and unfused kernels on the emulator", () => {
  it("give the same bits", async () => {
    const sampled = fc.sample(randomGraph({ backward: true }), {
      numRuns: GRAPHS,
      ...(process.env["CI"] ? { seed: 20261122 } : {}),
    });
    const unfused = sampled.map(() => new Map<Node, readonly number[]>());
    const run = (number: number, fuse: boolean): EmulatedGraph => ({
      name: `graph ${number}, ${fuse ? "fused" : "unfused"}`,
      ...sampled[number],
      // Not in filters: what of a tile's pixels lies in the padding is multiplied by them here, and is not by definition.
      bindings: withOdd(sampled[number].bindings, ODD[number % ODD.length], false),
      fuse,
      fuseRows: fuse,
      check(node, got, interpreted) {
        if (!fuse) {
          unfused[number].set(node, Array.from(got));
          const at = interpreted.findIndex((value, i) => Number.isNaN(value) !== Number.isNaN(got[i]));
          return at === -1 ? undefined : `${node.op}[${at}] is ${got[at]}, not ${interpreted[at]}`;
        }
        const want = unfused[number].get(node)!;
        const at = want.findIndex((value, i) => !Object.is(value, got[i]));
        return at === -1 ? undefined : `%${node.id} ${node.op}[${at}] is ${got[at]}, and ${want[at]} unfused`;
      },
    });
    const numbers = sampled.map((_, number) => number);
    expect(
      await emulateGraphs(
        native!.addon,
        numbers.map((number) => run(number, false)),
      ),
    ).toEqual([]);
    expect(
      await emulateGraphs(
        native!.addon,
        numbers.map((number) => run(number, true)),
      ),
    ).toEqual([]);
  }, 600_000);
});

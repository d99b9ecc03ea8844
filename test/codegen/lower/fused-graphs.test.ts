/**
 * Fused equals unfused to the bit: products and sums fuse only where a kernel says so, every value is rounded in a
 * register as in memory, and the order of a sum depends on its shape alone. NaN is where the interpreter has it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node } from "../../../codegen/ir/graph.js";
import { type EmulatedGraph, emulateGraphs } from "../../support/emulate.js";
import { withOdd } from "../../support/graph-values.js";
import { addonForTests } from "../../support/native.js";
import { runNativeGraphs } from "../../support/native-graphs.js";
import { randomGraph } from "../../support/random-graph.js";
import { scratchFolder } from "../../support/scratch.js";
import { runWasmGraphs } from "../../support/wasm-graphs.js";

const scratch = scratchFolder();
const native = await addonForTests();

/** What stands in a leaf of every other graph. */
const ODD = [undefined, Number.NaN, undefined, Number.POSITIVE_INFINITY];
const VECTORS = [
  { dtype: "float32", architecture: "avx2" },
  { dtype: "float64", architecture: "sse" },
  { dtype: "float32", architecture: "avx512" },
] as const;

interface Runner {
  readonly name: string;
  readonly graphs: number;
  readonly here: boolean;
  /** Runs graphs in this order; texts for people: what is wrong. */
  readonly run: (cases: readonly EmulatedGraph[]) => Promise<readonly string[]>;
}

const RUNNERS: readonly Runner[] = [
  { name: "wasm", graphs: 20, here: true, run: runWasmGraphs },
  {
    name: "the emulator",
    graphs: 60,
    here: native !== undefined,
    run: (cases) => emulateGraphs(native!.addon, cases),
  },
  {
    name: "native",
    graphs: Number(process.env["CORTADO_LANE_RUNS"] ?? 9),
    here: native !== undefined,
    run: (cases) =>
      runNativeGraphs(
        native!.addon,
        scratch.path,
        cases.map((one) => ({ ...one, ...VECTORS[one.bindings.seed % VECTORS.length] })),
      ),
  },
];

describe.each(RUNNERS)("fused and unfused kernels", ({ name, graphs, here, run }) => {
  it.skipIf(!here)(
    `give the same bits on ${name}`,
    async () => {
      const sampled = fc.sample(randomGraph({ backward: true }), {
        numRuns: graphs,
        ...(process.env["CI"] ? { seed: 20261122 } : {}),
      });
      const unfused = sampled.map(() => new Map<Node, readonly number[]>());
      const caseOf = (number: number, fuse: boolean): EmulatedGraph => ({
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
          return at === -1
            ? undefined
            : `%${node.id} ${node.op}[${at}] is ${got[at]}, and ${want[at]} unfused`;
        },
      });
      const numbers = sampled.map((_, number) => number);
      expect(await run(numbers.map((number) => caseOf(number, false)))).toEqual([]);
      expect(await run(numbers.map((number) => caseOf(number, true)))).toEqual([]);
    },
    600_000,
  );
});

/**
 * Every kernel of every net in the oracle, forward and backward, compiled by the real NVRTC. The large nets for one
 * architecture, the quick ones for three; `CORTADO_NETS=all`: all for all.
 */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { cudaTarget } from "../../../../codegen/targets/index.js";
import { knownLayerTypes } from "../../../../src/index.js";
import { type ProgramReport, reportProgram } from "../../../../src/net/kernel-report.js";
import { netProgram } from "../../../../src/net/programs.js";
import { typesOf } from "../../../support/case.js";
import { lowerText } from "../../../support/lowered.js";
import { findNvrtc } from "../../../support/native.js";
import { allNets, QUICK_NETS } from "../../../support/net-case.js";
import { hasOracle, oraclePath } from "../../../support/oracle.js";

const ARCHITECTURES = ["sm_90", "sm_80", "sm_120"];
const all = process.env["CORTADO_NETS"] === "all";
/** Kernels whose products are kept in registers: what spilled there would be read again for each of them. */
const PRODUCTS = /^(matmul|conv)/;

const present = hasOracle() && findNvrtc() !== undefined;
const known = knownLayerTypes();
const textOf = (name: string): string => readFileSync(oraclePath("nets", name, "net.prototxt"), "utf8");

describe.skipIf(!present)("kernels of the oracle's nets, compiled by NVRTC", () => {
  const rows: string[] = [];
  const row = (name: string, { gpu, kernels, launches, layers, predicted }: ProgramReport): string => {
    const registers = Math.max(...kernels.map(({ resources }) => resources?.registers ?? 0));
    const shared = Math.max(...kernels.map(({ resources }) => resources?.sharedBytes ?? 0));
    const time = 1e3 * (predicted.forward + predicted.backward);
    return `  ${name.padEnd(20)} ${gpu.architecture.padEnd(6)} ${kernels.length} kernels, ${launches.forward} + ${launches.backward} launches, ${layers} layers, at most ${registers} registers and ${shared} B shared; predicted ${time.toPrecision(3)} ms`;
  };

  it.each(
    allNets
      .flatMap((name) => ARCHITECTURES.map((architecture, i) => ({ name, architecture, first: i === 0 })))
      .filter(({ name, first }) => all || first || QUICK_NETS.includes(name)),
  )(
    "$name for $architecture",
    async ({ name, architecture }) => {
      const text = textOf(name);
      expect(typesOf(text).filter((type) => !known.has(type))).toEqual([]);
      const lowered = lowerText(text, { phase: "TEST" });
      const seeds = lowered.outputs;
      // A net that ends in Silence has no outputs: nothing would be computed.
      const keep = seeds.length > 0 ? [] : [...lowered.blobs.keys()];
      const program = netProgram(
        lowered,
        { backward: true, seeds, keep },
        { target: cudaTarget, description: cudaTarget.describe(architecture), dtype: "float32", seed: 1 },
      );
      const report = await reportProgram(program, architecture);
      expect(report.launches.forward).toBeGreaterThan(0);
      for (const { symbol, note, resources } of report.kernels) {
        expect(resources, note).toBeDefined();
        if (PRODUCTS.test(symbol)) expect(resources, note).toMatchObject({ spillStores: 0, spillLoads: 0 });
      }
      rows.push(row(name, report));
    },
    600_000,
  );

  afterAll(() => console.log(["kernels by NVRTC:", ...rows.sort()].join("\n")));
});

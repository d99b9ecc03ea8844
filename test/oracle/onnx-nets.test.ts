/** The oracle's nets/ as ONNX files, run by onnxruntime, against what Caffe computed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeOnnx } from "../../src/export-onnx.js";
import { compile } from "../../src/index.js";
import { fillByRule, type NetCase, readJson, summaryError } from "../support/case.js";
import { allNets, QUICK_NETS } from "../support/net-case.js";
import { hasOnnxRuntime, type OnnxResult, runOnnx } from "../support/onnx.js";
import { hasOracle, oraclePath } from "../support/oracle.js";

const names = process.env["CORTADO_NETS"] === "all" ? allNets : [...QUICK_NETS, "googlenet-deploy"];
const BOUND = 1e-4;
/** Nodes for a layer: no forest of element-wise ones. */
const MOST_NODES = 1.3;
/** Five operators are an LRN over positions, and there are two of them in a net of 14 layers. */
const MORE_NODES = new Map([["cifar10-full", 2.3]]);

/**
 * Nets whose backward is a file, too, and how far its diffs may be from Caffe's: in CaffeNet rounding decides which of two
 * nearly equal elements is the greatest (nets.test.ts shows as much of our own).
 */
const BACKWARD: ReadonlyMap<string, number> = new Map([
  ["lenet-deploy", BOUND],
  ["caffenet-saliency", 1e-2],
]);
/** The diffs of a net's file against Caffe's. */
function checkDiffs({ diffs, pdiffs }: NetCase, { error, outputs }: OnnxResult, bound: number): void {
  expect(error).toBeUndefined();
  const theirs = [...Object.entries(diffs), ...Object.entries(pdiffs)];
  const compared = theirs.filter(([of]) => outputs.has(`diff:${of}`));
  expect(compared.length).toBeGreaterThanOrEqual(Object.keys(pdiffs).length);
  for (const [of, summary] of compared)
    expect(summaryError(outputs.get(`diff:${of}`)!.data, summary), of).toBeLessThan(bound);
}

describe.skipIf(!hasOracle() || !hasOnnxRuntime())("oracle nets/ by onnxruntime", () => {
  it.each(names)(
    "%s",
    async (name) => {
      const wanted = readJson<NetCase>(oraclePath("nets"), name, "case.json");
      const text = readFileSync(join(oraclePath("nets"), name, "net.prototxt"), "utf8");
      const net = await compile(text, { phase: wanted.phase, target: "ts" });
      const inputs: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
      for (const [blob, rule] of Object.entries(wanted.inputs))
        inputs[blob] = { shape: net.blobs[blob].shape, data: fillByRule(rule) };
      for (const [key, rule] of Object.entries(wanted.params)) {
        const cut = key.lastIndexOf("/");
        await net.params[key.slice(0, cut)][Number(key.slice(cut + 1))].write(fillByRule(rule));
      }
      const { bytes, nodes, layers } = await makeOnnx(net);
      const folded = text.includes('"BatchNorm"') ? await makeOnnx(net, { fold: true }) : undefined;
      const seeds = Object.entries(wanted.seeds).map(([blob, rule]) => {
        const { shape } = net.blobs[blob];
        return [`diff:${blob}`, { shape, data: fillByRule({ ...rule, shape }) }] as const;
      });
      const backward = BACKWARD.has(name)
        ? await makeOnnx(net, { backward: Object.keys(wanted.seeds) })
        : undefined;
      await net.close();
      expect(nodes / layers).toBeLessThanOrEqual(MORE_NODES.get(name) ?? MOST_NODES);
      if (folded) expect(folded.nodes).toBeLessThan(nodes);
      for (const file of [bytes, ...(folded ? [folded.bytes] : [])]) {
        const result = runOnnx([{ name, bytes: file, inputs }]).get(name);
        expect(result?.error).toBeUndefined();
        expect(result!.outputs.size).toBeGreaterThan(0);
        for (const [blob, { shape, data }] of result!.outputs) {
          expect(shape).toEqual(net.blobs[blob].shape);
          expect(summaryError(data, wanted.blobs[blob]), blob).toBeLessThan(BOUND);
        }
      }
      if (backward)
        checkDiffs(
          wanted,
          runOnnx([{ name, bytes: backward.bytes, inputs: { ...inputs, ...Object.fromEntries(seeds) } }]).get(
            name,
          )!,
          BACKWARD.get(name)!,
        );
      console.log(`${name}: ${nodes} nodes for ${layers} layers${folded ? `, ${folded.nodes} folded` : ""}`);
    },
    300_000,
  );
});

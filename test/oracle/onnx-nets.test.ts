/** The oracle's nets/ as ONNX files, run by onnxruntime, against what Caffe computed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeOnnx } from "../../src/export-onnx.js";
import { compile } from "../../src/index.js";
import { fillByRule, type NetCase, readJson, summaryError } from "../support/case.js";
import { allNets, QUICK_NETS } from "../support/net-case.js";
import { hasOnnxRuntime, runOnnx } from "../support/onnx.js";
import { hasOracle, oraclePath } from "../support/oracle.js";

const names = process.env["CORTADO_NETS"] === "all" ? allNets : [...QUICK_NETS, "googlenet-deploy"];
const BOUND = 1e-4;
/** Nodes for a layer: no forest of element-wise ones. */
const MOST_NODES = 1.3;
/** Four operators are an LRN over positions, and there are two of them in a net of 14 layers. */
const MORE_NODES = new Map([["cifar10-full", 2]]);

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
      await net.close();
      expect(nodes / layers).toBeLessThanOrEqual(MORE_NODES.get(name) ?? MOST_NODES);
      const result = runOnnx([{ name, bytes, inputs }]).get(name);
      expect(result?.error).toBeUndefined();
      for (const blob of net.outputs) {
        const { shape, data } = result!.outputs.get(blob)!;
        expect(shape).toEqual(net.blobs[blob].shape);
        expect(summaryError(data, wanted.blobs[blob]), blob).toBeLessThan(BOUND);
      }
      console.log(`${name}: ${nodes} nodes for ${layers} layers`);
    },
    300_000,
  );
});

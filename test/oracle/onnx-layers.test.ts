/** Every case of the oracle's layers/ as an ONNX file, run by onnxruntime, against what Caffe computed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CortadoError, compile, exportOnnx } from "../../src/index.js";
import { compareCase, isSplitBlob, type LayerCase, readJson, readTensors } from "../support/case.js";
import { coveredLayerCases } from "../support/layer-case.js";
import { hasOnnxRuntime, type OnnxCase, runOnnx } from "../support/onnx.js";

const CASES = fileURLToPath(new URL("../fixtures/layers", import.meta.url));

/** Why a case has no ONNX file: each names the layers it holds for. */
const REFUSED = [
  /cannot be exported: it draws random numbers$/,
  /^the net has a number of rows that depends on values \(Filter\)/,
];

interface Case extends OnnxCase {
  readonly wanted: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

/** A case as a file, and what Caffe computed; a text where it cannot be one. */
async function exported(name: string): Promise<Case | string> {
  const { phase } = readJson<LayerCase>(CASES, name, "case.json");
  const tensors = readTensors(join(CASES, name, "case.safetensors"));
  const under = (prefix: string) =>
    [...tensors].flatMap(([key, tensor]) =>
      key.startsWith(`${prefix}/`) ? [[key.slice(prefix.length + 1), tensor] as const] : [],
    );
  const text = readFileSync(join(CASES, name, "net.prototxt"), "utf8");
  const net = await compile(text, { phase, target: "ts" });
  try {
    for (const [key, { data }] of under("param")) {
      const cut = key.lastIndexOf("/");
      await net.params[key.slice(0, cut)][Number(key.slice(cut + 1))].write(data);
    }
    const inputs = Object.fromEntries(
      under("input").map(([blob, { data }]) => [blob, { shape: net.blobs[blob].shape, data }]),
    );
    const wanted = under("data").filter(([blob]) => !isSplitBlob(blob));
    const bytes = await exportOnnx(net, { keep: wanted.map(([blob]) => blob) });
    return { name, bytes, inputs, wanted: new Map(wanted) };
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    return error.diagnostics[0].message;
  } finally {
    await net.close();
  }
}

describe.skipIf(!hasOnnxRuntime())("oracle layers/ by onnxruntime", async () => {
  const all = hasOnnxRuntime()
    ? await Promise.all(coveredLayerCases.map(async (name) => [name, await exported(name)] as const))
    : [];
  const files = all.flatMap(([, one]) => (typeof one === "string" ? [] : [one]));
  const refused = all.flatMap(([name, one]) => (typeof one === "string" ? [[name, one] as const] : []));
  const results = hasOnnxRuntime() ? runOnnx(files) : new Map();

  it.each(files.map((file) => [file.name, file] as const))("%s", (name, { wanted }) => {
    const { error, outputs } = results.get(name);
    expect(error).toBeUndefined();
    const compare = compareCase(name, wanted, () => {});
    for (const [blob, { data }] of wanted) {
      const made = outputs.get(blob);
      expect(made, blob).toBeDefined();
      compare(`data/${blob}`, made.data, data);
    }
  });

  it("all others are refused for what they are", () => {
    expect(refused.filter(([, reason]) => !REFUSED.some((known) => known.test(reason)))).toEqual([]);
    console.log(
      `layers/ as ONNX: ${files.length} files, ${refused.length} refused:\n${refused.map(([name, reason]) => `  ${name}: ${reason}`).join("\n")}`,
    );
  });
});

/** Every case of the oracle's layers/ as an ONNX file, run by onnxruntime, against what Caffe computed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CortadoError, compile, exportOnnx } from "../../src/index.js";
import {
  compareCase,
  isSplitBlob,
  type LayerCase,
  OVERWRITTEN,
  readJson,
  readTensors,
  withoutBackward,
} from "../support/case.js";
import { coveredLayerCases } from "../support/layer-case.js";
import { hasOnnxRuntime, type OnnxCase, runOnnx } from "../support/onnx.js";

const CASES = fileURLToPath(new URL("../fixtures/layers", import.meta.url));

/** Why a case has no ONNX file: each names the layers it holds for. */
const REFUSED = [
  /cannot be exported: it draws random numbers$/,
  /: its tops have as many rows as the values say, and an ONNX file needs shapes that stay$/,
];

/** Caffe's case has a diff that nothing asks for. */
const NOTHING: ReadonlySet<string> = new Set(["InfogainLoss-identity"]);

/** A case's forward, or its backward. */
interface Case extends OnnxCase {
  readonly layer: string;
  /** All of Caffe's tensors, and the key of each output's. */
  readonly tensors: ReturnType<typeof readTensors>;
  readonly wanted: ReadonlyMap<string, string>;
}

/** A case as files, forward and backward, and what Caffe computed; a text where it cannot be one. */
async function exported(name: string): Promise<readonly Case[] | string> {
  const wanted = readJson<LayerCase>(CASES, name, "case.json");
  const { phase, seeded } = wanted;
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
    const values = under("data").filter(([blob]) => !isSplitBlob(blob));
    const forward: Case = {
      ...{ name, layer: name, inputs, tensors },
      bytes: await exportOnnx(net, { keep: values.map(([blob]) => blob) }),
      wanted: new Map(values.map(([blob]) => [blob, `data/${blob}`])),
    };
    const diffs = ["diff", "pdiff"].flatMap((kind) =>
      under(kind).flatMap(([blob]) =>
        isSplitBlob(blob) ? [] : [[`diff:${blob}`, `${kind}/${blob}`] as const],
      ),
    );
    if (
      !wanted.backward ||
      diffs.length === 0 ||
      OVERWRITTEN.has(name) ||
      withoutBackward(wanted, text) ||
      NOTHING.has(name)
    )
      return [forward];
    const seeds = under("seed").map(
      ([blob, { data }]) => [`diff:${blob}`, { shape: net.blobs[blob].shape, data }] as const,
    );
    const backward: Case = {
      ...{ name: `${name}, backward`, layer: name, tensors },
      inputs: { ...inputs, ...Object.fromEntries(seeds) },
      bytes: await exportOnnx(net, { backward: seeded }),
      wanted: new Map(diffs),
    };
    return [forward, backward];
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
  const files = all.flatMap(([, one]) => (typeof one === "string" ? [] : one));
  const refused = all.flatMap(([name, one]) => (typeof one === "string" ? [[name, one] as const] : []));
  const results = hasOnnxRuntime() ? runOnnx(files) : new Map();

  it.each(files.map((file) => [file.name, file] as const))("%s", (name, { layer, tensors, wanted }) => {
    const { error, outputs } = results.get(name);
    expect(error).toBeUndefined();
    const compare = compareCase(layer, tensors, () => {});
    let compared = 0;
    for (const [blob, { data }] of outputs) {
      const key = wanted.get(blob);
      if (key === undefined) continue;
      compare(key, data, tensors.get(key)!.data);
      compared++;
    }
    // Diffs between a net's ends are no outputs of its file.
    expect(compared).toBeGreaterThan(0);
    if (!name.endsWith("backward")) expect(compared).toBe(wanted.size);
  });

  it("all others are refused for what they are", () => {
    expect(refused.filter(([, reason]) => !REFUSED.some((known) => known.test(reason)))).toEqual([]);
    console.log(
      `layers/ as ONNX: ${files.length} files, ${refused.length} refused:\n${refused.map(([name, reason]) => `  ${name}: ${reason}`).join("\n")}`,
    );
  });
});

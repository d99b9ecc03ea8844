import { describe, expect, it } from "vitest";
import { makeOnnx } from "../../../src/export-onnx.js";
import { compile } from "../../../src/index.js";
import { relativeError } from "../../support/case.js";
import { HOSTILE, isWellFormed, namedNet } from "../../support/hostile-names.js";
import { hasOnnxRuntime, type OnnxCase, runOnnx } from "../../support/onnx.js";

describe.skipIf(!hasOnnxRuntime())("hostile names", () => {
  it("become safe and stay apart", async () => {
    const data = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const label = Float32Array.of(1, 2);
    // A file's own names are not for the caller to know: inputs are given by their places.
    const inputs = { "*0": { shape: [2, 2, 4, 4], data }, "*1": { shape: [2], data: label } };
    const files: (OnnxCase & { readonly expected: Float32Array })[] = [];
    for (const [i, name] of HOSTILE.entries()) {
      if (!isWellFormed(name)) continue;
      const { text, names } = namedNet(name, i % 6);
      const net = await compile(text, { phase: "TRAIN", stages: [name], target: "ts" });
      const given = Object.assign(Object.create(null), { [names[0]]: data });
      Object.defineProperty(given, names[1], { value: label, enumerable: true });
      const expected = (await net.forward(given))[names[4]];
      const made = await makeOnnx(net);
      await net.close();
      expect(made.inputs.map((blob) => blob.name)).toEqual(names.slice(0, 2));
      expect(made.outputs.map((blob) => blob.name)).toEqual([names[4]]);
      files.push({ name: String(i), bytes: made.bytes, inputs, expected });
    }
    const results = runOnnx(files);
    for (const { name, expected } of files) {
      const { error, outputs } = results.get(name)!;
      expect(error, HOSTILE[Number(name)]).toBeUndefined();
      const [[shown, { data: made }]] = outputs;
      expect(shown).not.toMatch(/[\s\p{C}]/u);
      expect(relativeError(made, expected)).toBeLessThan(1e-5);
    }
    expect(files.length).toBeGreaterThan(20);
  }, 60_000);
});

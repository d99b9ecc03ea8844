/** Whole small random nets of every layer type: what is built gives what is compiled, bit for bit. */
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { sizeOf } from "../../../codegen/ir/graph.js";
import { randomStream } from "../../../runtime/random/index.js";
import { randomValues } from "../../../src/gradcheck/net-values.js";
import { compile } from "../../../src/net/compile.js";
import { layeredNet } from "../../support/random-net.js";
import { bits, build, inNode, removeFolders, standIn } from "./support.js";

afterAll(removeFolders);

it.each(["ts", "wasm"] as const)("random nets on %s: forward, backward and every blob", async (target) => {
  await fc.assert(
    fc.asyncProperty(layeredNet, async ({ text, inputs, seed }) => {
      // A build refuses shapes that depend on values.
      fc.pre(!text.includes('type: "Filter"'));
      const stream = randomStream(seed, 0);
      const given: Record<string, Float32Array> = {};
      for (const { blob, shape, values } of inputs)
        given[blob] = Float32Array.from(randomValues(stream, values, sizeOf(shape)));
      const net = await compile(text, { phase: "TRAIN", keep: "all", target });
      // A net of frozen layers has no backward to build.
      const learns = net.layers.some(({ params }) => params.some(({ lrMult }) => lrMult > 0));
      fc.pre(learns || /^force_backward: true/m.test(text));
      // Diffs of all outputs: beside a loss's own.
      const diffs: Record<string, Float32Array> = {};
      for (const blob of net.outputs) diffs[blob] = standIn(sizeOf(net.blobs[blob].shape), 7);
      await net.forward(given);
      const { inputs: inputDiffs, params } = await net.backward(diffs);
      const blobs = Object.keys(net.blobs);
      const values: (readonly number[])[] = [];
      for (const blob of blobs) values.push(bits(await net.read(blob)), bits(await net.readDiff(blob)));
      const expected = {
        values,
        inputDiffs: Object.values(inputDiffs).map(bits),
        params: Object.values(params).flat().map(bits),
      };
      await net.close();

      const folder = await build(text, { phase: "TRAIN", keep: "all", backward: Object.keys(diffs), target });
      const plain = (record: Record<string, Float32Array>): string =>
        JSON.stringify(Object.entries(record).map(([name, array]) => [name, bits(array)]));
      const result = await inNode(
        folder,
        `const arrays = (list) => Object.fromEntries(
           list.map(([name, words]) => [name, new Float32Array(Uint32Array.from(words).buffer)]));
         const net = await load();
         await net.forward(arrays(${plain(given)}));
         const { inputs, params } = await net.backward(arrays(${plain(diffs)}));
         const values = [];
         for (const blob of ${JSON.stringify(blobs)})
           values.push(bits(await net.read(blob)), bits(await net.readDiff(blob)));
         return { values, inputDiffs: Object.values(inputs).map(bits), params: Object.values(params).flat().map(bits) };`,
      );
      expect(result).toEqual(expected);
    }),
    { numRuns: 10 },
  );
});

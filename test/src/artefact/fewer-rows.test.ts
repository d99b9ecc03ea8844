/** Builds that are given fewer rows than they were built for. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compile } from "../../../src/net/compile.js";
import { bits, build, inNode, removeFolders, standIn } from "./support.js";

afterAll(removeFolders);

const ROWS = 5;
const PIXELS = 2 * 6 * 6;
const INPUTS = `name: "rows"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: ${ROWS} dim: 2 dim: 6 dim: 6 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: ${ROWS} } } }`;
const NET = `${INPUTS}
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
layer { name: "twice" type: "Eltwise" bottom: "label" bottom: "label" top: "twice" }`;

// Building for it takes least.
const target = "wasm";
const cpu = ["simd128"] as const;

describe("a net", () => {
  it("gives of fewer rows what it gives of them among others, to the bit", async () => {
    const options = { target, seed: 3, keep: ["pool"] } as const;
    const folder = await build(NET, { ...options, cpu });
    const body = `
      const net = await load();
      const given = (rows) => ({ data: standIn(rows * ${PIXELS}), label: standIn(rows) });
      const results = [];
      const seen = async (forward, pool, data) => {
        const { prob, twice } = await forward;
        results.push([bits(prob), bits(twice), bits(await pool), (await data).length]);
      };
      // Calls follow one another without waiting.
      await Promise.all([2, ${ROWS}, 1].map((rows) => seen(net.forward(given(rows)), net.read("pool"), net.read("data"))));
      return results;`;
    const net = await compile(NET, { ...options, fma: "never" });
    const { prob, twice } = await net.forward({ data: standIn(ROWS * PIXELS), label: standIn(ROWS) });
    const all = [prob, twice, await net.read("pool")].map(bits);
    await net.close();
    const expected = [2, ROWS, 1].map((rows) => [
      ...all.map((values) => values.slice(0, (values.length / ROWS) * rows)),
      rows * PIXELS,
    ]);
    expect(await inNode(folder, body)).toEqual(expected);
    const types = await readFile(join(folder, "net.d.ts"), "utf8");
    expect(types).toContain("or of all inputs equally many of its first 5 rows.");
  });
});

describe("inputs with fewer rows", () => {
  it("are as many of each, and whole rows", async () => {
    const folder = await build(NET, { target, cpu });
    const body = `
      const net = await load();
      return Promise.all([[2, 3], [0, 0], [6, 6], [0.5, 1]].map(([data, label]) =>
        failure(net.forward({ data: new Float32Array(data * ${PIXELS}), label: new Float32Array(label) }))));`;
    expect(await inNode(folder, body)).toEqual([
      'Error: inputs have different numbers of rows: "data" 2, "label" 3',
      ...[0, 6 * PIXELS, PIXELS / 2].map((length) =>
        expect.stringMatching(`^Error: "data" has shape 5×2×6×6, 360 numbers; ${length} were given`),
      ),
    ]);
  });

  it.each([
    [
      "a loss",
      'layer { name: "loss" type: "EuclideanLoss" bottom: "label" bottom: "label" top: "loss" }',
      {},
      'blob "loss" may depend on several together',
    ],
    [
      "statistics of the batch",
      'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }',
      { phase: "TRAIN" },
      "forward keeps statistics of all",
    ],
    [
      "what is no row's",
      'layer { name: "own" type: "Parameter" top: "own" parameter_param { shape { dim: 5 } } }',
      {},
      'blob "own" does not depend on them',
    ],
    [
      "backward",
      'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }',
      { backward: true },
      "a net that learns does so from all",
    ],
  ] as const)(
    "are refused by a net with %s, which says why, as its manifest does",
    async (_, layer, options, whole) => {
      const folder = await build(`${INPUTS}\n${layer}`, { target, cpu, ...options });
      const body = `
      const net = await load();
      return failure(net.forward({ data: new Float32Array(${PIXELS}), label: new Float32Array(1) }));`;
      expect(await inNode(folder, body)).toBe(
        `Error: the inputs have 1 of 5 rows, and this build takes all: ${whole}\n` +
          "  fill them up, or build for fewer: cortado build --shape <input>=<extents>",
      );
      const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
      expect(manifest.batch).toEqual({ rows: ROWS, whole });
    },
  );
});

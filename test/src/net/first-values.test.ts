/** Parameters begin as their layers say, each from a stream of its own: also where weights give some of the others. */
import { expect, it } from "vitest";
import { compile, type WeightSet } from "../../../src/index.js";

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "shared" } param { name: "a_bias" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } bias_filler { type: "gaussian" std: 2 } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "shared" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 7 } } }
layer { name: "c" type: "InnerProduct" bottom: "b" top: "c"
  inner_product_param { num_output: 2 weight_filler { type: "msra" } } }`;

async function valuesOf(weights?: WeightSet) {
  const net = await compile(NET, { target: "ts", seed: 9, ...(weights && { weights }) });
  const values: Record<string, readonly (readonly number[])[]> = {};
  for (const [layer, params] of Object.entries(net.params))
    values[layer] = await Promise.all(params.map(async (param) => [...(await param.read())]));
  await net.close();
  return values;
}

it("what weights do not give is drawn as it is without them", async () => {
  const drawn = await valuesOf();
  const given = Float32Array.from({ length: 9 }, (_, i) => i);
  const bias = Float32Array.of(5, 6, 7);
  const layer = { name: "b", type: "InnerProduct" };
  const loaded = await valuesOf({
    layers: [
      {
        ...layer,
        blobs: [
          { shape: [3, 3], data: given },
          { shape: [3], data: bias },
        ],
      },
    ],
  });
  // Of a parameter that two layers share, the file's copy in either is both.
  expect(loaded).toEqual({ ...drawn, a: [[...given], drawn["a"][1]], b: [[...given], [...bias]] });
  expect(drawn["c"][0].every((value) => value !== 0)).toBe(true);
  expect(new Set(drawn["a"][1]).size).toBe(3);
});

it("weights that do not fit change nothing, and the error is theirs", async () => {
  const wrong = {
    layers: [{ name: "c", type: "InnerProduct", blobs: [{ shape: [4], data: new Float32Array(4) }] }],
  };
  await expect(valuesOf(wrong)).rejects.toThrow('layer "c" has 2 parameter blobs');
});

/** Weights as a user of the package meets them; docs/WEIGHTS.md shows what is printed here. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CortadoError,
  collectWeights,
  compile,
  encodeWeights,
  formatMatchReport,
  loadWeights,
  readWeights,
  writeWeights,
} from "cortado";
import { afterAll, beforeAll, expect, it } from "vitest";

const net = (last: string): string => `
  layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 } } }
  layer { name: "fc1" type: "InnerProduct" bottom: "data" top: "fc1"
    inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "${last}" type: "InnerProduct" bottom: "fc1" top: "out"
    inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }`;
const input = { data: Float32Array.of(1, 2, 3, 4) };

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cortado-public-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(["net.caffemodel", "net.caffemodel.h5", "net.safetensors"])(
  "%s: written, and compiled with as a path, as bytes and as a set",
  async (name) => {
    const trained = await compile(net("fc2"), { seed: 1 });
    const { out } = await trained.forward(input);
    const path = join(folder, name);
    await writeWeights(path, await collectWeights(trained));
    await trained.close();
    for (const weights of [
      path,
      readFileSync(path),
      new Uint8Array(readFileSync(path)),
      await readWeights(path),
    ]) {
      const again = await compile(net("fc2"), { seed: 2, weights });
      expect((await again.forward(input))["out"]).toEqual(out);
      await again.close();
    }
  },
);

it("docs/WEIGHTS.md shows what is printed", async () => {
  const page = readFileSync(new URL("../../../docs/WEIGHTS.md", import.meta.url), "utf8");
  const trained = await compile(net("fc2"));
  const weights = await collectWeights(trained);
  const tuned = await compile(net("fc2_new"));
  const report = await loadWeights(tuned, weights);
  expect(page).toContain(formatMatchReport(report));
  const other = await compile(net("fc2").replace("num_output: 3", "num_output: 5"));
  const before = await collectWeights(other);
  const error: unknown = await loadWeights(other, weights).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CortadoError);
  expect(page).toContain((error as CortadoError).message);
  expect(await collectWeights(other)).toEqual(before);
  const strange = await loadWeights(other, { layers: [{ ...weights.layers[0], name: "conv1" }] });
  expect(page).toContain(formatMatchReport(strange));
  await Promise.all([trained, tuned, other].map((each) => each.close()));
});

it("a net compiled with weights that cannot be used is refused", async () => {
  const trained = await compile(net("fc2"));
  const bytes = await encodeWeights(await collectWeights(trained), "caffemodel");
  await trained.close();
  for (const weights of [join(folder, "none.caffemodel"), new Uint8Array(0), bytes.subarray(0, 20)])
    await expect(compile(net("fc2"), { weights })).rejects.toBeInstanceOf(CortadoError);
  const smaller = net("fc2").replace("num_output: 2", "num_output: 1");
  await expect(compile(smaller, { weights: bytes })).rejects.toThrow('layer "fc2" has shape 1×3 in the net');
});

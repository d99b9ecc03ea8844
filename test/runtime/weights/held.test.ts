/** Weights of a file are there while they are used: what they took of memory is given back then, and nothing copies them before. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readHeldBytes } from "../../../runtime/held-bytes.js";
import { decodeCaffemodel, encodeCaffemodel } from "../../../runtime/weights/caffemodel.js";
import { type WeightSet, withWeightSet } from "../../../runtime/weights/index.js";
import { compile, writeWeights } from "../../../src/index.js";
import { internalsOf } from "../../../src/net/internals.js";
import { loadTakenWeights } from "../../../src/net/load-weights.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();
const weights: WeightSet = {
  layers: [
    {
      name: "ip",
      type: "InnerProduct",
      blobs: [
        { shape: [40, 3], data: Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)) },
        { shape: [40], data: Float32Array.from({ length: 40 }, (_, i) => -i) },
      ],
    },
  ],
};
const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 40 } }`;
const dataOf = ({ layers }: WeightSet): readonly Float32Array[] =>
  layers.flatMap(({ blobs }) => blobs.map(({ data }) => data));

describe("held bytes", () => {
  it.each([5, 12])("are a file's first %d, or all", async (size) => {
    const file = await open(
      scratch.file(
        "ten",
        Uint8Array.from({ length: 10 }, (_, i) => i),
      ),
    );
    const { bytes, release } = await readHeldBytes(file, size);
    await file.close();
    expect([...bytes]).toEqual(Array.from({ length: Math.min(size, 10) }, (_, i) => i));
    const view = new Uint8Array(bytes.buffer, 1, 2);
    release();
    expect([bytes.length, view.length, bytes.buffer.byteLength]).toEqual([0, 0, 0]);
  });
});

describe("weights", () => {
  it.each(["w.safetensors", "w.caffemodel", "w.caffemodel.h5"])(
    "of %s are there while they are used",
    async (name) => {
      const path = join(scratch.path, name);
      await writeWeights(path, weights);
      const seen = await withWeightSet(path, async (set) => {
        expect(dataOf(set)).toEqual(dataOf(weights));
        return dataOf(set);
      });
      // Values that stay in the file's bytes go with them.
      if (name !== "w.caffemodel.h5") expect(seen.map(({ length }) => length)).toEqual([0, 0]);
      await expect(
        withWeightSet(path, async () => {
          throw new Error("what use throws");
        }),
      ).rejects.toThrow("what use throws");
    },
  );

  it("lie anywhere in a caffemodel, and are moved to where arrays may begin", () => {
    for (let length = 1; length <= 9; length++) {
      const layers = [1, 2].map((copy) => ({ ...weights.layers[0], name: "n".repeat(length * copy) }));
      const bytes = Buffer.concat(encodeCaffemodel({ layers }));
      const copied = decodeCaffemodel(bytes, "the file");
      const moved = decodeCaffemodel(Uint8Array.from(bytes), "the file", true);
      expect(moved).toEqual(copied);
      expect(new Set(dataOf(moved).map(({ buffer }) => buffer)).size).toBe(1);
    }
  });

  it("that somebody else holds stay", async () => {
    await withWeightSet(weights, async (set) => void expect(set).toBe(weights));
    expect(dataOf(weights).map(({ length }) => length)).toEqual([120, 40]);
  });

  it("reach the parameters' memory without a copy between", async () => {
    const net = await compile(NET);
    const written: unknown[] = [];
    for (const memory of internalsOf(net)!.params.memories)
      memory.write = async (values) => void written.push(values);
    await loadTakenWeights(net, weights);
    expect(written).toHaveLength(2);
    for (const [i, data] of dataOf(weights).entries()) expect(written[i]).toBe(data);
    await net.close();
  });
});

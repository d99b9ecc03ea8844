import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  collectWeights,
  compile,
  createImageTransform,
  readImage,
  writeWeights,
} from "../../../src/index.js";
import { cortado, folderWith } from "./support.js";

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 10 dim: 3 dim: 6 dim: 8 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4
  weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;
const TRAIN = `layer { name: "d" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 3 dim: 6 dim: 8 } } }`;

/** A picture of so many pixels, as PPM. */
const ppm = (seed: number): Buffer =>
  Buffer.concat([
    Buffer.from("P6 10 9 255\n"),
    Buffer.from(Array.from({ length: 270 }, (_, i) => (i * (seed + 7)) % 256)),
  ]);

test("classify says what the net says of the images", async () => {
  const { folder, path, remove } = await folderWith({
    ...{ "net.prototxt": NET, "train.prototxt": TRAIN, "labels.txt": "ant\nbee\ncat\ndog\n" },
  });
  try {
    const net = await compile(NET, { target: "ts", shapes: { data: [1, 3, 6, 8] } });
    await writeWeights(path("net.caffemodel"), await collectWeights(net));
    const names = Array.from({ length: 11 }, (_, i) => `${i}.ppm`);
    for (const [i, name] of names.entries()) await writeFile(path(name), ppm(i));
    const run = (...argv: readonly string[]) => cortado(["classify", ...argv], { cwd: folder });
    const given = ["net.prototxt", "net.caffemodel"];

    const options = ["--scale", "0.5", "--top", "4", "--resize", "7x9", "--rgb"];
    const made = await run(...given, ...names, ...options, "--json");
    expect([made.code, made.stderr]).toEqual([0, ""]);
    const transform = createImageTransform({
      ...{ size: { height: 6, width: 8 }, resize: { height: 7, width: 9 }, scale: 0.5, order: "RGB" },
    });
    const results = JSON.parse(made.stdout) as {
      image: string;
      classes: { index: number; score: number }[];
    }[];
    expect(results.map(({ image }) => image)).toEqual(names);
    for (const { image, classes } of results) {
      const { prob } = await net.forward({ data: transform([await readImage(join(folder, image))]).data });
      for (const { index, score } of classes) expect(score).toBeCloseTo(prob[index], 5);
    }
    await net.close();

    const text = await run(...given, "0.ppm", "--labels", "labels.txt", "--top", "1", "--oversample");
    expect(text.stdout).toMatch(/^0\.ppm\n {2}0\.\d{4} {2}(ant|bee|cat|dog)\n$/);
    for (const [argv, says] of [
      [[...given, "none.ppm"], "none.ppm"],
      [[...given, "net.prototxt"], "cannot decode"],
      [["net.prototxt", "none.caffemodel", "0.ppm"], "none.caffemodel"],
      [["train.prototxt", "net.caffemodel", "0.ppm"], "the net reads its own data"],
      [[...given, "0.ppm", "--labels", "none.txt"], "none.txt"],
      [[...given, "0.ppm", "--mean", "0.ppm"], "0.ppm"],
      [[...given, "0.ppm", "--resize", "3x3"], "have no part of 6×8"],
      [given, "classify needs a net, its weights, and images"],
    ] as const) {
      const { code, stdout, stderr } = await run(...argv);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(says)]);
    }
  } finally {
    await remove();
  }
});

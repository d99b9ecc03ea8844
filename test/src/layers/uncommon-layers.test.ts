/** Corners of the less common layer types: values, derivatives, and what is refused at run time. */
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { createMessage, encodeMessage } from "../../../proto/index.js";
import { compile } from "../../../src/net/compile.js";
import { inputLayer as input } from "../../support/input-layer.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();

/** Runs a layer "l" with bottoms a, b … and top y in float64 on `ts`. */
async function run(
  layer: string,
  bottoms: Readonly<Record<string, readonly [shape: readonly number[], values: readonly number[]]>>,
  seed?: readonly number[],
  root?: string,
) {
  const names = Object.keys(bottoms);
  const text = `force_backward: true\n${names.map((name) => input(name, ...bottoms[name][0])).join("")}layer { name: "l" ${names.map((name) => `bottom: "${name}"`).join(" ")} top: "y" ${layer} }`;
  const net = await compile(text, { phase: "TRAIN", dtype: "float64", keep: "all", target: "ts", root });
  const given = Object.fromEntries(names.map((name) => [name, Float32Array.from(bottoms[name][1])]));
  const { y } = await net.forward(given);
  const { inputs } = await net.backward(seed && { y: Float32Array.from(seed) });
  const { shape } = net.blobs["y"];
  await net.close();
  return {
    y: [...y],
    shape,
    diffs: Object.fromEntries(names.map((name) => [name, [...(inputs[name] ?? [])]])),
  };
}

const near = (values: readonly number[], digits = 5): readonly unknown[] =>
  values.map((value) => expect.closeTo(value, digits));

describe("at run time", () => {
  it.each([
    [
      `type: "BatchReindex"`,
      [2, 2],
      [0, 2],
      `positions must be from 0 to 1, for a batch of 2: element 1 is 2`,
    ],
    [`type: "HingeLoss"`, [2, 3], [3, 0], `labels must be from 0 to 2, for 3 classes: element 0 is 3`],
    [
      `type: "MultinomialLogisticLoss"`,
      [2, 3],
      [0, -1],
      `labels must be from 0 to 2, for 3 classes: element 1 is -1`,
    ],
  ])("%s says which position or label is out of range", async (layer, shape, positions, message) => {
    const size = shape[0] * shape[1];
    const ran = run(layer, { a: [shape, new Array<number>(size).fill(0.5)], b: [[2], positions] });
    await expect(ran).rejects.toThrow(message);
  });

  it("Embed too", async () => {
    const layer = `type: "Embed" embed_param { num_output: 2 input_dim: 3 }`;
    await expect(run(layer, { a: [[2], [1, 3]] })).rejects.toThrow(
      "positions must be from 0 to 2, for input_dim 3: element 1 is 3",
    );
  });
});

describe("derivatives that Caffe writes in its own way", () => {
  it("ContrastiveLoss divides by the distance and 1e-4; equal rows get nothing", async () => {
    const { y, diffs } = await run(`type: "ContrastiveLoss"`, {
      a: [
        [2, 2],
        [0.3, 0.4, 1, 1],
      ],
      b: [
        [2, 2],
        [0, 0, 1, 1],
      ],
      s: [[2], [0, 0]],
    });
    expect(y).toEqual(near([(0.5 ** 2 + 1) / 4]));
    const beta = -0.5 / (0.5 + 1e-4) / 2;
    expect(diffs["a"]).toEqual(near([0.3 * beta, 0.4 * beta, 0, 0], 6));
    expect(diffs["b"]).toEqual(near([-0.3 * beta, -0.4 * beta, 0, 0], 6));
  });

  it("MVN adds eps to the root there too; values that are equal give 0", async () => {
    const layer = `type: "MVN" mvn_param { eps: 0.5 }`;
    const x = [1, 3, -1, 5];
    const seed = [1, 0, 2, -1];
    const { y, diffs } = await run(
      layer,
      {
        a: [
          [2, 1, 4],
          [...x, 7, 7, 7, 7],
        ],
      },
      [...seed, 1, 2, 3, 4],
    );
    const scale = Math.sqrt(5) + 0.5;
    const expected = x.map((value) => (value - 2) / scale);
    expect(y).toEqual(near([...expected, 0, 0, 0, 0]));
    const meanSeed = 0.5;
    const product = expected.reduce((sum, value, i) => sum + value * seed[i], 0) / 4;
    expect(diffs["a"]).toEqual(
      near([...seed.map((dy, i) => (dy - meanSeed - expected[i] * product) / scale), -3, -1, 1, 3]),
    );
  });

  it("MultinomialLogisticLoss keeps a slope below 1e-20", async () => {
    const { y, diffs } = await run(`type: "MultinomialLogisticLoss"`, {
      a: [
        [1, 2],
        [0, 0.5],
      ],
      b: [[1], [0]],
    });
    expect(y).toEqual(near([-Math.log(1e-20)]));
    expect(diffs["a"][0] / 1e20).toBeCloseTo(-1, 5);
    expect(diffs["a"][1]).toBe(0);
  });

  it("InfogainLoss bounds a probability's log in value only, and leaves ignored labels out", async () => {
    const layer = `type: "InfogainLoss" loss_param { ignore_label: 1 }`;
    const { y, diffs } = await run(layer, {
      a: [
        [2, 2],
        [0, 100, 3, 4],
      ],
      b: [[2], [0, 1]],
      h: [
        [1, 1, 2, 2],
        [1, 0.5, 9, 9],
      ],
    });
    expect(y).toEqual(near([-Math.log(1e-20)]));
    // softmax · row sum − H[label]
    expect(diffs["a"]).toEqual(near([0 * 1.5 - 1, 1.5 - 0.5, 0, 0]));
  });
});

describe("InfogainLoss with a file", () => {
  const matrix = [1, 0.5, 0, 0, 1, 0.25, 2, 0, 1];
  const blob = (values: readonly number[]): Uint8Array =>
    encodeMessage("BlobProto", {
      shape: createMessage("BlobShape", { dim: [1, 1, 3, 3] }),
      data: Float32Array.from(values),
    });
  const bottoms = {
    a: [
      [2, 3],
      [0.1, 0.7, -0.3, 1, 2, 0],
    ],
    b: [[2], [2, 0]],
  } as const;

  it("is as with a third bottom, from the net's own folder", async () => {
    scratch.file("H.binaryproto", blob(matrix));
    const other = await run(`type: "InfogainLoss"`, { ...bottoms, h: [[3, 3], matrix] });
    const ours = await run(
      `type: "InfogainLoss" infogain_loss_param { source: "H.binaryproto" }`,
      bottoms,
      undefined,
      scratch.path,
    );
    expect(ours.y).toEqual(other.y);
    expect(ours.diffs["a"]).toEqual(other.diffs["a"]);
  });

  it("keeps the matrix for layers that run apart", async () => {
    scratch.file("H.binaryproto", blob(matrix));
    const path = scratch.file(
      "net.prototxt",
      `${input("a", 2, 3)}${input("b", 2)}layer { name: "p" type: "Parameter" top: "w" parameter_param { shape { dim: 2 dim: 3 } } }
layer { name: "e" type: "Eltwise" bottom: "a" bottom: "w" top: "s" }
layer { name: "l" type: "InfogainLoss" bottom: "s" bottom: "b" top: "y" infogain_loss_param { source: "H.binaryproto" } }`,
    );
    const net = await compile(path, { phase: "TRAIN", keep: "all" });
    const given = { a: Float32Array.from(bottoms.a[1]), b: Float32Array.from(bottoms.b[1]) };
    const whole = await net.forward(given);
    expect(await net.forward({}, { from: "l" })).toEqual(whole);
    expect(await net.forward({}, { from: "p" })).toEqual(whole);
    await net.close();
  });

  it.each([
    ["H.short", blob(matrix.slice(1)), /has 8 values, and 3×3 are needed$/],
    ["H.bad", Uint8Array.of(255, 255, 255), /^layer "l" \(InfogainLoss\): the infogain matrix ".*H\.bad"/],
    ["H.none", undefined, /^layer "l" \(InfogainLoss\): the infogain matrix "H\.none" is not there/],
  ])("%s is refused at its place", async (name, content, message) => {
    if (content) scratch.file(name, content);
    const ran = run(
      `type: "InfogainLoss" infogain_loss_param { source: "${name}" }`,
      bottoms,
      undefined,
      scratch.path,
    );
    const error: unknown = await ran.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CortadoError);
    const [{ message: said, span }] = (error as CortadoError).diagnostics;
    expect(said).toMatch(message);
    expect(span?.source.text.slice(span.start, span.end)).toBe(`"${name}"`);
  });
});

describe("Im2col", () => {
  it.each([
    ["of one axis, with dilation", [2, 2, 9], [3], [2], [2], [2]],
    ["of three axes", [1, 2, 4, 3, 5], [2, 1, 3], [1, 2, 2], [1, 0, 2], [2, 1, 1]],
    ["with windows that hold padding only", [1, 1, 2, 2], [1, 2], [2, 3], [3, 3], [1, 1]],
  ])("%s", async (_, shape, kernel, stride, pad, dilation) => {
    const spatial = shape.slice(2);
    const each = (name: string, values: readonly number[]) =>
      values.map((value) => `${name}: ${value}`).join(" ");
    const size = shape.reduce((product, extent) => product * extent, 1);
    const x = Array.from({ length: size }, (_, i) => i + 1);
    const outputs = spatial.map(
      (extent, i) => Math.floor((extent + 2 * pad[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1,
    );
    const counter = (extents: readonly number[]): number[][] =>
      extents.reduce<number[][]>(
        (all, extent) => all.flatMap((head) => Array.from({ length: extent }, (_, i) => [...head, i])),
        [[]],
      );
    const expected: number[] = [];
    const diff = new Array<number>(size).fill(0);
    for (const [n, c] of counter(shape.slice(0, 2)))
      for (const k of counter(kernel))
        for (const p of counter(outputs)) {
          const at = spatial.map((_, i) => p[i] * stride[i] - pad[i] + k[i] * dilation[i]);
          const inside = at.every((position, i) => position >= 0 && position < spatial[i]);
          const from = at.reduce((sum, position, i) => sum * spatial[i] + position, n * shape[1] + c);
          if (inside) diff[from] += expected.length + 1;
          expected.push(inside ? x[from] : 0);
        }
    const seed = expected.map((_, i) => i + 1);
    const layer = `type: "Im2col" convolution_param { ${each("kernel_size", kernel)} ${each("stride", stride)} ${each("pad", pad)} ${each("dilation", dilation)} }`;
    const { y, shape: made, diffs } = await run(layer, { a: [shape, x] }, seed);
    expect(made).toEqual([shape[0], kernel.reduce((taps, extent) => taps * extent, shape[1]), ...outputs]);
    expect(y).toEqual(expected);
    expect(diffs["a"]).toEqual(diff);
  });
});

describe("LRN", () => {
  it("reads k across channels, and not within one", async () => {
    const y = async (region: string, k: number) =>
      (
        await run(
          `type: "LRN" lrn_param { local_size: 1 alpha: 2 beta: 1 k: ${k} norm_region: ${region} }`,
          {
            a: [
              [1, 1, 1, 2],
              [1, 3],
            ],
          },
          [1, 1],
        )
      ).y;
    expect(await y("ACROSS_CHANNELS", 5)).toEqual(near([1 / 7, 3 / 23]));
    expect(await y("WITHIN_CHANNEL", 5)).toEqual(near([1 / 3, 3 / 19]));
  });
});

describe("SPP and Tile", () => {
  it("SPP of an oblong image with AVE divides by the padding it covers, up to its end", async () => {
    // Height 3 in 2 bins of 2, padded by 1 at each end; width 4 in 2 bins of 2.
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const { y } = await run(
      `type: "SPP" spp_param { pyramid_height: 2 pool: AVE }`,
      { a: [[1, 1, 3, 4], x] },
      [1, 1, 1, 1, 1],
    );
    expect(y).toEqual(near([6.5, (1 + 2) / 4, (3 + 4) / 4, (5 + 6 + 9 + 10) / 4, (7 + 8 + 11 + 12) / 4]));
  });

  it("Tile adds up the gradients of the copies", async () => {
    const { y, shape, diffs } = await run(
      `type: "Tile" tile_param { axis: -1 tiles: 2 }`,
      {
        a: [
          [2, 2],
          [1, 2, 3, 4],
        ],
      },
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    expect(shape).toEqual([2, 4]);
    expect(y).toEqual([1, 2, 1, 2, 3, 4, 3, 4]);
    expect(diffs["a"]).toEqual([4, 6, 12, 14]);
  });
});

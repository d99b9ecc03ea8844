import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../runtime/random/index.js";
import { inputDomains } from "../../src/gradcheck/input-domains.js";
import { layeredNet } from "../../src/gradcheck/make-nets.js";
import { lowerText } from "../../src/gradcheck/net-builder.js";
import { drawFrom } from "../../src/gradcheck/random-net.js";
import {
  CortadoError,
  checkGradients,
  defineLayer,
  formatGradientReport,
  type LayerRecord,
  scalar,
} from "../../src/index.js";
import { parseNet, selectLayers } from "../../src/net-text/index.js";

const NET = `
layer { name: "in" type: "Input" top: "x" top: "label" input_param { shape { dim: 3 dim: 2 dim: 6 dim: 6 } shape { dim: 3 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;

/** x³, half of whose gradient is lost. */
const product: LayerRecord = {
  type: "Wrong",
  summary: "A product whose derivative forgets a factor.",
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower: ({ builder, bottoms: [x] }) => [
    builder.map(
      scalar.mul(scalar.arg(0), scalar.mul(scalar.arg(1), scalar.arg(1))),
      [x, builder.stop(x)],
      x.shape,
    ),
  ],
};
const wrong = defineLayer(product);

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CortadoError);
  return (error as CortadoError).message;
};

describe("the bounds of the check", () => {
  const one = (layer: string): string =>
    `force_backward: true
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 } } }
    layer { name: "l" bottom: "x" top: "y" ${layer} }`;
  /** y = (1 + δ) · x, of whose derivative backward knows 1. */
  const off = (delta: number) =>
    defineLayer({
      ...product,
      type: "Off",
      lower: ({ builder, bottoms: [x] }) => [
        builder.map(
          scalar.add(scalar.arg(0), scalar.mul(scalar.constant(delta), scalar.arg(1))),
          [x, builder.stop(x)],
          x.shape,
        ),
      ],
    });

  it.each([
    [2e-6, true],
    [5e-7, false],
  ])("a derivative that is wrong by %f", async (delta, found) => {
    const { failures, worst } = await checkGradients(one('type: "Off"'), {
      layers: [off(delta)],
      inputs: { x: [0.7] },
      runs: 1,
    });
    expect(failures.length > 0).toBe(found);
    const error = found ? failures[0].error : worst;
    expect(error / delta).toBeCloseTo(1, 3);
  });

  it.each([
    ["within the first step of 0, where a smaller one tells", 1, 5e-6, 0],
    ["within the smallest", 1, 1e-9, 2],
    ["within it, of a bend that is seen", 3e-6, 1e-9, 2],
    ["within it, of a bend that is no more than the bound", 3e-7, 1e-9, 0],
  ])("a kink %s", async (_, bend, x, kinks) => {
    const report = await checkGradients(one(`type: "ReLU" relu_param { negative_slope: ${1 - bend} }`), {
      inputs: { x: [x] },
      runs: 1,
    });
    expect(report).toMatchObject({ failures: [], kinks, checked: 2 - kinks });
  });
});

describe("checkGradients of a net", () => {
  it("compares everything, each parameter and each input", async () => {
    const report = await checkGradients(NET.replace("layer", "force_backward: true layer"), { runs: 5 });
    expect(report.failures).toEqual([]);
    expect(report.parts.map(({ name }) => name)).toEqual([
      "everything",
      "conv[0]",
      "conv[1]",
      "ip[0]",
      "ip[1]",
      "x",
    ]);
    expect(report.checked + report.kinks).toBe(30);
    expect(report.checked).toBeGreaterThanOrEqual(25);
    expect(report.worst).toBeLessThan(1e-6);
    expect(formatGradientReport(report)).toMatch(
      /^\d+ directions compared, worst relative error \S+, \d+ at a kink/,
    );
  });

  it("takes inputs, one layer, and other shapes", async () => {
    const x = Float32Array.from({ length: 2 * 72 }, (_, i) => Math.sin(i));
    const { parts, failures } = await checkGradients(NET, {
      inputs: { x, label: [4, 0] },
      shapes: { x: [2, 2, 6, 6], label: [2] },
      layer: "ip",
      runs: 2,
    });
    expect(failures).toEqual([]);
    expect(parts.map(({ name }) => name)).toEqual(["everything", "ip[0]", "ip[1]"]);
  });

  it("leaves out what propagate_down holds back, and what is frozen", async () => {
    const cut = NET.replace('bottom: "pool" top: "ip"', 'bottom: "pool" top: "ip" propagate_down: false');
    expect((await checkGradients(cut)).parts.map(({ name }) => name)).toEqual([
      "everything",
      "ip[0]",
      "ip[1]",
    ]);
    const frozen = NET.replace('top: "conv"', 'top: "conv" param { lr_mult: 0 }');
    const { parts, failures } = await checkGradients(frozen);
    expect([parts.map(({ name }) => name), failures]).toEqual([
      ["everything", "conv[1]", "ip[0]", "ip[1]"],
      [],
    ]);
  });

  it("finds a wrong layer inside a net, and shows it alone", async () => {
    const net = NET.replace('name: "relu" type: "ReLU"', 'name: "wrong" type: "Wrong"');
    const { failures } = await checkGradients(net, { layers: [wrong], runs: 1 });
    expect(failures.map(({ along }) => along)).toContain("conv[0]");
    const [{ prototxt, seed }] = failures;
    expect(prototxt).toContain('type: "Wrong"');
    expect(prototxt).not.toContain("Convolution");
    const again = await checkGradients(prototxt, { layers: [wrong], seed, runs: 1 });
    expect(again.failures[0]).toMatchObject({ along: "everything", seed });
  });

  it("refuses what cannot be checked", async () => {
    expect(
      await refusal(
        checkGradients('layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }'),
      ),
    ).toContain("there is nothing to differentiate by");
    expect(await refusal(checkGradients(NET, { layer: "nobody" }))).toContain(
      'The net has no layer "nobody"',
    );
    expect(await refusal(checkGradients(NET, { layer: "relu" }))).toContain("has no parameter");
    expect(await refusal(checkGradients(NET, { runs: 0 }))).toContain("option runs is 0");
    expect(await refusal(checkGradients(NET, { seed: -1 }))).toContain("option seed is -1");
    expect(await refusal(checkGradients(NET, { inputs: { y: [1] } }))).toContain('no input "y"');
    expect(await refusal(checkGradients(NET, { inputs: { label: [1, 2, 9] } }))).toContain("label");
    expect(await refusal(checkGradients("no/such/net.prototxt"))).toContain("no such file");
  });
});

describe("checkGradients of a layer type", () => {
  it("needs a gradient", async () => {
    const flat = defineLayer({ ...product, type: "Flat", domain: { differentiable: [] } });
    expect(await refusal(checkGradients(flat))).toContain("layer type Flat has no gradient to check");
  });

  it("says where a type is nowhere smooth", async () => {
    const kink = defineLayer({
      ...product,
      type: "Kink",
      lower: ({ builder, bottoms: [x] }) => [builder.map(scalar.unary("relu", scalar.arg(0)), [x])],
      domain: { shapes: () => [[3]], values: () => [{ kind: "real", min: 0, max: 0 }] },
    });
    expect(await refusal(checkGradients(kink, { runs: 10 }))).toContain("not smooth");
  });

  it("repeats with its seed", async () => {
    const [a, b] = [await checkGradients(wrong, { seed: 7 }), await checkGradients(wrong, { seed: 7 })];
    expect(a).toEqual(b);
    expect(formatGradientReport(a)).toMatch(
      /^1 wrong of \d+ directions[\s\S]*seed \d+\n[\s\S]*type: "Wrong"/,
    );
  });
});

it("the inputs of a random net follow from its text alone", () => {
  const stream = randomStream(3, 0);
  for (let i = 0; i < 100; i++) {
    const choices = Array.from({ length: 90 }, () => Math.floor(stream.uniform() * 999_999_937));
    const { text, inputs } = layeredNet(drawFrom(choices));
    const definition = selectLayers(parseNet(text), { phase: "TRAIN" });
    const plain = (list: typeof inputs) =>
      list.map(({ blob, values, shape, differentiable }) => ({ blob, values, shape, differentiable }));
    expect(plain(inputDomains(lowerText(text), definition))).toEqual(plain(inputs));
  }
});

it("random nets have every structure", () => {
  const stream = randomStream(4, 0);
  const seen = {
    shared: 0,
    inPlace: 0,
    frozen: 0,
    cut: 0,
    forced: 0,
    losses: 0,
    weights: 0,
    joins: 0,
    branches: 0,
  };
  for (let i = 0; i < 300; i++) {
    const choices = Array.from({ length: 90 }, () => Math.floor(stream.uniform() * 999_999_937));
    const { net } = parseNet(layeredNet(drawFrom(choices)).text);
    const layers = net.layer.filter(({ type }) => type !== "Input");
    const bottoms = layers.flatMap(({ bottom }) => bottom);
    const count = (name: keyof typeof seen, holds: boolean): void => {
      if (holds) seen[name]++;
    };
    count(
      "shared",
      layers.some(({ param }) => param.some(({ name }) => name !== "")),
    );
    count(
      "inPlace",
      layers.some(({ bottom, top }) => bottom.includes(top[0])),
    );
    count(
      "frozen",
      layers.some(({ param }) => param.some(({ lr_mult }) => lr_mult === 0)),
    );
    count(
      "cut",
      layers.some(({ propagate_down }) => propagate_down.includes(false)),
    );
    count("forced", net.force_backward);
    count("losses", layers.filter(({ type }) => type.endsWith("Loss")).length > 1);
    count(
      "weights",
      layers.some(({ loss_weight }) => loss_weight.length > 0 && loss_weight[0] !== 1),
    );
    count(
      "joins",
      layers.some(({ bottom }) => bottom.length > 1),
    );
    count("branches", new Set(bottoms).size < bottoms.length);
  }
  for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(5);
});

it("fast-check is loaded only when random nets are made", () => {
  const root = new URL("../../", import.meta.url);
  const naming = ["src", "runtime", "codegen"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => `${folder}/${file}`)
      .filter((file) => readFileSync(new URL(file, root), "utf8").includes('"fast-check"')),
  );
  expect(naming).toEqual(["src/gradcheck/arbitrary.ts"]);
  const source = readFileSync(new URL(naming[0], root), "utf8");
  expect(source.match(/^import .*"fast-check";$/gm)).toEqual([expect.stringMatching(/^import type /)]);
});

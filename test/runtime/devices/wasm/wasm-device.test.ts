/** Nets on device wasm: on one thread and on several, one after the other and side by side, to their end. */
import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { compile, parseSolver } from "../../../../src/index.js";
import { compileTraining } from "../../../../src/net/compile.js";

const NET = `
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 3 dim: 17 dim: 15 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 3 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 10 kernel_size: 3 pad: 1
  weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" }
layer { name: "relu" type: "ReLU" bottom: "norm" top: "relu" }
layer { name: "lrn" type: "LRN" bottom: "relu" top: "lrn" }
layer { name: "pool" type: "Pooling" bottom: "lrn" top: "pool" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "drop" }
layer { name: "one" type: "Convolution" bottom: "drop" top: "one" convolution_param { num_output: 9 kernel_size: 1
  weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "one" top: "ip" inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;
const data = Float32Array.from({ length: 3 * 3 * 17 * 15 }, (_, i) => Math.sin(0.7 * i) + 0.01 * (i % 13));
const label = Float32Array.of(1, 6, 0);
const SOLVER = parseSolver('base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" random_seed: 3').solver;

const open = (threads?: number) => compile(NET, { phase: "TRAIN", target: "wasm", seed: 3, threads });
type Net = Awaited<ReturnType<typeof open>>;

async function bitsOf(net: Net): Promise<string> {
  const hash = createHash("sha256");
  const outputs = await net.forward({ data, label });
  const { inputs, params } = await net.backward();
  for (const values of [...Object.values(outputs), ...Object.values(inputs), ...Object.values(params).flat()])
    hash.update(values);
  return hash.digest("hex");
}

describe("bits", () => {
  it("are the same on one thread and on two, three and four", async () => {
    const bits: string[] = [];
    for (const threads of [1, 2, 3, 4]) {
      const net = await open(threads);
      bits.push(await bitsOf(net));
      await net.close();
    }
    expect(new Set(bits).size).toBe(1);
  });

  it("of training are the same on one thread and on three", async () => {
    const runs: Float32Array[][] = [];
    for (const threads of [1, 3]) {
      const net = await compileTraining(NET, SOLVER, { target: "wasm", seed: 3, threads });
      for (let i = 0; i < 3; i++) await net.step({ rate: 0.1 }, { data, label });
      runs.push(await Promise.all(Object.values(net.params).flatMap((all) => all.map((one) => one.read()))));
      await net.close();
    }
    expect(runs[0]).toEqual(runs[1]);
  });

  it("are a net's own, while others run and have come and gone", async () => {
    const alone = await open();
    const want = await bitsOf(alone);
    const [one, other] = [await open(), await open(2)];
    await alone.close();
    expect(await Promise.all([one, other].map(bitsOf))).toEqual([want, want]);
    await one.close();
    const last = await open();
    expect(await bitsOf(last)).toBe(want);
    await Promise.all([other.close(), last.close()]);
  });
});

describe("a net that is closed", () => {
  it("ends its threads, and refuses calls in words", async () => {
    const net = await open(2);
    await net.forward({ data, label });
    const running = net.forward();
    await net.close();
    await running;
    await expect(net.forward({ data, label })).rejects.toThrow("This net has been closed");
    await net.close();
  });

  it("gives its memory back: thirty nets take what a few do", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const [count, shape] = [2 ** 21, "dim: 2 dim: 1048576"];
    const large = `layer { name: "data" type: "Input" top: "data" input_param { shape { ${shape} } } }
      layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" }`;
    const ones = new Float32Array(count).fill(1);
    const used: number[] = [];
    for (let i = 0; i < 30; i++) {
      const net = await compile(large, { target: "wasm", threads: 1 });
      const { relu } = await net.forward({ data: ones });
      expect(relu[count - 1]).toBe(1);
      await net.close();
      if (i < 5 || i === 29) collect();
      used.push(process.memoryUsage.rss());
    }
    // Kept, they would take 16 MiB each.
    expect(used[29] - used[4]).toBeLessThan(100 * 2 ** 20);
  });
});

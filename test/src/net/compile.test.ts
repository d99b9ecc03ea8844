/** The public API: what a user may do with a compiled net, and what happens when it is done wrong. */
import { describe, expect, it } from "vitest";
import { type CompiledNet, CortadoError, compile, formatPlan } from "../../../src/index.js";

const NET = `
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 1 dim: 8 dim: 8 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;
const data = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * 0.7));
const label = Float32Array.of(2, 0);

async function withNet<T>(
  options: Parameters<typeof compile>[1],
  use: (net: CompiledNet) => Promise<T>,
): Promise<T> {
  const net = await compile(NET, options);
  try {
    return await use(net);
  } finally {
    await net.close();
  }
}

/** The text of the CortadoError that something ends in. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CortadoError);
  return (error as CortadoError).message;
}

describe("a compiled net", () => {
  it("describes itself as pycaffe does", () =>
    withNet({}, async (net) => {
      expect(net.inputs).toEqual(["data", "label"]);
      expect(net.outputs).toEqual(["loss"]);
      expect({ ...net.lossWeights }).toEqual({ loss: 1 });
      expect(net.blobs["pool"].shape).toEqual([2, 4, 3, 3]);
      expect(net.layers.map(({ name }) => name)).toEqual([
        "data",
        "label",
        "conv",
        "relu",
        "pool",
        "drop",
        "ip",
        "loss",
      ]);
      expect(net.params["ip"].map(({ shape }) => shape)).toEqual([[3, 36], [3]]);
      expect(net.target.name).toBe("ts");
      expect(String(net.plan)).toBe(formatPlan(net.plan));
      expect(net.source).toContain("export const kernels");
    }));

  it("gives the same bits on one thread and on several", async () => {
    const run = (threads: number) =>
      withNet({ phase: "TRAIN", threads, keep: "all" }, async ({ forward, backward, read, readDiff }) => {
        const results: Float32Array[] = [];
        for (let i = 0; i < 3; i++) {
          const { loss } = await forward({ data, label });
          const { params } = await backward();
          results.push(loss, await read("pool"), await readDiff("conv"), ...params["conv"], ...params["ip"]);
        }
        return results;
      });
    const one = await run(1);
    expect(await run(2)).toEqual(one);
    expect(await run(5)).toEqual(one);
  });

  it("runs backward again after one forward, from other diffs, and forward again on the same inputs", () =>
    withNet({ phase: "TRAIN" }, async ({ forward, backward }) => {
      await forward({ data, label });
      const first = await backward();
      expect(await backward()).toEqual(first);
      const doubled = await backward({ loss: Float32Array.of(2) });
      expect(doubled.params["ip"][1]).toEqual(first.params["ip"][1].map((x) => 2 * x));
      // A diff on ip adds to what the loss gives: losses that are not named keep their weight.
      const added = await backward({ ip: new Float32Array(6).fill(1) });
      expect(added.params["ip"][1]).toEqual(first.params["ip"][1].map((x) => Math.fround(x + 2)));
      expect(await backward()).toEqual(first);
      const again = await forward();
      expect(again["loss"]).toHaveLength(1);
    }));

  it("draws dropout anew for each forward in TRAIN and not at all in TEST", async () => {
    const losses = (phase: "TRAIN" | "TEST") =>
      withNet({ phase }, async ({ forward }) => [
        (await forward({ data, label }))["loss"][0],
        (await forward({ data, label }))["loss"][0],
      ]);
    const [a, b] = await losses("TRAIN");
    expect(a).not.toBe(b);
    const [c, d] = await losses("TEST");
    expect(c).toBe(d);
  });

  it("serves calls in the order they were made", () =>
    withNet({}, async ({ forward }) => {
      const other = data.map((x) => -x);
      const [first, second, third] = await Promise.all([
        forward({ data, label }),
        forward({ data: other, label }),
        forward({ data, label }),
      ]);
      expect(third).toEqual(first);
      expect(second).not.toEqual(first);
    }));

  it("shares parameters with another batch size", () =>
    withNet({ phase: "TRAIN" }, async (train) => {
      const test = await compile(NET, { share: train, shapes: { data: [4, 1, 8, 8], label: [4] } });
      await train.params["ip"][1].write(Float32Array.of(1, 2, 3));
      expect(await test.params["ip"][1].read()).toEqual(Float32Array.of(1, 2, 3));
      expect(test.blobs["ip"].shape).toEqual([4, 3]);
      await test.close();
    }));

  it("gives the gradients of inputs where forceBackward asks for them, and else warns once", async () => {
    const told: string[] = [];
    const listen = ({ name, message }: Error): void => void (name === "CortadoWarning" && told.push(message));
    process.on("warning", listen);
    const diffs = { ip: new Float32Array(6).fill(1) };
    const forced = await withNet({ forceBackward: true }, async ({ forward, backward }) => {
      await forward({ data, label });
      return (await backward(diffs)).inputs;
    });
    expect(Object.keys(forced)).toEqual(["data"]);
    expect(forced["data"].some((value) => value !== 0)).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    await withNet({}, async ({ forward, backward }) => {
      await forward({ data, label });
      for (let i = 0; i < 2; i++) expect({ ...(await backward(diffs)).inputs }).toEqual({});
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listen);
    expect(told).toEqual(["backward gives no gradients of inputs: nothing that they come through learns"]);
  });

  it("runs a range of layers from the whole net's blobs", () =>
    withNet({ keep: "all" }, async (net) => {
      const { loss } = await net.forward({ data, label });
      const pool = await net.read("pool");
      const part = await net.forward({}, { from: "ip" });
      expect(part["loss"]).toEqual(loss);
      const ip = await net.read("ip");
      const changed = await net.forward({ pool: pool.map((x) => x + 1) }, { from: "ip", to: "ip" });
      expect(changed["ip"]).not.toEqual(ip);
      expect(await net.read("ip")).toEqual(changed["ip"]);
      const { inputs } = await net.backward({ ip: new Float32Array(6).fill(1) }, { from: "ip", to: "ip" });
      expect(inputs["pool"]).toHaveLength(72);
    }));

  it("takes a path, and starts relative paths at its folder", async () => {
    const path = new URL("../../../examples/logistic-regression/net.prototxt", import.meta.url).pathname;
    const net = await compile(path);
    expect(net.inputs).toEqual(["data", "label"]);
    await net.close();
  });
});

describe("mistakes are reported, all at once", () => {
  it("of a range", () =>
    withNet({}, async ({ forward }) => {
      const text = await refusal(forward({ data, label }, { form: "conv" } as object));
      expect(text).toContain('a range of layers has no field "form"');
      expect(text).toContain('did you mean "from"?');
      const names = await refusal(forward({ data, label }, { from: "dat", to: "ipp" }));
      expect(names).toContain('did you mean "data"?');
      expect(names).toContain('did you mean "ip"?');
    }));

  it("of inputs", () =>
    withNet({}, async ({ forward, backward, read }) => {
      const text = await refusal(forward({ dat: data, label: new Float32Array(3) }));
      expect(text).toContain('no input "dat"');
      expect(text).toContain('did you mean "data"?');
      expect(text).toContain('"label" has shape 2, 2 numbers; 3 were given');
      expect(text).toContain('Input "data", of shape 2×1×8×8, was not given');
      expect(await refusal(backward())).toContain("needs a forward before it");
      await forward({ data, label });
      expect(await refusal(backward({ ipp: data }))).toContain('did you mean "ip"?');
      expect(await refusal(read("pool"))).toContain('keep: ["pool"]');
    }));

  it("of labels outside the classes, at run time", () =>
    withNet({}, async ({ forward }) => {
      const text = await refusal(forward({ data, label: Float32Array.of(0, 7) }));
      expect(text).toContain("labels must be from 0 to 2");
      expect(text).toContain("element 1 is 7");
    }));

  it("of options", async () => {
    const options = { phase: "train", thread: 2, threads: 0, keep: "some" } as never;
    const text = await refusal(compile(NET, options));
    expect(text).toContain('option phase is "train"');
    expect(text).toContain('no option "thread"');
    expect(text).toContain("option threads is 0");
    expect(text).toContain('option keep is "some"');
    expect(await refusal(compile(NET, { keep: ["pol"] }))).toContain('did you mean "pool"?');
    expect(await refusal(compile(NET, { target: "natve" as "ts" }))).toContain(
      'option target is "natve"; it may be "auto", "ts", "wasm", "native" or "cuda"',
    );
    expect(await refusal(compile("no/such.prototxt"))).toContain("there is no such file");
  });

  it("of the text and of the layers together, with the filler's place", async () => {
    const broken = NET.replace("kernel_size: 3", "kernel_sise: 3")
      .replace(
        'num_output: 3 weight_filler { type: "xavier"',
        'num_output: 3 axis: 9 weight_filler { type: "savier"',
      )
      .replace('bottom: "ip" bottom: "label"', 'bottom: "ipp" bottom: "label"');
    const text = await refusal(compile(broken));
    expect(text).toContain('unknown field "kernel_sise"');
    expect(text).toContain('unknown filler type "savier"');
    expect(text).toContain('bottom "ipp" is made by no layer');
  });

  it("of weights that fit no layer", async () => {
    const blob = { shape: [1], data: new Float32Array(1) };
    const weights = { layers: [{ name: "convv", type: "Convolution", blobs: [blob] }] };
    const text = await refusal(compile(NET, { weights }));
    expect(text).toContain("no layer of the net has weights");
    expect(text).toContain('"convv"');
  });

  it("after close", async () => {
    const net = await compile(NET);
    await net.close();
    await net.close();
    expect(await refusal(net.forward({ data, label }))).toContain("closed");
  });
});

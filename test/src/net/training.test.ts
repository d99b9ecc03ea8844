/** A net with a solver's rule in its backward pass. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, parseSolver } from "../../../src/index.js";
import { compileTraining } from "../../../src/net/compile.js";

const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 6 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;
const data = Float32Array.from({ length: 24 }, (_, i) => Math.cos(i * 1.3));
const label = Float32Array.of(0, 1, 2, 1);
const solverOf = (more = "") =>
  parseSolver(`base_lr: 0.1 momentum: 0.9 weight_decay: 0.01 lr_policy: "fixed" ${more}`).solver;

/** Threads of this process: kernel workers among them. */
const threads = (): number => readdirSync("/proc/self/task").length;

describe("a training net", () => {
  it("moves weights and history by Caffe's rule", async () => {
    const net = await compileTraining(NET, solverOf());
    const [w, b] = net.params["ip"];
    const before = { w: await w.read(), b: await b.read() };
    await net.forward({ data, label });
    const { params } = await net.backward();
    const { loss, outputs } = await net.step({ rate: 0.1 }, { data, label });
    expect(loss).toBe(outputs["loss"][0]);
    const velocity = params["ip"][0].map((g, i) => Math.fround(0.1 * (g + 0.01 * before.w[i])));
    const moved = await w.read();
    for (const [i, v] of velocity.entries()) expect(moved[i]).toBeCloseTo(before.w[i] - v, 6);
    const slot = await net.history[0].read();
    for (const [i, v] of velocity.entries()) expect(slot[i]).toBeCloseTo(v, 6);
    await net.close();
  });

  it("tells the loss by its weight", async () => {
    const net = await compileTraining(
      NET.replace('top: "loss"', 'top: "loss" loss_weight: 0.25'),
      solverOf(),
    );
    const { loss, outputs } = await net.step({ rate: 0.1 }, { data, label });
    expect(loss).toBeCloseTo(outputs["loss"][0] / 4, 6);
    await net.close();
  });

  it("takes the mean of iter_size batches", async () => {
    const one = await compileTraining(NET, solverOf());
    const two = await compileTraining(NET, solverOf("iter_size: 2"));
    // The same batch twice is the same mean.
    for (let i = 0; i < 3; i++) {
      const [{ loss }, { loss: mean }] = [
        await one.step({ rate: 0.1 }, { data, label }),
        await two.step({ rate: 0.1 }, { data, label }),
      ];
      expect(mean).toBeCloseTo(loss, 5);
    }
    const [a, b] = [await one.params["ip"][0].read(), await two.params["ip"][0].read()];
    for (const [i, x] of a.entries()) expect(b[i]).toBeCloseTo(x, 6);
    await one.close();
    await two.close();
  });

  it("leaves what its last batch computed, as Caffe's blobs do, and what the update took", async () => {
    const other = data.map((x) => -x);
    const net = await compileTraining(NET, solverOf("iter_size: 2"), { keep: ["ip"], keepDiffs: ["ip"] });
    const plain = await compileTraining(NET, solverOf());
    const [w, b] = net.params["ip"];
    const before = await w.read();
    for (const [i, value] of before.entries()) expect(value).toBe((await plain.params["ip"][0].read())[i]);
    const wanted: Record<string, Float32Array>[] = [];
    for (const batch of [data, other]) {
      await plain.forward({ data: batch, label });
      await plain.backward();
      wanted.push({ loss: await plain.read("loss"), w: await plain.params["ip"][0].readDiff() });
    }
    const { loss } = await net.step({ rate: 0.1 }, { data: other, label });
    // Both batches were the same one here: the mean is that of each.
    expect(loss).toBeCloseTo(wanted[1]["loss"][0], 6);
    expect(await net.read("loss")).toEqual(wanted[1]["loss"]);
    expect(await net.read("data")).toEqual(other);
    expect(await net.readDiff("ip")).toHaveLength(12);
    const taken = await w.readDiff();
    const after = await w.read();
    for (const [i, step] of taken.entries()) {
      expect(step).toBeCloseTo(0.1 * (wanted[1]["w"][i] + 0.01 * before[i]), 6);
      expect(after[i]).toBeCloseTo(before[i] - step, 6);
    }
    expect(await b.readDiff()).toHaveLength(3);
    await expect(net.backward()).rejects.toThrow("what ran last was a step, with a backward of its own");
    // The batch that a step was given is the one that is held.
    expect((await net.forward())["loss"]).not.toEqual(wanted[0]["loss"]);
    await plain.step({ rate: 0.1 }, { data, label });
    await expect(plain.params["ip"][0].readDiff()).rejects.toThrow('compile with keepDiffs: ["ip"]');
    await expect(plain.readDiff("ip")).rejects.toThrow('compile with keep: ["ip"]');
    for (const { close } of [net, plain]) await close();
  });

  it("refuses a backward whose parameters have changed since its forward", async () => {
    const net = await compileTraining(NET, solverOf());
    const test = await compile(NET, { share: net, phase: "TRAIN" });
    await test.forward({ data, label });
    await net.step({ rate: 0.1 }, { data, label });
    await expect(test.backward()).rejects.toThrow("parameters have changed since the last one");
    await test.forward();
    await test.backward();
    await test.params["ip"][0].write(new Float32Array(18));
    await expect(test.backward()).rejects.toThrow("parameters have changed since the last one");
    for (const { close } of [test, net]) await close();
  });

  it.runIf(process.platform === "linux")("frees its kernel threads", async () => {
    const before = threads();
    const net = await compileTraining(NET, solverOf("iter_size: 2"), { threads: 3 });
    await net.step({ rate: 0.1 }, { data, label });
    expect(threads()).toBeGreaterThanOrEqual(before + 6);
    await net.close();
    expect(threads()).toBeLessThanOrEqual(before + 2);
  });
});

/** A net with a solver's rule in its backward pass. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseSolver } from "../../../src/index.js";
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

  it.runIf(process.platform === "linux")("frees its kernel threads", async () => {
    const before = threads();
    const net = await compileTraining(NET, solverOf("iter_size: 2"), { threads: 3 });
    await net.step({ rate: 0.1 }, { data, label });
    expect(threads()).toBeGreaterThanOrEqual(before + 6);
    await net.close();
    expect(threads()).toBeLessThanOrEqual(before + 2);
  });
});

/** What forward itself updates: once by each forward, whatever program serves the backward after it. */
import { describe, expect, it } from "vitest";
import { compile, createSolver } from "../../../src/index.js";

const data = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i * 1.9) + 0.1 * i);
const NORM = `force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }
`;
const RECURRENT = `
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 dim: 2 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "l" type: "LSTM" bottom: "x" bottom: "cont" top: "y"
  recurrent_param { num_output: 2 weight_filler { type: "uniform" min: -1 max: 1 } } }
`;

describe("backward from the caller's diffs", () => {
  it("updates BatchNorm's statistics no second time", async () => {
    const net = await compile(NORM, { phase: "TRAIN" });
    const statistics = () => Promise.all(net.params["bn"].map((param) => param.read()));
    await net.forward({ x: data });
    const after = await statistics();
    expect(after[2]).toEqual(Float32Array.of(1));
    await net.backward({ y: data });
    expect(await statistics()).toEqual(after);
    await net.forward({ x: data });
    expect((await statistics())[2][0]).toBeCloseTo(1.999, 5);
    await net.close();
  });

  it("leaves a recurrent layer where its forward ended", async () => {
    const [one, other] = await Promise.all([0, 1].map(() => compile(RECURRENT, { phase: "TRAIN", seed: 5 })));
    const given = { x: data, cont: new Float32Array(6).fill(1) };
    await one.forward(given);
    await other.forward(given);
    await other.backward({ y: data });
    // Another program may round otherwise what it fuses.
    const near = (found: Float32Array, wanted: Float32Array): void => {
      for (const [i, value] of wanted.entries()) expect(found[i]).toBeCloseTo(value, 6);
    };
    near(await other.read("y"), await one.read("y"));
    near((await other.forward(given))["y"], (await one.forward(given))["y"]);
    await one.close();
    await other.close();
  });
});

it("a solver has no history for what a layer carries", async () => {
  const target = 'layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 3 dim: 2 dim: 2 } } }';
  const loss = 'layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }';
  const inputs = { x: data, cont: new Float32Array(6).fill(1), t: data };
  const text = `net_param { ${target} ${RECURRENT} ${loss} } base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" max_iter: 3`;
  for (const more of ["", " iter_size: 2"]) {
    const solver = await createSolver(text + more, { inputs });
    expect(solver.net.history.map(({ shape }) => shape)).toEqual([[8, 2], [8], [8, 2]]);
    await solver.solve();
    for (const slot of solver.net.history) expect((await slot.read()).some((x) => x !== 0)).toBe(true);
    await solver.close();
  }
});

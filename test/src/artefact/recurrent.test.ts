/** A recurrent net, built: what it carries from one forward to the next lives in the loaded net. */
import { afterAll, expect, it } from "vitest";
import { compile, parseSolver } from "../../../src/index.js";
import { compileTraining } from "../../../src/net/compile.js";
import { bits, build, inNode, removeFolders, standIn } from "./support.js";

afterAll(removeFolders);

const NET = `
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 dim: 2 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "l" type: "LSTM" bottom: "x" bottom: "cont" top: "y"
  recurrent_param { num_output: 2 weight_filler { type: "uniform" min: -1 max: 1 } } }
`;
const LOSS = `${NET}
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 3 dim: 2 dim: 2 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
`;
const SOLVER = 'base_lr: 0.1 momentum: 0.9 lr_policy: "fixed"';
const given = (step: number) => ({ x: standIn(12, step), cont: new Float32Array(6).fill(1) });
const GIVEN = "const given = (step) => ({ x: standIn(12, step), cont: new Float32Array(6).fill(1) });";

const TARGETS = ["ts", "wasm"] as const;

it.each(TARGETS)(
  "%s goes on as the compiled net does, to the bit; another loaded net begins anew",
  async (target) => {
    const net = await compile(NET, { seed: 3, target });
    const outputs: (readonly number[])[] = [];
    for (let step = 0; step < 3; step++) outputs.push(bits((await net.forward(given(step)))["y"]));
    await net.close();
    const folder = await build(NET, { seed: 3, target });
    const [again, fresh] = (await inNode(
      folder,
      `${GIVEN}
     const net = await load();
     const outputs = [];
     for (let step = 0; step < 3; step++) outputs.push(bits((await net.forward(given(step))).y));
     return [outputs, bits((await (await load()).forward(given(0))).y)];`,
    )) as [unknown, unknown];
    expect(again).toEqual(outputs);
    expect(fresh).toEqual(outputs[0]);
  },
);

it.each(TARGETS)(
  "%s trains as the compiled net does, with history for its parameters only",
  async (target) => {
    const net = await compileTraining(LOSS, parseSolver(SOLVER).solver, { seed: 3, target });
    const losses: number[] = [];
    for (let step = 0; step < 3; step++)
      losses.push((await net.step({ rate: 0.1 }, { ...given(step), t: standIn(12, 7) })).loss);
    const history = await Promise.all(net.history.map(async (slot) => bits(await slot.read())));
    await net.close();
    const folder = await build(LOSS, { train: true, solver: SOLVER, seed: 3, target });
    const built = await inNode(
      folder,
      `${GIVEN}
     const net = await load();
     const losses = [];
     for (let step = 0; step < 3; step++)
       losses.push((await net.step({ ...given(step), t: standIn(12, 7) })).loss);
     return { losses, history: await Promise.all(net.history.map(async (slot) => bits(await slot.read()))) };`,
    );
    expect(built).toEqual({ losses, history });
    expect(history).toHaveLength(3);
  },
);

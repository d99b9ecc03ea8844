/** Nets built with a solver's update: each rule, several batches a step, states of layers, dropout. */
import { afterAll, describe, expect, it } from "vitest";
import { createMessage } from "../../../proto/index.js";
import { learningRate } from "../../../runtime/solver/policy.js";
import { parseSolver } from "../../../src/index.js";
import { compileTraining } from "../../../src/net/compile.js";
import { ruleScalars, SOLVER_TYPES } from "../../../src/solvers/index.js";
import { addonForTests, buildDouble, doubleSettings } from "../../support/native.js";
import { buildEmulated } from "./cuda-support.js";
import { bits, build, inNode, removeFolders, standIn } from "./support.js";

const loaded = await addonForTests();
afterAll(removeFolders);

const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 dim: 4 dim: 4 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }
layer { name: "relu" type: "ReLU" bottom: "bn" top: "bn" }
layer { name: "drop" type: "Dropout" bottom: "bn" top: "bn" }
layer { name: "ip" type: "InnerProduct" bottom: "bn" top: "ip" param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" loss_weight: 0.5 }
`;
const ELEMENTS = 4 * 3 * 4 * 4;
const STEPS = 5;
const labels = (step: number): Float32Array => Float32Array.of(0, 1, 2, step % 3);

/** Rates of policies whose step counts change on the way. */
const POLICY = 'base_lr: 0.1 lr_policy: "multistep" gamma: 0.5 stepvalue: 1 stepvalue: 3';
const SOLVERS: Readonly<Record<(typeof SOLVER_TYPES)[number], string>> = {
  SGD: `${POLICY} momentum: 0.9 weight_decay: 0.01 clip_gradients: 0.5`,
  Nesterov: `${POLICY} momentum: 0.9 weight_decay: 0.01 regularization_type: "L1"`,
  AdaGrad: 'base_lr: 0.1 lr_policy: "inv" gamma: 0.1 power: 0.75',
  RMSProp: 'base_lr: 0.01 lr_policy: "poly" power: 2 max_iter: 10 rms_decay: 0.9',
  AdaDelta: 'base_lr: 1 lr_policy: "fixed" momentum: 0.95 delta: 1e-6',
  Adam: 'base_lr: 0.01 lr_policy: "sigmoid" gamma: 0.5 stepsize: 2 momentum: 0.9 momentum2: 0.999',
};

/** What a compiled net gives, as the scenario does. */
async function compiled(solverText: string, target?: "emulator" | "wasm"): Promise<unknown> {
  const { solver } = parseSolver(solverText);
  const net = await compileTraining(NET, solver, { seed: 3, target });
  const losses: number[] = [];
  for (let step = 0, currentStep = 0; step < STEPS; step++) {
    const { rate, ...rest } = learningRate(solver, step, currentStep);
    currentStep = rest.currentStep;
    const scalars = { rate, ...ruleScalars(solver, step) };
    losses.push((await net.step(scalars, { data: standIn(ELEMENTS, step), label: labels(step) })).loss);
  }
  const read = async (params: readonly { read(): Promise<Float32Array> }[]) =>
    Promise.all(params.map(async (param) => bits(await param.read())));
  const result = {
    losses,
    params: await read(Object.values(net.params).flat()),
    history: await read(net.history),
  };
  await net.close();
  return result;
}

const SCENARIO = `
  const net = await load();
  const losses = [];
  for (let step = 0; step < ${STEPS}; step++) {
    const inputs = { data: standIn(${ELEMENTS}, step), label: Float32Array.of(0, 1, 2, step % 3) };
    losses.push((await net.step(inputs)).loss);
  }
  const read = (params) => Promise.all(params.map(async (param) => bits(await param.read())));
  return { losses, params: await read(Object.values(net.params).flat()), history: await read(net.history) };
`;

describe("a net built with its update", () => {
  it.each(SOLVER_TYPES)("%s moves as the compiled net does, to the bit", async (type) => {
    const solver = `type: "${type}" ${SOLVERS[type]}`;
    const folder = await build(NET, { train: true, solver, seed: 3 });
    expect(await inNode(folder, SCENARIO)).toEqual(await compiled(solver));
  });

  it("adds up the gradients of iter_size batches", async () => {
    const solver = `${SOLVERS.SGD} iter_size: 2`;
    const folder = await build(NET, { train: true, solver, seed: 3 });
    expect(await inNode(folder, SCENARIO)).toEqual(await compiled(solver));
    const several = await inNode(
      folder,
      `const net = await load();
       const batch = (i) => ({ data: standIn(${ELEMENTS}, i), label: Float32Array.of(0, 1, 2, 0) });
       const { loss } = await net.step([batch(0), batch(1)]);
       const one = await load();
       return [loss, (await one.step([batch(0), batch(0)])).loss, await failure(net.step([batch(0)]))];`,
    );
    const [mixed, same, failed] = several as [number, number, string];
    expect(mixed).not.toBe(same);
    expect(failed).toBe("Error: a step takes 2 batches (the solver's iter_size), not 1");
  });

  const two = [
    ["SGD over two batches", `${SOLVERS.SGD} iter_size: 2`],
    ["Adam", `type: "Adam" ${SOLVERS.Adam}`],
  ] as const;
  it.each(two)("%s, built for wasm, moves as the compiled net does, to the bit", async (_, solver) => {
    const folder = await build(NET, { target: "wasm", train: true, solver, seed: 3 });
    expect(await inNode(folder, SCENARIO)).toEqual(await compiled(solver, "wasm"));
  });

  it.skipIf(loaded === undefined).each(two)(
    "%s, built for cuda, moves as the compiled net does on the emulator, to the bit",
    async (_, solver) => {
      const folder = await buildEmulated(NET, { arch: ["sm_80"], train: true, solver, seed: 3 });
      const env = { CORTADO_DRIVER: buildDouble(folder), ...doubleSettings({ capability: 80 }) };
      expect(await inNode(folder, SCENARIO, { env })).toEqual(await compiled(solver, "emulator"));
    },
  );

  it("without a solver takes its rate from each step", async () => {
    const folder = await build(NET, { train: true, seed: 3 });
    const net = await compileTraining(NET, createMessage("SolverParameter"), { seed: 3 });
    const inputs = { data: standIn(ELEMENTS), label: labels(0) };
    const { loss } = await net.step({ rate: 0.25 }, inputs);
    const [w] = net.params["ip"];
    const expected = [loss, bits(await w.read())];
    await net.close();
    const [failed, unknown, ...moved] = (await inNode(
      folder,
      `const net = await load();
       const inputs = { data: standIn(${ELEMENTS}), label: Float32Array.of(0, 1, 2, 0) };
       const failed = await failure(net.step(inputs));
       const unknown = await failure(net.step(inputs, { momentum: 1 }));
       const { loss } = await net.step(inputs, { rate: 0.25 });
       return [failed, unknown, loss, bits(await net.params.ip[0].read())];`,
    )) as [string, string, ...unknown[]];
    expect(failed).toBe(
      "Error: a step needs a rate, { rate: 0.01 }: the net was built without a solver that sets one",
    );
    expect(unknown).toBe('Error: a step has no scalar "momentum": there is "rate"');
    expect(moved).toEqual(expected);
  });

  it("weights and history can be written back", async () => {
    const folder = await build(NET, { train: true, solver: `type: "Adam" ${SOLVERS.Adam}`, seed: 3 });
    const result = await inNode(
      folder,
      `const batch = { data: standIn(${ELEMENTS}), label: Float32Array.of(0, 1, 2, 0) };
       const net = await load();
       await net.step(batch);
       const saved = await net.save();
       const other = await load({ weights: saved });
       for (const [i, param] of net.history.entries()) await other.history[i].write(await param.read());
       const equal = [];
       for (const layer of Object.keys(net.params))
         for (const [i, param] of net.params[layer].entries())
           equal.push(bits(await param.read()).join() === bits(await other.params[layer][i].read()).join());
       return [equal.length, equal.every(Boolean), await failure(other.history[0].write(new Float32Array(1)))];`,
    );
    expect(result).toEqual([7, true, "Error: A parameter of shape 4×3×3×3 holds 108 numbers; 1 were given"]);
  });
});

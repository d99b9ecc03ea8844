import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CortadoError } from "../../proto/errors/index.js";
import { createSolver, type Solver, type SolverOptions } from "../../src/create-solver.js";
import { parseSolver } from "../../src/net-text/index.js";

const folder = mkdtempSync(join(tmpdir(), "cortado-train-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A regression in two layers that share a parameter, fed by hand. */
const NET = `
  name: "regression"
  layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } } }
  layer { name: "one" type: "InnerProduct" bottom: "x" top: "h" param { name: "w" } param { lr_mult: 2 decay_mult: 0 }
    inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "two" type: "InnerProduct" bottom: "h" top: "g" param { name: "w" }
    inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
  layer { name: "three" type: "InnerProduct" bottom: "g" top: "z" param { lr_mult: 0 }
    inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "y" top: "loss" }`;

const inputs = {
  x: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
  y: Float32Array.from({ length: 8 }, (_, i) => Math.cos(i)),
};

let made = 0;
async function solverOf(more: string, options: SolverOptions = {}): Promise<Solver> {
  const prefix = join(folder, `run${made++}`);
  return createSolver(
    `net_param { ${NET} } base_lr: 0.05 lr_policy: "multistep" gamma: 0.5 stepvalue: 2 max_iter: 6
     snapshot_prefix: ${JSON.stringify(prefix)} ${more}`,
    { target: "ts", inputs, ...options },
  );
}

async function weightsOf({ net }: Solver): Promise<Record<string, number[][]>> {
  const all: Record<string, number[][]> = {};
  for (const [layer, params] of Object.entries(net.params))
    all[layer] = await Promise.all(params.map(async (param) => [...(await param.read())]));
  return all;
}

describe("createSolver", () => {
  test.each([
    'type: "SGD" momentum: 0.9 weight_decay: 0.01',
    'type: "Adam" momentum: 0.9 snapshot_format: HDF5',
    'type: "AdaDelta" momentum: 0.9 delta: 1e-6 iter_size: 2 clip_gradients: 0.5',
    'type: "Nesterov" momentum: 0.9 regularization_type: "L1" weight_decay: 0.01',
    'type: "AdaGrad"',
    'type: "RMSProp" rms_decay: 0.9',
  ])("trains, and goes on from a snapshot as if never stopped: %s", async (more) => {
    const straight = await solverOf(`${more} snapshot: 3`);
    const before = await weightsOf(straight);
    const outcome = await straight.solve();
    const after = await weightsOf(straight);
    expect(outcome.iteration).toBe(6);
    expect(after["one"]).not.toEqual(before["one"]);
    expect(after["two"][0]).toEqual(after["one"][0]);
    expect(after["three"][0]).toEqual(before["three"][0]);
    const state = outcome.snapshot!.state.replace("_iter_6", "_iter_3");
    expect(existsSync(state)).toBe(true);

    const resumed = await solverOf(more, { resume: state, seed: 99 });
    expect(resumed.iteration).toBe(3);
    await resumed.solve();
    expect(await weightsOf(resumed)).toEqual(after);
    for (const [i, slot] of resumed.net.history.entries())
      expect(await slot.read()).toEqual(await straight.net.history[i].read());

    const finetuned = await solverOf(more, { weights: outcome.snapshot!.model, seed: 99 });
    expect(finetuned.iteration).toBe(0);
    expect(await weightsOf(finetuned)).toEqual(after);
    await Promise.all([straight, resumed, finetuned].map((solver) => solver.close()));
  });

  test("a test net sees the weights of training", async () => {
    const solver = await solverOf("test_iter: 2 test_interval: 3 test_compute_loss: true");
    const { tests } = await solver.solve();
    const [trained] = tests;
    expect(trained.iteration).toBe(6);
    expect(trained.loss).toBeCloseTo((await solver.net.forward(inputs))["loss"][0], 5);
    expect(trained.outputs).toEqual([{ blob: "loss", index: 0, value: trained.loss, lossWeight: 1 }]);
    await solver.close();
  });

  test("what it keeps is kept in each net that has it, and is read after a step and after a test", async () => {
    const tested = "test_iter: 1 test_interval: 100 test_initialization: false";
    const solver = await solverOf(tested, {
      keep: ["h", "z"],
      keepDiffs: "all",
      forceBackward: true,
    });
    const { net, testNets, step, test: runTests } = solver;
    const weights = await net.params["three"][0].read();
    await step(1);
    const [loss, z] = [await net.read("loss"), await net.read("z")];
    const { outputs } = (await runTests())[0];
    // The test net ran on the weights that the step left; the train net still has the step's own values.
    expect(await net.read("z")).toEqual(z);
    expect(await testNets[0].read("z")).not.toEqual(z);
    expect((await testNets[0].read("loss"))[0]).toBe(outputs[0].value);
    expect(loss[0]).not.toBe(outputs[0].value);
    expect(await net.params["three"][0].readDiff()).toEqual(weights.map(() => 0));
    const [w, step2] = [await net.params["one"][0].read(), await net.params["one"][0].readDiff()];
    expect(step2.some((value) => value !== 0)).toBe(true);
    await step(1);
    expect(await net.params["one"][0].read()).not.toEqual(w);
    await expect(solverOf(tested, { keep: ["losss"] })).rejects.toThrow('did you mean "loss"?');
    await solver.close();
  });

  test("a solver's file is where its paths and its snapshots' names start", async () => {
    const file = join(folder, "by_file.prototxt");
    writeFileSync(join(folder, "net.prototxt"), NET);
    writeFileSync(file, 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1');
    const events: string[] = [];
    const solver = await createSolver(file, {
      target: "ts",
      inputs,
      onProgress: ({ iteration }) => events.push(`progress ${iteration}`),
      onSnapshot: ({ iteration }) => events.push(`snapshot ${iteration}`),
    });
    const { snapshot } = await solver.solve();
    expect(snapshot?.model).toBe(join(folder, "by_file_iter_1.caffemodel"));
    expect(events).toEqual(["progress 0", "snapshot 1"]);
    await solver.close();
    const given = await createSolver(parseSolver('net: "net.prototxt" lr_policy: "fixed"', { name: file }), {
      target: "ts",
    });
    expect(given.net.definition.net.name).toBe("regression");
    await given.close();
  });

  test("the seed is the solver's random_seed, or the caller's", async () => {
    const seeds = [
      await solverOf("random_seed: 7"),
      await solverOf("", { seed: 7 }),
      await solverOf("random_seed: 8"),
    ];
    const [a, b, c] = await Promise.all(seeds.map(weightsOf));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    await Promise.all(seeds.map((solver) => solver.close()));
  });

  test("a folder for snapshots that is not there is refused before anything is compiled", async () => {
    const text = `net_param { ${NET} } base_lr: 1 lr_policy: "fixed" max_iter: 1
      snapshot_prefix: ${JSON.stringify(join(folder, "none", "x"))}`;
    await expect(createSolver(`${text} snapshot: 1`)).rejects.toThrow("there is no folder");
    const solver = await createSolver(text, { target: "ts", inputs });
    await expect(solver.solve()).rejects.toThrow("there is no folder");
    expect(solver.iteration).toBe(0);
    await solver.close();
  });

  test.each([
    ["type: 'SDG' iter_size: 0", {}, "unknown solver type"],
    ["", { resume: "none.solverstate" }, "none.solverstate"],
    ["", { resume: "a", weights: "b" }, "exclude each other"],
    ["", { weights: "none.caffemodel" }, "none.caffemodel"],
    ["weights: 'none.caffemodel, other.caffemodel'", {}, "none.caffemodel"],
  ])("refuses %s %j", async (more, options, message) => {
    await expect(solverOf(more, options)).rejects.toMatchObject({
      name: "CortadoError",
      message: expect.stringContaining(message),
    });
  });
});

test("all mistakes of a solver are told at once: of its text, its settings and the net that it names", async () => {
  const text = (net: string): string =>
    `${net} base_lr: 0.1 lr_policy: "fixd" momentun: 0.9 solver_mode: GPUU average_loss: 0`;
  const told = async (solver: string): Promise<readonly string[]> => {
    const failed: unknown = await createSolver(solver).catch((error: unknown) => error);
    return failed instanceof CortadoError ? failed.diagnostics.map(({ message }) => message) : [];
  };
  const own = [
    'unknown field "momentun"',
    'unknown value "GPUU" for solver_mode',
    'unknown learning rate policy "fixd"',
    "average_loss must be at least 1, not 0",
  ];
  expect(await told(text('net: "none.prototxt"'))).toEqual([...own, 'there is no file "none.prototxt"']);
  expect(await told(text('net_param { layer { name: "l" type: "Relu" bottom: "x" top: "y" } }'))).toEqual([
    ...own,
    expect.stringMatching(/bottom "x" is made by no layer/),
    'layer "l": there is no layer type "Relu"',
  ]);
  // What a broken text seems to lack is not called missing.
  expect(await told(`net: none base_lr: 0.1 lr_policy: "fixed"`)).toEqual([
    'net takes a string in quotes, not "none"',
  ]);
});

import { describe, expect, test, vi } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { formatEvent, type SolverEvent } from "../../../runtime/solver/events.js";
import type { BatchRequest } from "../../../runtime/solver/solver.js";
import { quadratic } from "./quadratic.js";

const ofKind = <K extends SolverEvent["kind"]>(events: readonly SolverEvent[], kind: K) =>
  events.filter((event): event is Extract<SolverEvent, { kind: K }> => event.kind === kind);

describe("the loop", () => {
  test("trains to max_iter and down", async () => {
    const { loop, scalars, events } = quadratic({ max_iter: 30 });
    const outcome = await loop.solve();
    expect(outcome).toMatchObject({ iteration: 30, stopped: false });
    expect(outcome.loss).toBeLessThan(1e-2);
    expect(scalars).toHaveLength(30);
    const progress = ofKind(events, "progress");
    expect(progress.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(progress[0]).toMatchObject({ loss: 0.5 * (16 + 49 + 20.25), maxIteration: 30 });
    expect(progress.at(-1)!.imagesPerSecond).toBeCloseTo(32, 9);
    expect(loop.iteration).toBe(30);
  });
  test("feeds the policy's rate and the rule's own scalars", async () => {
    const steps = quadratic({ lr_policy: "step", gamma: 0.5, stepsize: 2, max_iter: 5 });
    await steps.loop.solve();
    expect(steps.scalars.map(({ rate }) => rate)).toEqual([0.1, 0.1, 0.05, 0.05, 0.025].map(Math.fround));
    const adam = quadratic({ type: "Adam", momentum: 0.5, momentum2: 0.75, max_iter: 2 });
    await adam.loop.solve();
    expect(adam.scalars.map(({ correction }) => correction)).toEqual(
      [Math.sqrt(0.25) / 0.5, Math.sqrt(1 - 0.75 ** 2) / 0.75].map(Math.fround),
    );
  });
  test("imagesPerSecond counts iter_size batches", async () => {
    const { loop, events } = quadratic({ iter_size: 3, max_iter: 2 });
    await loop.solve();
    expect(ofKind(events, "progress").at(-1)!.imagesPerSecond).toBeCloseTo(96, 9);
  });
  test("average_loss smooths", async () => {
    const { loop, events } = quadratic({ average_loss: 3, max_iter: 6 });
    await loop.solve();
    const progress = ofKind(events, "progress");
    for (const [i, { smoothedLoss }] of progress.entries()) {
      const last = progress.slice(Math.max(0, i - 2), i + 1).map(({ loss }) => loss);
      expect(smoothedLoss).toBeCloseTo(last.reduce((a, b) => a + b) / last.length, 9);
    }
  });
  test("warns once where the loss is no longer a number, and goes on", async () => {
    const { loop, events, weights } = quadratic({ max_iter: 4 });
    await loop.step(2);
    weights[0] = Number.NaN;
    const outcome = await loop.solve();
    expect(outcome.iteration).toBe(4);
    expect(ofKind(events, "warning").map(({ iteration }) => iteration)).toEqual([2]);
  });
  test("no max_iter: nothing is done, and a snapshot of that", async () => {
    const { loop, scalars, saved } = quadratic({ max_iter: 0 });
    expect(await loop.solve()).toMatchObject({ iteration: 0, loss: undefined });
    expect(scalars).toEqual([]);
    expect([...saved.keys()]).toEqual(["bowl_iter_0.solverstate"]);
  });
  test("one call at a time", async () => {
    const { loop } = quadratic();
    const first = loop.solve();
    await expect(loop.step(1)).rejects.toThrow(CortadoError);
    await first;
    await expect(loop.step(-1)).rejects.toThrow("count of step is -1; it must be an integer from 0 on");
    expect((await loop.step(1)).iteration).toBe(11);
  });
});

describe("tests", () => {
  test("happen every test_interval iterations, from the first on, and at the end", async () => {
    const { loop, events } = quadratic({ test_iter: [2, 1], test_interval: 5, max_iter: 10 });
    const outcome = await loop.solve();
    expect(ofKind(events, "test").map(({ iteration, net }) => [iteration, net])).toEqual([
      [0, 0],
      [0, 1],
      [5, 0],
      [5, 1],
      [10, 0],
      [10, 1],
    ]);
    expect(outcome.tests.map(({ iteration, net }) => [iteration, net])).toEqual([
      [10, 0],
      [10, 1],
    ]);
    const [first] = ofKind(events, "test");
    expect(first.outputs.map(({ blob, index, lossWeight }) => [blob, index, lossWeight])).toEqual([
      ["scores", 0, 0],
      ["scores", 1, 0],
      ["scores", 2, 0],
      ["loss", 3, 1],
    ]);
    expect(first.outputs.map(({ value }) => value)).toEqual([5, 5, 5, 42.625]);
    expect(first.loss).toBe(42.625);
  });
  test("test_initialization: false leaves out the first", async () => {
    const { loop, events } = quadratic({
      test_iter: [1],
      test_interval: 5,
      test_initialization: false,
      max_iter: 7,
    });
    await loop.solve();
    expect(ofKind(events, "test").map(({ iteration }) => iteration)).toEqual([5]);
  });
  test("on demand, one or all", async () => {
    const { loop } = quadratic({ test_iter: [1, 1], test_interval: 100 });
    expect(await loop.test()).toHaveLength(2);
    expect((await loop.test(1)).map(({ net }) => net)).toEqual([1]);
    await expect(loop.test(2)).rejects.toThrow("there is no test net #2");
  });
});

test("batches can be given, one for all or as asked for", async () => {
  const asked: BatchRequest[] = [];
  const given = { data: new Float32Array(8) };
  const { loop, net } = quadratic(
    { max_iter: 2, test_iter: [2], test_interval: 2, display: 2 },
    {
      inputs: async (request) => {
        asked.push(request);
        return given;
      },
    },
  );
  const step = vi.spyOn(net, "step");
  await loop.solve();
  expect(step.mock.calls.map(([, inputs]) => inputs)).toEqual([given, given]);
  expect(asked.map(({ phase, batch }) => `${phase} ${batch}`)).toEqual([
    "TEST 0",
    "TEST 1",
    "TRAIN 0",
    "TRAIN 1",
    "TRAIN 2",
    "TEST 0",
    "TEST 1",
  ]);
});

describe("stopping", () => {
  test("ends after the current iteration, with a snapshot", async () => {
    const { loop, events, saved } = quadratic(
      { max_iter: 100, test_iter: [1], test_interval: 4, test_initialization: false },
      {
        onEvent(event) {
          events.push(event);
          if (event.kind === "progress" && event.iteration === 6) loop.stop();
        },
      },
    );
    expect(await loop.solve()).toMatchObject({ iteration: 7, stopped: true });
    expect([...saved.keys()]).toEqual(["bowl_iter_7.solverstate"]);
    expect(events.at(-1)).toEqual({ kind: "done", iteration: 7, stopped: true });
    expect(ofKind(events, "test").map(({ iteration }) => iteration)).toEqual([4]);
    expect(await loop.solve()).toMatchObject({ iteration: 100, stopped: false });
  });
  test("interrupts a test between two batches", async () => {
    const { loop, events, scalars } = quadratic(
      { max_iter: 100, test_iter: [50], test_interval: 4 },
      {
        onEvent(event) {
          events.push(event);
          if (event.kind === "testing") loop.stop();
        },
      },
    );
    expect(await loop.solve()).toMatchObject({ iteration: 0, stopped: true });
    expect(scalars).toEqual([]);
    expect(ofKind(events, "testInterrupted")).toHaveLength(1);
  });
});

describe("snapshots", () => {
  test("every `snapshot` iterations and at the end, never twice", async () => {
    const odd = quadratic({ snapshot: 4, max_iter: 10 });
    await odd.loop.solve();
    expect(ofKind(odd.events, "snapshot").map(({ iteration }) => iteration)).toEqual([4, 8, 10]);
    const even = quadratic({ snapshot: 5, max_iter: 10 });
    await even.loop.solve();
    expect(ofKind(even.events, "snapshot").map(({ iteration }) => iteration)).toEqual([5, 10]);
  });
  test("snapshot_after_train: false leaves out the last", async () => {
    const { loop, saved } = quadratic({ snapshot_after_train: false });
    expect((await loop.solve()).snapshot).toBeUndefined();
    expect(saved.size).toBe(0);
  });
  test("on demand: at once, or after the current iteration of a run", async () => {
    const { loop, saved } = quadratic({ snapshot_after_train: false });
    expect((await loop.snapshot()).iteration).toBe(0);
    const run = loop.solve();
    expect((await loop.snapshot()).iteration).toBe(1);
    await run;
    expect(saved.size).toBe(2);
  });
  test("a run that ends before a snapshot it was asked for says so", async () => {
    const { loop } = quadratic({ snapshot_after_train: false, max_iter: 0 });
    const run = loop.solve();
    await expect(loop.snapshot()).rejects.toThrow("before its snapshot");
    await run;
  });
  test("going on from one is the same as never having stopped", async () => {
    const settings = { lr_policy: "multistep", gamma: 0.5, stepvalue: [3, 6, 9], max_iter: 12 };
    const straight = quadratic(settings);
    await straight.loop.solve();
    const half = quadratic({ ...settings, snapshot: 5 });
    await half.loop.step(7);
    await half.loop.restore("bowl_iter_5.solverstate");
    expect(half.loop.iteration).toBe(5);
    await half.loop.solve();
    expect(half.weights).toEqual(straight.weights);
    expect(half.velocity).toEqual(straight.velocity);
    expect(half.scalars.slice(-7)).toEqual(straight.scalars.slice(-7));
  });
  test("nothing is trained where the snapshot at the end could not be written", async () => {
    const refuse = async () => {
      throw new Error("no room");
    };
    const { loop, scalars } = quadratic({}, { checkWritable: refuse });
    await expect(loop.solve()).rejects.toThrow("no room");
    expect(scalars).toEqual([]);
  });
});

test("the events say what Caffe's log says", async () => {
  const { loop, events } = quadratic({
    display: 2,
    max_iter: 4,
    test_iter: [1],
    test_interval: 4,
    test_compute_loss: true,
    lr_policy: "multistep",
    gamma: 0.1,
    stepvalue: [2],
  });
  await loop.solve();
  expect(events.flatMap(formatEvent)).toMatchInlineSnapshot(`
    [
      "Solving Bowl",
      "Learning Rate Policy: multistep",
      "Iteration 0, Testing net (#0)",
      "Test loss: 42.625",
      "    Test net output #0: scores = 5",
      "    Test net output #1: scores = 5",
      "    Test net output #2: scores = 5",
      "    Test net output #3: loss = 42.625 (* 1 = 42.625 loss)",
      "Iteration 0 (0 iter/s, 0.25s/2 iters), loss = 42.625",
      "    Train net output #0: loss = 42.625 (* 1 = 42.625 loss)",
      "Iteration 0, lr = 0.1",
      "Iteration 2 (4 iter/s, 0.5s/2 iters), loss = 24.6202",
      "    Train net output #0: loss = 24.6202 (* 1 = 24.6202 loss)",
      "Iteration 2, lr = 0.01",
      "MultiStep Status: Iteration 2, step = 1",
      "Snapshotting to bowl_iter_4.caffemodel",
      "Snapshotting solver state to bowl_iter_4.solverstate",
      "Iteration 4, loss = 17.2837",
      "Iteration 4, Testing net (#0)",
      "Test loss: 17.2837",
      "    Test net output #0: scores = 3.5471",
      "    Test net output #1: scores = 2.45743",
      "    Test net output #2: scores = 3.36549",
      "    Test net output #3: loss = 17.2837 (* 1 = 17.2837 loss)",
      "Optimization Done.",
    ]
  `);
});

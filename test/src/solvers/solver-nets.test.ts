import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPrefix, snapshotPrefix } from "../../../runtime/solver/paths.js";
import { parseSolver } from "../../../src/net-text/index.js";
import { type NetPlans, resolveNets } from "../../../src/solvers/solver-nets.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cortado-nets-"));
  mkdirSync(join(folder, "nets"));
  for (const name of ["a", "b", "c"])
    writeFileSync(join(folder, "nets", `${name}.prototxt`), `name: "${name}"`);
  writeFileSync(
    join(folder, "nets", "state.prototxt"),
    'name: "state" state { phase: TEST level: 4 stage: "own" }',
  );
  writeFileSync(join(folder, "nets", "bad.prototxt"), 'name: "bad"\nlayr { }');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const resolve = (text: string): Promise<NetPlans> =>
  resolveNets(parseSolver(text, { name: "solver.prototxt" }), [join(folder, "nets"), folder]);
const names = ({ train, tests }: NetPlans): string[] =>
  [train, ...tests].map(({ definition }) => definition.net.name);

describe("which nets a solver means", () => {
  test("its own net, for every test_iter as well", async () => {
    const plans = await resolve('net: "a.prototxt" test_iter: 1 test_iter: 2 test_interval: 5');
    expect(names(plans)).toEqual(["a", "a", "a"]);
    expect(plans.train).toMatchObject({
      phase: "TRAIN",
      level: undefined,
      stages: [],
      folder: join(folder, "nets"),
    });
    expect(plans.tests.map(({ phase }) => phase)).toEqual(["TEST", "TEST"]);
  });
  test("test_net_param, then test_net, then its own net for the rest", async () => {
    const text = `net: "nets/a.prototxt" test_net: "b.prototxt" test_net_param { name: "inline" }
      test_iter: 1 test_iter: 1 test_iter: 1 test_iter: 1 test_interval: 5`;
    expect(names(await resolve(text))).toEqual(["a", "inline", "b", "a", "a"]);
  });
  test("train_net and test_net", async () => {
    const text = 'train_net: "a.prototxt" test_net: "b.prototxt" test_iter: 1 test_interval: 5';
    expect(names(await resolve(text))).toEqual(["a", "b"]);
  });
  test("nets in the solver's own text", async () => {
    const text = 'net_param { name: "x" } test_iter: 3 test_interval: 5';
    const plans = await resolve(text);
    expect(names(plans)).toEqual(["x", "x"]);
    expect(plans.train.folder).toBeUndefined();
    expect(names(await resolve('train_net_param { name: "y" }'))).toEqual(["y"]);
  });
});

describe("states", () => {
  test("of the solver go over those of the net, and those over the default", async () => {
    const text = `net: "state.prototxt" train_state { phase: TRAIN stage: "more" } test_iter: 1 test_iter: 1
      test_interval: 5 test_state { level: 2 } test_state { stage: "s" stage: "t" }`;
    const { train, tests } = await resolve(text);
    expect(train).toMatchObject({ phase: "TRAIN", level: undefined, stages: ["more"] });
    expect(tests[0]).toMatchObject({ phase: "TEST", level: 2, stages: [] });
    expect(tests[1]).toMatchObject({ phase: "TEST", level: undefined, stages: ["s", "t"] });
    expect((await resolve('net: "state.prototxt"')).train.phase).toBe("TEST");
  });
});

describe("what is refused", () => {
  test.each([
    ["base_lr: 1", "the solver names no train net"],
    [
      'net: "a.prototxt"\ntrain_net: "b.prototxt"',
      "solver.prototxt:2:12: error: the solver names a second train net: train_net",
    ],
    ['train_net: "a.prototxt"\ntest_net: "b.prototxt"', "0 test_iters, 1 test net"],
    [
      'train_net: "a.prototxt"\ntest_iter: 3 test_interval: 5',
      "solver.prototxt:2:12: error: test_iter must be given once",
    ],
    [
      'net: "a.prototxt" test_net: "b.prototxt" test_net: "b.prototxt"\ntest_iter: 3 test_interval: 1',
      "1 test_iter, 2 test nets",
    ],
    [
      'net: "a.prototxt"\ntest_iter: 3',
      "solver.prototxt:2:12: error: a solver with test nets needs a positive test_interval",
    ],
    [
      'net: "a.prototxt" test_iter: 3 test_interval: 1\ntest_state { } test_state { }',
      "2 test_states, 1 test net",
    ],
    ['net: "z.prototxt"', 'solver.prototxt:1:6: error: there is no file "z.prototxt"'],
    ['net: "bad.prototxt"', "bad.prototxt:2:1"],
  ])("%s", async (text, message) => {
    await expect(resolve(text)).rejects.toThrow(message);
  });
  test("all mistakes at once, each file's once", async () => {
    const text = 'net: "bad.prototxt" test_net: "z.prototxt" test_iter: 1 test_iter: 1';
    const error = await resolve(text).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message.match(/error:/g)).toHaveLength(3);
  });
});

describe("where snapshots go", () => {
  test("without a prefix: beside the solver, under its name", async () => {
    const file = join(folder, "lenet_solver.prototxt");
    expect(await snapshotPrefix("", file, [folder])).toBe(join(folder, "lenet_solver"));
    expect(await snapshotPrefix("", undefined, [folder])).toBe(join(folder, "snapshot"));
  });
  test("a folder gets the solver's name", async () => {
    expect(await snapshotPrefix("nets", join(folder, "s.prototxt"), [folder])).toBe(
      join(folder, "nets", "s"),
    );
  });
  test("from the first folder in which it can lie", async () => {
    const folders = [join(folder, "nets"), folder];
    expect(await snapshotPrefix("nets/x", undefined, folders)).toBe(join(folder, "nets", "x"));
    expect(await snapshotPrefix("x", undefined, folders)).toBe(join(folder, "nets", "x"));
    expect(await snapshotPrefix("none/", undefined, folders)).toBe(join(folder, "nets", "none", "snapshot"));
    expect(await snapshotPrefix("none/x", undefined, folders)).toBe(join(folder, "nets", "none", "x"));
  });
  test("a folder that is not there is refused before training", async () => {
    await expect(checkPrefix(join(folder, "none", "x"))).rejects.toThrow("there is no folder");
    await expect(checkPrefix("/dev/null")).rejects.toThrow("it is a device");
    await checkPrefix(join(folder, "x"));
  });
});

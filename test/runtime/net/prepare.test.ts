/** What a program prepares from parameters is made anew whenever they have changed, whoever changed them. */
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Graph } from "../../../codegen/ir/graph.js";
import { arg } from "../../../codegen/ir/scalar.js";
import type { Pass } from "../../../codegen/passes/index.js";
import { rewrite } from "../../../codegen/passes/rewrite-graph.js";
import { parseSolver } from "../../../src/index.js";
import { compile, compileTraining } from "../../../src/net/compile.js";
import { bits, build, inNode, removeFolders, standIn } from "../../src/artefact/support.js";

afterAll(removeFolders);
const target = vi.hoisted(() => ({ prepares: true, passes: [] as Pass[] }));

/** Products read their weights from a transposed copy, which is made when the weights have changed. */
const packWeights: Pass = {
  name: "pack weights",
  about: "products read a copy of their weights",
  run(graph, builder): Graph {
    const packed = new Set<Graph["roots"][number]>();
    const rewritten = rewrite(graph, builder, (node, b) => {
      if (node.op !== "matmul") return undefined;
      const [x, weights] = node.inputs;
      if ((weights.op === "reshape" ? weights.inputs[0] : weights).op !== "param") return undefined;
      const copy = b.map(arg(0), [b.transpose(weights, [0, 2, 1])]);
      packed.add({ role: "prepared", node: copy });
      return b.matmul(x, copy, node.transA, !node.transB);
    });
    return { roots: [...rewritten.roots, ...packed] };
  },
};
// Modules that ask for a target's passes while they load come before this one's constants.
target.passes.push(packWeights);
vi.mock(import("../../../codegen/targets/ts/ts-target.js"), async (original) => {
  const { tsTarget } = await original();
  return {
    tsTarget: {
      ...tsTarget,
      get passes() {
        return target.prepares ? target.passes : [];
      },
    },
  };
});

const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 6 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
layer { name: "one" type: "InnerProduct" bottom: "data" top: "one"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "one" top: "one" }
layer { name: "two" type: "InnerProduct" bottom: "one" top: "two"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "two" bottom: "label" top: "loss" }
`;
const SOLVER = 'base_lr: 0.1 momentum: 0.9 lr_policy: "fixed"';
const data = standIn(24);
const label = Float32Array.of(0, 1, 2, 1);
const given = { data, label };
const others = standIn(30, 7);

/** What a net gives with and without anything to prepare. */
async function both(run: () => Promise<unknown>): Promise<void> {
  target.prepares = false;
  const without = await run();
  target.prepares = true;
  expect(await run()).toEqual(without);
}
beforeEach(() => {
  target.prepares = true;
});

describe("a net whose weights are packed when they have changed", () => {
  it("prepares the weights of each product, and only that", async () => {
    const net = await compile(NET, { phase: "TRAIN" });
    expect(String(net.plan)).toContain("prepare, when parameters have changed: 2 steps");
    await net.close();
  });

  it("gives the same bits: at load, after a write, and in a backward", async () => {
    await both(async () => {
      const net = await compile(NET, { phase: "TRAIN" });
      const seen = [bits((await net.forward(given))["loss"])];
      await net.params["one"][0].write(others);
      seen.push(bits((await net.forward(given))["loss"]));
      await net.params["one"][0].write(others.map((x) => -x));
      await expect(net.backward()).rejects.toThrow("parameters have changed since the last one");
      await net.forward(given);
      const { params } = await net.backward();
      for (const gradient of Object.values(params).flat()) seen.push(bits(gradient));
      await net.close();
      return seen;
    });
  });

  it.each(["", " iter_size: 2"])("gives the same bits over updates%s", async (more) => {
    await both(async () => {
      const net = await compileTraining(NET, parseSolver(SOLVER + more).solver);
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) losses.push((await net.step({ rate: 0.1 }, given)).loss);
      losses.push((await net.forward(given))["loss"][0]);
      expect(new Set(losses).size).toBe(4);
      await net.close();
      return losses;
    });
  });

  it("sees what another net that shares its parameters wrote or updated, on one thread and on two", async () => {
    for (const threads of [1, 2])
      await both(async () => {
        const train = await compileTraining(NET, parseSolver(SOLVER).solver, { threads });
        const test = await compile(NET, { share: train, threads });
        const losses: number[] = [];
        const look = async (): Promise<void> => void losses.push((await test.forward(given))["loss"][0]);
        await look();
        await train.step({ rate: 0.1 }, given);
        await look();
        await train.params["one"][0].write(others);
        await look();
        expect(new Set(losses).size).toBe(3);
        await test.close();
        await train.close();
        return losses;
      });
  });

  it("is packed only when the weights have changed", async () => {
    const net = await compile(NET, { phase: "TRAIN" });
    const { internalsOf } = await import("../../../src/net/internals.js");
    const executor = internalsOf(net)?.running.current()?.runner.built.executor;
    const run = vi.spyOn(executor as NonNullable<typeof executor>, "run");
    const passes = async (work: () => Promise<unknown>): Promise<unknown> => {
      run.mockClear();
      await work();
      return run.mock.calls.map(([pass]) => pass);
    };
    const forward = () => net.forward(given);
    expect(await passes(forward)).toEqual(["prepare", "forward"]);
    expect(await passes(forward)).toEqual(["forward"]);
    expect(await passes(() => net.backward())).toEqual(["backward"]);
    await net.params["two"][1].write(new Float32Array(3));
    expect(await passes(forward)).toEqual(["forward"]);
    await net.params["two"][0].write(new Float32Array(15));
    expect(await passes(forward)).toEqual(["prepare", "forward"]);
    await net.close();
  });

  it("is built ahead so as well", async () => {
    await both(async () => {
      const folder = await build(NET, { train: true, solver: SOLVER, seed: 3 });
      return inNode(
        folder,
        `const net = await load();
         const given = { data: standIn(24), label: Float32Array.of(0, 1, 2, 1) };
         const losses = [(await net.forward(given)).loss[0]];
         for (let i = 0; i < 2; i++) losses.push((await net.step(given)).loss);
         await net.params.one[0].write(standIn(30, 7));
         losses.push((await net.forward(given)).loss[0], (await net.step(given)).loss);
         return [losses, new Set(losses).size];`,
      );
    });
  });
});

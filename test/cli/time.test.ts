import { afterEach, describe, expect, test } from "vitest";
import { attributeTimes } from "../../src/cli/attribute.js";
import type { Node } from "../../src/ir/graph.js";
import type { Step } from "../../src/plan/index.js";
import { cortado, folderWith, TINY_NET } from "./support.js";

let remove: (() => Promise<void>) | undefined;
afterEach(async () => {
  await remove?.();
  remove = undefined;
});

async function folder(net = TINY_NET) {
  const made = await folderWith({ "net.prototxt": net });
  remove = made.remove;
  return made.folder;
}

describe("cortado time", () => {
  test("per layer in caffe time's form, and totals", async () => {
    const { code, stdout, stderr } = await cortado(["time", "-model", "net.prototxt", "-iterations", "3"], {
      cwd: await folder(),
    });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Initial loss: [\d.]+$/m);
    expect(stdout.match(/^Iteration: \d forward-backward time: [\d.]+ ms\.$/gm)).toHaveLength(3);
    for (const layer of ["d", "ip", "relu", "loss"])
      for (const pass of ["forward", "backward"])
        expect(stdout).toMatch(new RegExp(`^ *${layer}\t${pass}: [\\d.e-]+ ms\\.`, "m"));
    // The accuracy layer is for phase TEST.
    expect(stdout).not.toMatch(/\bacc\t/);
    // ReLU is computed where ip is, and that is said on both lines.
    expect(stdout).toMatch(/^ *ip\tforward: .* {2}\(with relu\)$/m);
    expect(stdout).toMatch(/^ *relu\tforward: 0 ms\. {2}\(in ip\)$/m);
    const figure = (title: string): number =>
      Number(new RegExp(`^${title}: ([\\d.e-]+) ms\\.$`, "m").exec(stdout)?.[1]);
    const [forward, backward] = [figure("Average Forward pass"), figure("Average Backward pass")];
    expect(figure("Average Forward-Backward")).toBeCloseTo(forward + backward, 1);
    expect(figure("Total Time")).toBeCloseTo(3 * (forward + backward), 1);
  });

  test("--phase TEST, --threads, --json", async () => {
    const { code, stdout } = await cortado(
      ["time", "net.prototxt", "--iterations", "2", "--phase", "test", "--threads", "2", "--json"],
      { cwd: await folder() },
    );
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as {
      layers: { name: string; forward: { milliseconds: number }; backward?: object }[];
      forward: { total: number; kernels: number };
    };
    expect(report).toMatchObject({ phase: "TEST", iterations: 2, threads: 2, target: "ts" });
    expect(report.layers.map(({ name }) => name)).toEqual(["d", "ip", "relu", "loss", "acc"]);
    const kernels = report.layers.reduce((sum, { forward }) => sum + forward.milliseconds, 0);
    expect(kernels).toBeCloseTo(report.forward.kernels, 6);
    expect(report.forward.total).toBeGreaterThanOrEqual(report.forward.kernels);
  });

  test("a net without a loss: forward only, and it says so; its inputs are made up", async () => {
    const net = `
      layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "sig" type: "Sigmoid" bottom: "data" top: "sig" }`;
    const { code, stdout } = await cortado(["time", "net.prototxt", "--iterations", "1"], {
      cwd: await folder(net),
    });
    expect(code).toBe(0);
    expect(stdout).toContain("forward only");
    expect(stdout).toMatch(/^ *sig\tforward: /m);
    expect(stdout).not.toMatch(/\tbackward: /);
  });

  test("without the data, its shapes are enough", async () => {
    const net = TINY_NET.replace(
      /type: "DummyData"[\s\S]*?\}\n\}/,
      'type: "Data" top: "data" top: "label" data_param { source: "none" batch_size: 5 }\n}',
    );
    const cwd = await folder(net);
    const refused = await cortado(["time", "net.prototxt", "--iterations", "1"], { cwd });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--shape data=5,C,H,W --shape label=5");
    const given = await cortado(
      ["time", "net.prototxt", "--iterations", "1", "--shape", "data=5,4", "--shape", "label=5"],
      { cwd },
    );
    expect([given.code, given.stderr]).toEqual([0, ""]);
  });
});

describe("whose time it was", () => {
  const node = (op: string, origin: string): Node => ({ op, origin }) as Node;
  const step = (anchor: Node, stores: Node[], inlined: Node[] = []): Step =>
    ({ anchor, stores, inlined: new Set(inlined) }) as unknown as Step;

  test("the anchor's layer has it; the others of the step are named on both sides", () => {
    const conv = node("conv", "conv1");
    const steps = [
      step(
        conv,
        [node("map", "relu1")],
        [node("constant", "loss"), node("reshape", "flat"), node("map", "scale1")],
      ),
      step(node("windowMax", "pool1"), [], [node("map", "relu1")]),
      step(node("reduce", "pool1"), [node("map", "")]),
    ];
    const times = attributeTimes(
      steps,
      [{ steps: [0] }, { steps: [0] }, { steps: [1] }, { steps: [2] }],
      [1, 2, 4, 8],
    );
    expect(Object.fromEntries(times)).toEqual({
      conv1: { milliseconds: 3, with: ["relu1", "scale1"], within: [] },
      relu1: { milliseconds: 0, with: [], within: ["conv1", "pool1"] },
      scale1: { milliseconds: 0, with: [], within: ["conv1"] },
      pool1: { milliseconds: 12, with: ["relu1"], within: [] },
    });
  });
});

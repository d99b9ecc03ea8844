import { afterEach, describe, expect, test } from "vitest";
import type { Node } from "../../../codegen/ir/graph.js";
import type { Step } from "../../../codegen/plan/index.js";
import { attributeTimes } from "../../../src/net/layer-times.js";
import { findNvrtc } from "../../support/native.js";
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

describe("cortado time --dry-run", () => {
  const dry = ["time", "net.prototxt", "--target", "cuda", "--dry-run"];

  test.skipIf(!findNvrtc())("what each kernel takes on a GPU that is not there", async () => {
    const cwd = await folder();
    const { code, stdout, stderr } = await cortado([...dry, "--arch", "sm_80"], { cwd });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^net\.prototxt, phase TRAIN, for sm_80, compiled by NVRTC \d+\.\d+ in \d+ ms$/m);
    expect(stdout).toMatch(/^\d+ kernels, \d+ launches \(\d+ forward, \d+ backward\) for 3 layers; arena /m);
    expect(stdout).toMatch(/^kernel +launches +blocks×threads +regs +spill B +shared B +occupancy +MFLOP /m);
    expect(stdout).toMatch(/^matmul +1 +\d+×\d+ +\d+ +0 +\d+ +\d+ % .* ip/m);
    expect(stdout).toContain("Predicted, not measured");
    const report = JSON.parse((await cortado([...dry, "--json"], { cwd })).stdout);
    expect(report).toMatchObject({ phase: "TRAIN", gpu: { architecture: "sm_90" } });
    expect(report.kernels.length).toBeGreaterThan(2);
    for (const { resources } of report.kernels) expect(resources).toMatchObject({ spillStores: 0 });
  });

  test("only with --target cuda, and --arch only with it", async () => {
    const cwd = await folder();
    const wrong = await cortado(["time", "net.prototxt", "--dry-run"], { cwd });
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("--dry-run is about the kernels of --target cuda");
    const alone = await cortado(["time", "net.prototxt", "--arch", "sm_80"], { cwd });
    expect(alone.code).toBe(2);
    expect(alone.stderr).toContain("--arch is for --dry-run");
    const unknown = await cortado([...dry, "--arch", "fast"], { cwd });
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("Architectures are named sm_80, sm_90, sm_120");
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

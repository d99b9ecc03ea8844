import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { cortado, folderWith, TINY_NET } from "./support.js";

const example = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/lenet/${name}`, import.meta.url));

let remove: (() => Promise<void>) | undefined;
afterEach(async () => {
  await remove?.();
  remove = undefined;
});

describe("cortado summary", () => {
  test("LeNet: shapes, parameters and FLOPs as counted by hand", async () => {
    const { code, stdout, stderr } = await cortado(["summary", example("deploy.prototxt")]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^LeNet, phase TEST, 9 layers$/m);
    // 20 maps of 24×24 from 5×5: 2·25 each, and the bias.
    expect(stdout).toMatch(/^conv1 +Convolution +1×20×24×24 +520 +588 k +–$/m);
    expect(stdout).toMatch(/^ip1 +InnerProduct +1×500 +400,500 +801 k +–$/m);
    expect(stdout).toMatch(/^relu1 +ReLU +ip1 1×500 +– +500 +–$/m);
    expect(stdout).toMatch(/^parameters +431,080 \(1.64 MiB\)$/m);
    expect(stdout).toMatch(/^inputs +data 1×1×28×28$/m);
    expect(stdout).toMatch(/^outputs +prob 1×10$/m);
    expect(stdout).toMatch(/^memory, forward +[\d.]+ KiB, against [\d.]+ KiB without sharing \(\d+%\)/m);
  });

  test("phase TRAIN: who needs backward, and memory for both passes", async () => {
    const { stdout } = await cortado([
      "summary",
      "-model",
      example("train_test.prototxt"),
      "-phase",
      "TRAIN",
    ]);
    expect(stdout).toMatch(/^digits +Data +data 64×1×28×28, label 64 +– +– +–$/m);
    expect(stdout).toMatch(/^loss +SoftmaxWithLoss +scalar +– +\S+ k +yes$/m);
    expect(stdout).toMatch(/^memory, forward and backward /m);
  });

  test("data that is not there: the hint says which shapes, and they are enough", async () => {
    const data = 'type: "Data" top: "data" top: "label" data_param { source: "none" batch_size: 5 }\n}';
    const net = TINY_NET.replace(/type: "DummyData"[\s\S]*?\}\n\}/, data);
    const made = await folderWith({ "net.prototxt": net });
    remove = made.remove;
    const refused = await cortado(["summary", "net.prototxt"], { cwd: made.folder });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/net\.prototxt:\d+:\d+: error: .*"none"/);
    expect(refused.stderr).toContain("--shape data=5,C,H,W --shape label=5");
    const shapes = ["--shape", "data=7,4,2,2", "--shape", "label=7"];
    const given = await cortado(["summary", "net.prototxt", ...shapes], { cwd: made.folder });
    expect([given.code, given.stderr]).toEqual([0, ""]);
    expect(given.stdout).toMatch(/^ip +InnerProduct +7×3 +51 /m);
  });

  test("a shape for a blob that takes none", async () => {
    const { code, stderr } = await cortado([
      "summary",
      example("deploy.prototxt"),
      "--shape",
      "daat=1,1,28,28",
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('the net has no input blob "daat"');
    expect(stderr).toContain('did you mean "data"?');
  });

  test("--plan is the plan; --json says the same things", async () => {
    const { stdout } = await cortado(["summary", example("deploy.prototxt"), "--plan"]);
    expect(stdout).toMatch(/^forward: \d+ steps$/m);
    expect(stdout).toContain("conv1[0]");
    const { code, stdout: text } = await cortado(["summary", example("deploy.prototxt"), "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(text) as {
      layers: { name: string; tops: unknown; parameters: number; flops: number }[];
      parameters: number;
      memory: { arenaBytes: number; unsharedBytes: number };
    };
    expect(report).toMatchObject({
      name: "LeNet",
      phase: "TEST",
      parameters: 431080,
      inputs: [{ blob: "data", shape: [1, 1, 28, 28] }],
      outputs: [{ blob: "prob", shape: [1, 10] }],
    });
    expect(report.layers[1]).toMatchObject({
      name: "conv1",
      type: "Convolution",
      tops: [{ blob: "conv1", shape: [1, 20, 24, 24] }],
      parameters: 520,
      flops: 20 * 24 * 24 * (2 * 25 + 1),
    });
    expect(report.memory.arenaBytes).toBeLessThan(report.memory.unsharedBytes);
  });

  test("a name from a hostile net cannot steer the terminal", async () => {
    const made = await folderWith({
      "net.prototxt": TINY_NET.replace('name: "relu"', 'name: "\\033[2J\\nrelu"'),
    });
    remove = made.remove;
    const { code, stdout } = await cortado(["summary", "net.prototxt"], { cwd: made.folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\\u001b\[2J\\u000arelu +ReLU/m);
  });
});

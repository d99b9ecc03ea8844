import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { formatPlan, planGraph, summary } from "../../../codegen/plan/index.js";
import { conv, createNet, lenet, relu } from "./nets.js";

describe("formatPlan", () => {
  it("shows LeNet's schedule, decisions and peak", () => {
    const { graph } = lenet(64);
    const text = formatPlan(planGraph(graph, { realBytes: 4 }), { params: ["conv1[0]", "conv1[1]"] });
    expect(text.split("\n").slice(0, 3)).toMatchInlineSnapshot(`
      [
        "10 forward steps, 16 backward steps; 20 nodes fused into others, 4 values written in place",
        "memory: 7.13 MiB; without sharing 12.0 MiB (59.5%); live at once 7.13 MiB (arena is 1.000× of that)",
        "peak: at step 19, in backward; largest then: map "relu1" %7 [64×20×24×24]",
      ]
    `);
    expect(text.split("\n").slice(6, 20)).toMatchInlineSnapshot(`
      [
        "forward: 10 steps",
        "   0  conv + 2  "conv1" "relu1"",
        "        reads %0, %2 = "conv1[0]", %4 = "conv1[1]" as [1×20×1×1]",
        "        %5 = conv g1 k5s1p0d1:28>24 k5s1p0d1:28>24 %0, %2 [64×20×24×24]",
        "        %6 = %5 + %4 [64×20×24×24]",
        "        %7 = relu(%6) [64×20×24×24] → region 2 at 0, 2.81 MiB, needed to 25",
        "   1  windowMax + 1  "pool1"",
        "        reads %7",
        "        %8 = windowMax a2k2s2p0:24>12 a3k2s2p0:24>12 %7 [64×20×12×12] → region 3 at 6105600, 720 KiB, needed to 21",
        "        %74 = windowArgmax a2k2s2p0:24>12 a3k2s2p0:24>12 %7 [64×20×12×12] → region 4 at 5368320, 720 KiB, needed to 23",
        "   2  conv + 1  "conv2"",
        "        reads %8, %9 = param 2, %11 = param 3 as [1×50×1×1]",
        "        %12 = conv g1 k5s1p0d1:12>8 k5s1p0d1:12>8 %8, %9 [64×50×8×8]",
        "        %13 = %12 + %11 [64×50×8×8] → region 5 at 2949120, 800 KiB, needed to 3",
      ]
    `);
    expect(text).toMatch(/in place: map "relu1" %\d+ overwrites map "relu1" %\d+: its last reader/);
    expect(text).toMatch(/live at the peak, step \d+: [\d.]+ MiB\n +2.81 MiB {2}map "relu1"/);
  });

  it("is what a plan prints as", () => {
    const plan = planGraph(lenet(2).graph, { realBytes: 4 });
    expect(String(plan)).toBe(formatPlan(plan));
    expect(inspect(plan)).toBe(formatPlan(plan));
    expect(formatPlan(plan).startsWith(summary(plan))).toBe(true);
  });

  it("lets no name out of its quotes", () => {
    const net = createNet();
    const hostile = `"\n\`$\{x}*/\u202e__proto__`.padEnd(300, "a");
    const data = net.b.input(hostile, [1, 1, 4, 4]);
    const top = relu(net, hostile, conv(net, hostile, data, 1, 1));
    const node = net.layer(hostile, (b) => b.transpose(top, [0, 1, 3, 2]));
    const plan = planGraph(
      { roots: [{ role: "value", blob: hostile, node }] },
      { realBytes: 4, fuse: false },
    );
    const text = formatPlan(plan, { params: [hostile] });
    expect(text).not.toContain("\u202e");
    expect(text).toContain(`"\\"\\n\`$\{x}*/\\u202e__proto__a`);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(400);
  });

  it("stands for an empty plan", () => {
    expect(formatPlan(planGraph({ roots: [] }, { realBytes: 4 }))).toContain("forward: 0 steps");
  });
});

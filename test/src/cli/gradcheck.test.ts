import { expect, test } from "vitest";
import { cortado, folderWith, TINY_NET } from "./support.js";

test("a net's gradients, part by part", async () => {
  const made = await folderWith({ "net.prototxt": TINY_NET });
  try {
    const argv = ["gradcheck", "net.prototxt", "--runs", "2"];
    const { code, stdout, stderr } = await cortado(argv, { cwd: made.folder });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^along +shape +compared +at a kink +relative error\n/);
    expect(stdout).toMatch(/^everything +– +2 +0 +\d\.\de-\d+ +ok$/m);
    expect(stdout).toMatch(/^ip\[0\] +3×4 +2 +0 +\d\.\de-\d+ +ok$/m);
    expect(stdout).toMatch(/^ip\[1\] +3 +2 +0 +\d\.\de-\d+ +ok$/m);
    expect(stdout).toMatch(/^6 comparisons right$/m);
    expect((await cortado(argv, { cwd: made.folder })).stdout).toBe(stdout);

    const { stdout: text } = await cortado([...argv, "--json", "--layer", "ip"], { cwd: made.folder });
    const report = JSON.parse(text) as { checked: number; failures: unknown[]; phase: string };
    expect(report).toMatchObject({ model: "net.prototxt", phase: "TRAIN", checked: 6, failures: [] });
  } finally {
    await made.remove();
  }
});

test("mistakes", async () => {
  const made = await folderWith({
    "net.prototxt": TINY_NET,
    "fixed.prototxt": 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }',
  });
  try {
    const run = (...argv: readonly string[]) => cortado(["gradcheck", ...argv], { cwd: made.folder });
    expect(await run()).toMatchObject({ code: 2, stdout: "" });
    expect((await run("fixed.prototxt")).stderr).toContain("there is nothing to differentiate by");
    expect((await run("net.prototxt", "--layer", "nobody")).stderr).toContain(
      'The net has no layer "nobody"',
    );
    expect((await run("net.prototxt", "--runs", "0")).stderr).toContain("Expected a whole number from 1 on.");
    expect((await run("none.prototxt")).code).toBe(2);
  } finally {
    await made.remove();
  }
});

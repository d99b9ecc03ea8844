import { expect, test } from "vitest";
import { collectWeights, compile, encodeWeights } from "../../../src/index.js";
import { cortado, folderWith, TINY_NET } from "./support.js";

async function tinyWeights(seed: number): Promise<Uint8Array> {
  const net = await compile(TINY_NET, { target: "ts", seed });
  const bytes = encodeWeights(await collectWeights(net), "caffemodel");
  await net.close();
  return bytes;
}

test("two weight files: the first blob that differs, with both values", async () => {
  const made = await folderWith({
    "net.prototxt": TINY_NET,
    "a.caffemodel": await tinyWeights(1),
    "b.caffemodel": await tinyWeights(2),
  });
  try {
    const run = (...argv: readonly string[]) =>
      cortado(["diff", "net.prototxt", "--target", "ts", ...argv], { cwd: made.folder });
    const same = await run("--weights", "a.caffemodel", "--weights", "a.caffemodel");
    expect([same.code, same.stderr]).toEqual([0, ""]);
    expect(same.stdout).toMatch(/^\d+ blobs equal$/m);

    const other = await run(
      "--weights",
      "a.caffemodel",
      "--weights",
      "b.caffemodel",
      "--phase",
      "TRAIN",
      "--backward",
    );
    expect(other.code).toBe(2);
    expect(other.stdout).toMatch(/^forward +data +d +8×4 +0 +–$/m);
    expect(other.stdout).toMatch(/^forward +ip +relu +8×3 +\S+ +\[\d+\] \S+ \S+ +differs$/m);
    expect(other.stdout).toMatch(/^backward +ip\[0\] +ip +3×4 /m);
    expect(other.stdout).toMatch(
      /^first difference: forward, ip of layer relu, element \d+: \S+ and \S+ \(relative L2 \S+\)$/m,
    );

    const { stdout, code } = await run("--weights", "a.caffemodel", "--weights", "b.caffemodel", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ targets: ["ts", "ts"], first: { name: "ip", differs: true } });
  } finally {
    await made.remove();
  }
});

test("two prototxts run on the same parameters; two targets of the same net are equal", async () => {
  const made = await folderWith({
    "net.prototxt": TINY_NET,
    "tanh.prototxt": TINY_NET.replace('type: "ReLU"', 'type: "TanH"'),
    "wide.prototxt": TINY_NET.replace("num_output: 3", "num_output: 4"),
  });
  try {
    const run = (...argv: readonly string[]) => cortado(["diff", ...argv], { cwd: made.folder });
    const changed = await run("net.prototxt", "tanh.prototxt", "--target", "ts");
    expect([changed.code, changed.stderr]).toEqual([2, ""]);
    expect(changed.stdout).toContain("first difference: forward, ip of layer relu");
    const targets = await run("net.prototxt", "--target", "ts", "--target", "ts", "--bound", "0");
    expect(targets).toMatchObject({ code: 0, stderr: "" });

    expect((await run("net.prototxt", "wide.prototxt", "--target", "ts")).stderr).toContain('layer "ip"');
    expect((await run("net.prototxt")).stderr).toContain("diff needs two of something");
    expect((await run("a", "b", "c")).stderr).toContain("diff compares two: 3 nets are given");
    expect((await run("net.prototxt", "none.prototxt")).stderr).toContain("there is no such file");
    expect((await run("net.prototxt", "tanh.prototxt", "--bound", "x")).stderr).toContain(
      "Expected a number from 0 on.",
    );
    for (const argv of [["net.prototxt"], ["net.prototxt", "wide.prototxt", "--target", "ts"]])
      expect((await run(...argv)).code).toBe(2);
  } finally {
    await made.remove();
  }
});

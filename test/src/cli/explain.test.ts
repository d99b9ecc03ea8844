import { afterEach, describe, expect, test } from "vitest";
import { cortado, folderWith, TINY_NET } from "./support.js";

let made: Awaited<ReturnType<typeof folderWith>> | undefined;
afterEach(async () => {
  await made?.remove();
  made = undefined;
});

/** What explain prints of a net in phase TRAIN. */
async function explain(net: string, ...flags: readonly string[]) {
  made = await folderWith({ "net.prototxt": net });
  return cortado(["explain", "net.prototxt", "--phase", "TRAIN", ...flags], { cwd: made.folder });
}

/** Two towers; no gradient passes from the second, and the third has no loss above it. */
const TOWERS = `
layer { name: "in" type: "Input" top: "x" top: "t"
  input_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 4 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 4 } }
layer { name: "b" type: "InnerProduct" bottom: "x" top: "b" inner_product_param { num_output: 4 } }
layer { name: "c" type: "InnerProduct" bottom: "x" top: "c" inner_product_param { num_output: 4 } }
layer { name: "frozen" type: "InnerProduct" bottom: "x" top: "f" param { lr_mult: 0 } param { lr_mult: 0 }
  inner_product_param { num_output: 4 } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" bottom: "f" top: "s"
  propagate_down: true propagate_down: false propagate_down: false }
layer { name: "loss" type: "EuclideanLoss" bottom: "s" bottom: "t" top: "l" }
`;

describe("cortado explain", () => {
  test("a layer: its equation, its derivative, why, what is kept, its kernels", async () => {
    const { code, stdout, stderr } = await explain(TINY_NET, "--layer", "relu");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("relu (ReLU): ip → ip");
    expect(stdout).toContain("ip.1[i,j] = relu(ip.0[i,j])");
    expect(stdout).toContain("∂ip.0[i,j] = ip.1[i,j] > 0 ? ∂ip.1[i,j] : ∂ip.1[i,j] * 0");
    expect(stdout).toContain(
      'backward: yes, parameters below it learn ("ip"), and above it is a loss ("loss")',
    );
    expect(stdout).toMatch(/launch 0 of forward: kernel 0, matmul .* \(with ip\)/);
    expect(stdout).toContain("function k0(");
    const cuda = await cortado(
      ["explain", "net.prototxt", "--phase", "TRAIN", "--layer", "relu", "--target", "cuda"],
      { cwd: made?.folder },
    );
    expect(cuda.stdout).toContain("KERNEL(");
  });

  test("who takes part in backward, by Caffe's rule, with the layers that are the cause", async () => {
    const { stdout } = await explain(TOWERS, "--json");
    const { layers } = JSON.parse(stdout) as { layers: { name: string; why: string }[] };
    expect(Object.fromEntries(layers.map(({ name, why }) => [name, why]))).toMatchObject({
      in: "no parameter at or below it learns",
      a: 'its own parameters learn, and above it is a loss ("loss")',
      b: 'its own parameters learn and above it is a loss ("loss"), but what reads its tops passes nothing down',
      c: "its own parameters learn, but no loss is above it",
      frozen: "no parameter at or below it learns",
      sum: 'parameters below it learn ("a", "b"), and above it is a loss ("loss")',
    });
  });

  test("each stage prints something of its own", async () => {
    // A batch's statistics: something for each pass to do.
    const normalised = TINY_NET.replace(
      'layer { name: "relu"',
      `layer { name: "bn" type: "BatchNorm" bottom: "ip" top: "ip" }
layer { name: "scale" type: "Scale" bottom: "ip" top: "ip" }
$&`,
    );
    const { stdout } = await explain(normalised, "--timings", "--json");
    const { stages } = JSON.parse(stdout) as { stages: { name: string; milliseconds: number }[] };
    const prints = new Map<string, string>();
    for (const { name, milliseconds } of stages) {
      expect(milliseconds).toBeGreaterThanOrEqual(0);
      const { code, stdout } = await cortado(
        ["explain", "net.prototxt", "--phase", "TRAIN", "--stage", name],
        { cwd: made?.folder },
      );
      expect([name, code]).toEqual([name, 0]);
      expect(stdout.trim()).not.toBe("");
      prints.set(name, stdout);
    }
    expect(new Set(prints.values()).size).toBe(stages.length);
    expect(prints.get("objective")).toMatch(/^%\d+ = blob "ip"/m);
    expect(prints.get("lifetimes")).toMatch(/: step \d+ to step \d+/);
    expect(prints.get("arena")).toMatch(/^memory: /m);
    expect(prints.get("kernels")).toMatch(/^parallel, \d+ iterations/m);
    expect(prints.get("source")).toContain("function k0(");
  });

  test("kernels of native as an architecture has them, without what stands in front of all", async () => {
    const { code, stdout } = await explain(
      TINY_NET.replace("dim: 8 dim: 4", "dim: 8 dim: 64"),
      "--target",
      "native",
      "--arch",
      "avx512",
      "--layer",
      "ip",
    );
    await made?.remove();
    expect(code).toBe(0);
    expect(stdout).toContain("VectorOf<float, 16>");
    expect(stdout).not.toContain("#define");
  });

  test("names that are not there, and options that do not go together", async () => {
    const cases: readonly (readonly [readonly string[], string, string])[] = [
      [["--layer", "rely"], 'the net has no layer "rely" in phase TRAIN', 'did you mean "relu"?'],
      [["--stage", "lifetime"], 'the compiler has no stage "lifetime"', 'did you mean "lifetimes"?'],
      [["--stage", "xyzzy"], 'the compiler has no stage "xyzzy"', 'stages: "objective", "erase names"'],
      [["--layer", "relu", "--stage", "plan"], "--layer and --stage exclude each other", ""],
      [["--arch", "sm_90"], "the ts target has no architectures", "leave --arch out"],
      [
        ["--target", "native", "--arch", "avx3"],
        'there is no architecture "avx3" of target native',
        "there is sse, neon, avx2 or avx512",
      ],
      [
        ["--target", "cuda", "--arch", "fast"],
        'there is no architecture "fast" of target cuda',
        "they are named sm_80",
      ],
      [["--target", "gpu"], "Expected ts, wasm, native or cuda.", ""],
    ];
    for (const [flags, message, hint] of cases) {
      const { code, stderr } = await explain(TINY_NET, ...flags);
      await made?.remove();
      expect([flags, code]).toEqual([flags, 2]);
      expect(stderr).toContain(message);
      expect(stderr).toContain(hint);
    }
  });

  test("a name from a hostile net cannot steer the terminal", async () => {
    const hostile = TINY_NET.replaceAll('"ip"', '"\\033[2J\\342\\200\\256ip"');
    for (const flags of [[], ["--layer", "relu"], ["--stage", "objective"], ["--stage", "uses"]]) {
      const { code, stdout } = await explain(hostile, ...flags);
      await made?.remove();
      expect(code).toBe(0);
      expect(["\u001b", "\u202e"].filter((found) => stdout.includes(found))).toEqual([]);
    }
  });
});

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { addonForTests, findNvrtc } from "../../support/native.js";
import { inNode, removeFolders } from "../artefact/support.js";
import { cortado, folderWith, TINY_NET, TINY_SOLVER } from "./support.js";

const addon = await addonForTests();
const nvrtc = addon && findNvrtc();
let remove: (() => Promise<void>) | undefined;
afterEach(async () => {
  await remove?.();
  await removeFolders();
  remove = undefined;
});

async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const made = await folderWith({ "net.prototxt": TINY_NET, ...files });
  remove = made.remove;
  return made.folder;
}

describe("cortado build", () => {
  test("prints the files, what goes in and out, and a program that runs", async () => {
    const cwd = await folder();
    const { code, stdout, stderr } = await cortado(
      ["build", "net.prototxt", "--target", "ts", "--keep", "ip", "--out", "dist/tiny"],
      { cwd },
    );
    expect([code, stderr]).toEqual([0, ""]);
    // Sizes and the count of kernels change with the code that is generated.
    expect(
      stdout.replace(/ {2,}/g, " ").replace(/[\d.]+ (B|KiB|kernels)\b/g, "N $1"),
    ).toBe(`dist/tiny (ts: forward)
 net.d.ts N KiB
 net.d.cts N KiB
 weights.safetensors N B
 kernels/threads.txt N KiB
 package.json N B
 net.cjs N B
 net.js N KiB
 manifest.json N KiB

inputs data 8×4, label 8
 (no data layer reads here: data, label are given)
outputs accuracy scalar, loss scalar
memory N B of parameters, N KiB of blobs; N kernels

 import { load } from "./dist/tiny/net.js";
 const net = await load();
 const outputs = await net.forward({ data: new Float32Array(8 * 4), label: new Float32Array(8) });
 console.log(outputs["accuracy"]);
`);
    const example = stdout.split("\n\n").at(-1) ?? "";
    const [, body] = example.split('import { load } from "./dist/tiny/net.js";');
    const result = await inNode(
      join(cwd, "dist/tiny"),
      `const said = []; const console = { log: (x) => said.push(x.length) }; ${body} return said;`,
    );
    expect(result).toEqual([1]);
  });

  test.skipIf(nvrtc === undefined)("for cuda prints the kernels of each architecture", async () => {
    const cwd = await folder();
    const built = (arch: string) =>
      cortado(["build", "net.prototxt", "--target", "cuda", "--arch", arch, "--out", "dist"], { cwd });
    const { code, stdout, stderr } = await built("sm_86,sm_120");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^dist \(cuda: forward\)\n/);
    expect(stdout).toMatch(/\n {2}lib\/cortado-\w+-\w+\.node +\d+ KiB\n/);
    expect(stdout).toMatch(/\n {2}kernels\/sm_86\/ \(\d+ files\) +[\d.]+ KiB\n/);
    expect(stdout).toMatch(/\n {2}kernels\/sm_120\/ \(\d+ files\) +[\d.]+ KiB\n/);
    expect((await readdir(join(cwd, "dist/kernels"))).sort()).toEqual(["sm_120", "sm_86"]);
    const refused = await built("sm_86,sm_70");
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toMatch(/sm_70 is too old: sm_75 is the oldest architecture that nets run on/);
  });

  test.skipIf(addon === undefined)("for native prints the kernels of each processor", async () => {
    const cwd = await folder();
    const cpu = process.arch === "arm64" ? ["neon"] : ["sse", "avx2"];
    const flags = ["--target", "native", "--cpu", cpu.join(","), "--out", "dist"];
    const { code, stdout, stderr } = await cortado(["build", "net.prototxt", ...flags], { cwd });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^dist \(native: forward\)\n/);
    for (const name of cpu)
      expect(stdout).toMatch(new RegExp(`\\n {2}kernels/${name}/ \\(\\d+ files?\\) +[\\d.]+ KiB\\n`));
    expect((await readdir(join(cwd, "dist/kernels"))).sort()).toEqual(cpu.toSorted());
  });

  test("for wasm prints the module of each architecture that is asked for", async () => {
    const cwd = await folder();
    const flags = ["--target", "wasm", "--cpu", "relaxed", "--out", "dist"];
    const { code, stdout, stderr } = await cortado(["build", "net.prototxt", ...flags], { cwd });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^dist \(wasm: forward\)\n/);
    expect(stdout).toMatch(/\n {2}kernels\/relaxed\.wasm +[\d.]+ KiB\n/);
    expect(await readdir(join(cwd, "dist/kernels"))).toEqual(["relaxed.wasm"]);
  });

  test("--json is the report", async () => {
    const cwd = await folder({ "solver.prototxt": TINY_SOLVER });
    const { code, stdout } = await cortado(
      "build -model net.prototxt --train --solver solver.prototxt --out dist --json".split(" "),
      { cwd },
    );
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      out: join(cwd, "dist"),
      target: "ts",
      phase: "TRAIN",
      backward: true,
      train: true,
      needsRate: false,
      fed: ["data", "label"],
    });
    expect(await readdir(join(cwd, "dist"))).toHaveLength(report.files.length);
    expect(await readFile(join(cwd, "dist/net.d.ts"), "utf8")).toContain(
      "step(inputs: Inputs, scalars?: Scalars)",
    );
  });

  test("data need not be there where its shapes are given", async () => {
    const net = TINY_NET.replace(
      /type: "DummyData"[\s\S]*?\n {2}}\n/,
      'type: "Data" top: "data" top: "label" data_param { source: "nowhere" batch_size: 8 }\n',
    );
    const cwd = await folder({ "net.prototxt": net });
    const without = await cortado(["build", "net.prototxt", "--out", "dist"], { cwd });
    expect(without.code).toBe(2);
    expect(without.stderr).toContain(
      "the data is not needed where its shapes are given: --shape data=8,C,H,W --shape label=8",
    );
    const shapes = ["--shape", "data=8,4", "--shape", "label=8"];
    const { code, stdout } = await cortado(["build", "net.prototxt", ...shapes, "--out", "dist"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain("(no data layer reads here: data, label are given)");
  });
});

describe("cortado build, given what does not go", () => {
  test.each([
    ["no folder", [], "required option '--out <folder>' not specified"],
    ["an unknown target", ["--out", "dist", "--target", "cda"], "did you mean cuda?"],
    [
      "an architecture without cuda",
      ["--out", "dist", "--arch", "sm_80"],
      'option arch is for the target "cuda"',
    ],
    [
      "an unknown architecture",
      ["--out", "dist", "--target", "cuda", "--arch", "sm_80,volta"],
      'there is no architecture "volta"',
    ],
    [
      "processors without native",
      ["--out", "dist", "--cpu", "avx2"],
      'option cpu is for the target "wasm" or "native"',
    ],
    [
      "an unknown processor",
      ["--out", "dist", "--target", "native", "--cpu", "sse,avx-512"],
      "did you mean avx512?",
    ],
    [
      "a processor twice",
      ["--out", "dist", "--target", "native", "--cpu", "avx2", "--cpu", "avx2"],
      'option cpu names "avx2" more than once',
    ],
    [
      "a phase that does not learn",
      ["--out", "dist", "--train", "--phase", "TEST"],
      "a net is trained in phase TRAIN",
    ],
    [
      "a solver without --train",
      ["--out", "dist", "--solver", "s.prototxt"],
      "a solver is only used for the update",
    ],
    ["a folder that is a file", ["--out", "net.prototxt"], "it is a file"],
    ["weights that are not there", ["--out", "dist", "--weights", "w.caffemodel"], "cannot read the weights"],
    ["a blob that is not there", ["--out", "dist", "--keep", "pi"], 'keep names "pi"'],
  ])("%s: exit 2, and nothing is written", async (_, flags, message) => {
    const cwd = await folder();
    const { code, stdout, stderr } = await cortado(["build", "net.prototxt", ...flags], { cwd });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(await readdir(cwd)).toEqual(["net.prototxt"]);
  });
});

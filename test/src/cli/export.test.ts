import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { hasOnnxRuntime } from "../../support/onnx.js";
import { cortado, folderWith, type Ran, TINY_NET } from "./support.js";

const LENET = fileURLToPath(new URL("../../../examples/lenet/deploy.prototxt", import.meta.url));

/** Two layers without parameters: what they compute is known. */
const LINE = `
name: "line"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "double" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }
layer { name: "triple" type: "Power" bottom: "twice" top: "out" power_param { scale: 3 } }
`;

/** A package onnxruntime-node that computes LINE, times a factor for each blob, and knows no file. */
const standIn = (factors: {
  readonly data: number;
  readonly twice: number;
  readonly out: number;
}): string => `
const factors = ${JSON.stringify(factors)};
exports.env = { versions: { node: "9.9" } };
exports.Tensor = class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } };
exports.InferenceSession = {
  async create(file) {
    const outputNames = file.endsWith("all-blobs.onnx") ? ["out", "data", "twice"] : ["out"];
    return {
      inputNames: ["data"], outputNames, release: async () => {},
      async run({ data: { data, dims } }) {
        const own = { data: 1, twice: 2, out: 6 };
        return Object.fromEntries(outputNames.map((name) =>
          [name, { dims, data: data.map((x) => x * own[name] * factors[name]) }]));
      },
    };
  },
};
`;

/** Runs the command in a folder with these files. */
async function inFolder<T>(
  files: Readonly<Record<string, string>>,
  work: (
    run: (argv: readonly string[], env?: Readonly<Record<string, string | undefined>>) => Promise<Ran>,
    path: (name: string) => string,
  ) => Promise<T>,
): Promise<T> {
  const made = await folderWith(files);
  try {
    const run = (argv: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) =>
      cortado(["export", ...argv], { cwd: made.folder, env });
    return await work(run, made.path);
  } finally {
    await made.remove();
  }
}

const NOTHING = { CORTADO_PYTHON: "/nonexistent", PATH: "" };

test("a file, and what is in it", () =>
  inFolder({}, async (run, path) => {
    const text = await run([LENET, "--out", "lenet.onnx"]);
    expect([text.code, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).toMatch(
      /^lenet\.onnx \(ONNX, opset 17\): 1\.65 MiB\ninputs {3}data 1×1×28×28\noutputs {2}prob 1×10\nnodes {4}9, for 9 layers\n$/,
    );
    const bytes = await readFile(path("lenet.onnx"));
    expect(bytes.includes("cortado")).toBe(true);

    const { code, stdout } = await run(["--model", LENET, "--out", "lenet.onnx", "--json", "--keep", "ip1"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ out: path("lenet.onnx"), opset: 17, layers: 9 },
      inputs: [{ name: "data", shape: [1, 1, 28, 28] }],
      outputs: [{ name: "prob" }, { name: "ip1", shape: [1, 500] }],
    });
    const open = await run([LENET, "--out", "any.onnx", "--json", "--dynamic-batch"]);
    expect(JSON.parse(open.stdout)).toMatchObject({
      inputs: [{ name: "data", shape: ["batch", 1, 28, 28] }],
      outputs: [{ name: "prob", shape: ["batch", 10] }],
    });
  }));

test("what cannot be done is said, and nothing is written", () =>
  inFolder(
    {
      "drops.prototxt": `
        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }
        layer { name: "drop1" type: "Dropout" bottom: "data" top: "a" }
        layer { name: "drop2" type: "Dropout" bottom: "a" top: "b" }`,
    },
    async (run, path) => {
      const drops = await run(["drops.prototxt", "--out", "net.onnx", "--phase", "TRAIN"]);
      expect(drops.code).toBe(2);
      for (const layer of ["drop1", "drop2"])
        expect(drops.stderr).toContain(
          `layer "${layer}" (Dropout) cannot be exported: it draws random numbers`,
        );
      for (const [argv, says] of [
        [["--keep", "nope"], 'keep names "nope", a blob that the net does not have'],
        [["--opset", "99"], "opset is 99; it must be an integer from 13 to 21"],
        [["--opset", "12"], "Expected a whole number from 13 on."],
        [["--verify", "--backward"], "--verify is for files of a forward pass"],
      ] as const) {
        const { code, stdout, stderr } = await run([LENET, "--out", "net.onnx", ...argv]);
        expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(says)]);
      }
      const nowhere = await run([LENET, "--out", "none/net.onnx"]);
      expect([nowhere.code, nowhere.stdout]).toEqual([2, ""]);
      expect(nowhere.stderr).toMatch(/^error: cannot write ".*none\/net\.onnx": there is no such file or fo/);
      expect((await run([LENET])).stderr).toContain("'--out <file>' not specified");
      expect(existsSync(path("net.onnx"))).toBe(false);
    },
  ));

test("in 8 bits, with what that loses", () =>
  inFolder({}, async (run) => {
    const int8 = [LENET, "--out", "small.onnx", "--int8", "--images", "20"];
    const data = ["--calibrate", join(dirname(LENET), "train_test.prototxt")];
    const text = await run([...int8, ...data, "--tolerance", "1"]);
    expect([text.code, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).toMatch(/^small\.onnx \(ONNX, opset 17\): 43\d KiB$/m);
    expect(text.stdout).toMatch(
      /^int8 {5}4 of 4 layers, measured on \d\d images\noutput {3}prob: top-1 [\d.]+% in float, [\d.]+% in 8 bits; relative L2 [\d.e-]+\n$/m,
    );
    const json = JSON.parse((await run([...int8, ...data, "--json"])).stdout);
    expect(Object.keys(json.int8)).toEqual(["images", "layers", "outputs", "ranges"]);
    for (const [argv, says] of [
      [int8, "there is no data layer that gives any"],
      [[LENET, "--out", "x.onnx", ...data], "--calibrate is of no use without --int8"],
      [[...int8, ...data, "--float16"], "int8 and float16 are two forms of weights"],
      [[...int8, "--calibrate", "none.prototxt"], "none.prototxt"],
    ] as const) {
      const { code, stderr, stdout } = await run(argv);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(says)]);
    }
  }));

describe("--verify", () => {
  test("without onnxruntime says how to get one, and leaves the file", () =>
    inFolder({}, async (run, path) => {
      const named = await run([LENET, "--out", "named.onnx", "--verify"], NOTHING);
      expect([named.code, named.stdout.split("\n").length]).toEqual([2, 5]);
      expect(named.stderr).toContain('the Python that CORTADO_PYTHON names, "/nonexistent", does not run');
      expect(named.stderr).toContain("npm install onnxruntime-node, or pip install onnxruntime");
      const none = await run([LENET, "--out", "none.onnx", "--verify", "--json"], { PATH: "" });
      expect([none.code, none.stdout]).toEqual([2, ""]);
      expect(none.stderr).toContain("python3 is not on the PATH");
      // A program that is no Python, or one without the packages.
      const other = { CORTADO_PYTHON: process.execPath, PATH: process.env["PATH"] };
      const { stderr } = await run([LENET, "--out", "other.onnx", "--verify"], other);
      expect(stderr).toContain("has no onnxruntime and numpy that work (");
      for (const name of ["named", "none", "other"]) expect(existsSync(path(`${name}.onnx`))).toBe(true);
    }));

  const differing = { data: 1, twice: 1.5, out: 1.5 };
  test.each([
    [
      "all agree",
      { data: 1, twice: 1, out: 1 },
      0,
      /^all 3 blobs agree, and the 1 output of the file \(rel/m,
    ],
    [
      "one differs",
      differing,
      2,
      /^first difference: forward, twice of layer double, element \d: \S+ and \S+ \(relative L2 3\.3e-1\)$/m,
    ],
  ] as const)("by the package of the working directory: %s", (_, factors, code, says) =>
    inFolder({ "line.prototxt": LINE }, async (run, path) => {
      const folder = path("node_modules/onnxruntime-node");
      await mkdir(folder, { recursive: true });
      await writeFile(path("node_modules/onnxruntime-node/index.js"), standIn(factors));
      const text = await run(["line.prototxt", "--out", "line.onnx", "--verify"], NOTHING);
      expect([text.code, text.stderr]).toEqual([code, ""]);
      expect(text.stdout).toContain("verified by onnxruntime-node 9.9");
      expect(text.stdout).toMatch(says);
      const made = await run(["line.prototxt", "--out", "line.onnx", "--verify", "--json"], NOTHING);
      expect(made.code).toBe(code);
      const { verified } = JSON.parse(made.stdout);
      expect(verified.blobs.map(({ name }: { readonly name: string }) => name)).toEqual([
        "data",
        "twice",
        "out",
      ]);
      expect(verified.first?.name).toBe(code === 0 ? undefined : "twice");
      expect(verified.greatest).toBeCloseTo(code === 0 ? 0 : 1 / 3);
    }),
  );

  test.skipIf(!hasOnnxRuntime())("by Python: deployed, trained, with any batch, with all blobs", () =>
    inFolder({ "tiny.prototxt": TINY_NET, "line.prototxt": LINE }, async (run) => {
      const before = await readdir(tmpdir());
      const env = { PATH: process.env["PATH"], HOME: process.env["HOME"] };
      for (const [argv, blobs] of [
        [[LENET], 8],
        [[LENET, "--dynamic-batch", "--opset", "21"], 8],
        [[LENET, "--keep", "all", "--shape", "data=3,1,28,28"], 8],
        // Its data layer's tops are inputs of the file, and what it makes is what both run on.
        [["tiny.prototxt", "--phase", "TRAIN"], 4],
        [["line.prototxt", "--opset", "13", "--batch", "5"], 3],
        [[LENET, "--float16", "--external-data"], 8],
      ] as const) {
        const { code, stdout, stderr } = await run([...argv, "--out", "net.onnx", "--verify"], env);
        expect([stderr, code]).toEqual(["", 0]);
        expect(stdout).toMatch(/^verified by onnxruntime \d\S+ of Python/m);
        expect(stdout).toMatch(new RegExp(`^all ${blobs} blobs agree, and `, "m"));
      }
      const left = (await readdir(tmpdir())).filter((name) => name.startsWith("cortado-onnx-"));
      expect(left.filter((name) => !before.includes(name) && name.includes(`-${process.pid}-`))).toEqual([]);
    }),
  );
});

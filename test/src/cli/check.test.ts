import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { compile } from "../../../src/net/compile.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";
import { cortado, folderWith, type Ran, TINY_NET, TINY_SOLVER } from "./support.js";

const example = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/lenet/${name}`, import.meta.url));

let remove: (() => Promise<void>) | undefined;
afterEach(async () => {
  await remove?.();
  remove = undefined;
});

async function check(files: Readonly<Record<string, string | Uint8Array>>, ...flags: string[]): Promise<Ran> {
  const made = await folderWith(files);
  remove = made.remove;
  return cortado(["check", ...Object.keys(files), ...flags], { cwd: made.folder });
}

describe("cortado check", () => {
  test("files without a mistake", async () => {
    const { code, stdout, stderr } = await cortado([
      "check",
      ...["train_test", "deploy", "solver"].map((name) => example(`${name}.prototxt`)),
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/train_test\.prototxt: net \(TRAIN, TEST\): ok$/m);
    expect(stdout).toMatch(/deploy\.prototxt: net \(TRAIN, TEST\): ok$/m);
    expect(stdout).toMatch(/solver\.prototxt: solver: ok$/m);
    expect(stdout).toMatch(/\n3 files, 0 mistakes\n$/);
  });

  test("every mistake of every file, each at its place", async () => {
    const { code, stdout, stderr } = await check({
      "types.prototxt": TINY_NET.replace("InnerProduct", "InerProduct").replace(
        'bottom: "label" top: "loss"',
        'bottom: "lable" top: "loss"',
      ),
      "shapes.prototxt": TINY_NET.replace("shape { dim: 8 }", "shape { dim: 7 }"),
      "solver.prototxt": TINY_SOLVER.replace('"fixed"', '"fixd"').replace("net.prototxt", "none.prototxt"),
    });
    expect([code, stderr]).toEqual([2, ""]);
    expect(stdout).toMatch(
      /types\.prototxt:11:\d+: error: .*"InerProduct"\n.*\n.*\^+\n {2}did you mean "InnerProduct"\?/,
    );
    expect(stdout).toMatch(/types\.prototxt:15:\d+: error: .*bottom "lable" is made by no layer/);
    expect(stdout).toMatch(/shapes\.prototxt:\d+:\d+: error: layer "loss" \(SoftmaxWithLoss\)/);
    expect(stdout).toMatch(/solver\.prototxt:2:\d+: error: unknown learning rate policy "fixd"/);
    expect(stdout).toMatch(/solver\.prototxt:2:\d+: error: there is no file "none\.prototxt"/);
    expect(stdout).toMatch(/\n3 files, \d+ mistakes\n$/);
  });

  test("a mistake of one phase says so; one of both is reported once", async () => {
    const { stdout } = await check({
      "net.prototxt": TINY_NET.replace('top: "accuracy"', 'top: "accuracy" accuracy_param { axis: 9 }'),
      "other.prototxt": TINY_NET.replace("num_output: 3", "num_output: 3 axis: 9"),
    });
    expect(stdout).toMatch(/net\.prototxt:\d+:\d+: error: layer "acc".* \(in phase TEST\)$/m);
    expect(stdout.match(/other\.prototxt:\d+:\d+: error: layer "ip"/g)).toHaveLength(1);
    expect(stdout).not.toMatch(/"ip".*\(in phase/);
  });

  test("a file for training alone is not looked at in phase TEST", async () => {
    const { code, stdout } = await check({
      "train.prototxt": TINY_NET.replace('type: "DummyData"', 'type: "DummyData" include { phase: TRAIN }'),
    });
    expect(stdout).toMatch(/^train\.prototxt: net \(TRAIN\): ok$/m);
    expect(code).toBe(0);
  });

  test("a solver's net is checked with it; mistakes of a file given as well are counted once", async () => {
    const { code, stdout } = await check({
      "net.prototxt": TINY_NET.replace('"ReLU"', '"ReLUU"'),
      "solver.prototxt": TINY_SOLVER,
    });
    expect(code).toBe(2);
    expect(stdout.match(/there is no layer type "ReLUU"/g)).toHaveLength(1);
    expect(stdout).toMatch(/\n2 files, 1 mistake\n$/);
  });

  test("data need not be there; what its settings do not tell is asked for", async () => {
    const data = (more: string): string =>
      TINY_NET.replace(
        /type: "DummyData"[\s\S]*?\}\n\}/,
        `type: "Data" top: "data" top: "label" data_param { source: "none" batch_size: 5 } ${more} }`,
      );
    const plain = await check({ "net.prototxt": data("") });
    expect(plain.code).toBe(0);
    expect(plain.stdout).toContain("give --shape data=5,C,H,W --shape label=5");
    await remove?.();
    const cropped = await check({
      "net.prototxt": data("transform_param { crop_size: 9 }").replace(
        "num_output: 3",
        "num_output: 3 axis: 7",
      ),
    });
    expect(cropped.stdout).toContain("shapes follow from its crop_size: 5×3×9×9");
    expect(cropped.code).toBe(2);
    await remove?.();
    const given = await check({ "net.prototxt": data("") }, "--shape", "data=5,4", "--shape", "label=6");
    expect(given.stdout).toMatch(/error: layer "loss" \(SoftmaxWithLoss\)/);
  });

  test("binary files, files that are neither, files that are not there", async () => {
    const made = await folderWith({ "net.prototxt": TINY_NET, "solver.prototxt": TINY_SOLVER });
    remove = made.remove;
    await cortado(["train", "solver.prototxt"], { cwd: made.folder });
    const { code, stdout } = await cortado(
      ["check", "solver_iter_40.caffemodel", "solver_iter_40.solverstate", "none.prototxt", "."],
      { cwd: made.folder },
    );
    expect(stdout).toMatch(/^solver_iter_40.caffemodel: weights \(1 layer, 15 values\): ok$/m);
    expect(stdout).toMatch(
      /^solver_iter_40.solverstate: solver state \(iteration 40, 2 history blobs\): ok$/m,
    );
    expect(stdout).toMatch(/^error: Cannot read ".*none.prototxt": there is no such file or folder$/m);
    expect(stdout).toMatch(/^error: Cannot read ".*": it is a folder$/m);
    expect(stdout).toMatch(/\n4 files, 2 mistakes\n$/);
    expect(code).toBe(2);
    await remove();
    const others = await check({
      "empty.prototxt": "# nothing\n",
      "text.txt": "Once upon a time: there was a net.",
      "noise.caffemodel": Uint8Array.from({ length: 500 }, (_, i) => (i * 97) % 256),
      "cut.solverstate": Uint8Array.of(8, 40, 18, 200, 1),
    });
    expect(others.stdout.match(/^error: /gm)).toHaveLength(4);
    expect(others.stdout).toMatch(/\n4 files, 4 mistakes\n$/);
  });

  test("warnings are no mistakes", async () => {
    const { code, stdout } = await check({
      "solver.prototxt": TINY_SOLVER.replace("max_iter: 40", ""),
      "net.prototxt": TINY_NET,
    });
    expect(code).toBe(0);
    expect(stdout).toContain("solver.prototxt: solver: ok, 1 warning");
    expect(stdout).toMatch(/\n2 files, 0 mistakes, 1 warning\n$/);
  });

  test("--json: one document, places by line and column", async () => {
    const { code, stdout, stderr } = await check(
      { "net.prototxt": TINY_NET.replace('"ReLU"', '"ReLUU"') },
      "--json",
    );
    expect([code, stderr]).toEqual([2, ""]);
    const report = JSON.parse(stdout) as { files: { diagnostics: { file: string }[] }[] };
    expect(report).toMatchObject({
      mistakes: 1,
      warnings: 0,
      files: [
        {
          file: "net.prototxt",
          kind: "net (TRAIN, TEST)",
          diagnostics: [{ severity: "error", line: 14, column: 28, hint: 'did you mean "ReLU"?' }],
        },
      ],
    });
  });
});

describe("data that is not there", () => {
  test.each([
    [
      "colour",
      'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 3 kernel_size: 1 group: 3 } }',
    ],
    [
      "gray",
      `layer { name: "i" type: "Input" top: "i" input_param { shape { dim: 2 dim: 1 dim: 4 dim: 4 } } }
       layer { name: "e" type: "Eltwise" bottom: "data" bottom: "i" top: "e" }`,
    ],
  ])("images that are not there may be the ones that fit: %s", async (_, layers) => {
    const data = `layer { name: "d" type: "Data" top: "data" top: "label" transform_param { crop_size: 4 }
      data_param { source: "none_lmdb" batch_size: 2 backend: LMDB } }`;
    const { code, stdout } = await check({ "net.prototxt": `${data} ${layers}` });
    expect([code, stdout]).toEqual([0, expect.stringContaining("0 mistakes")]);
  });
});

describe("bad input", () => {
  test("mutated nets and solvers: a verdict each time, never a fault", async () => {
    const made = await folderWith({});
    remove = made.remove;
    const pieces = [
      "{",
      "}",
      '"',
      ":",
      "\u00a0",
      "layer {",
      "dim: 4294967296",
      "dim: -1",
      "\\",
      "#",
      "1e999",
      "[",
      "name: '",
      "\u0000",
    ];
    const { writeFile } = await import("node:fs/promises");
    const mutation = fc.record({ at: fc.nat(900), drop: fc.nat(12), put: fc.constantFrom("", ...pieces) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(TINY_NET, TINY_SOLVER),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        async (text, mutations) => {
          let mutated = text;
          for (const { at, drop, put } of mutations)
            mutated = mutated.slice(0, at) + put + mutated.slice(at + drop);
          await writeFile(made.path("net.prototxt"), TINY_NET);
          await writeFile(made.path("mutated.prototxt"), mutated);
          const { code, stdout, stderr } = await cortado(["check", "mutated.prototxt"], { cwd: made.folder });
          expect([0, 2]).toContain(code);
          expect(stderr).toBe("");
          expect(stdout).toMatch(/\n1 file, [\d,]+ mistakes?(, \d+ warnings?)?\n$/);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe.runIf(hasOracle())("files that Caffe users have", () => {
  test("what Caffe builds has no mistake", async () => {
    const nets = readdirSync(oraclePath("corpus")).map((name) =>
      oraclePath("corpus", name, "original.prototxt"),
    );
    const { stdout } = await cortado(["check", ...nets, "--json"]);
    const report = JSON.parse(stdout) as {
      files: { file: string; diagnostics: { severity: string; message: string }[] }[];
    };
    expect(report.files).toHaveLength(nets.length);
    const wrong = report.files.flatMap(({ file, diagnostics }) =>
      diagnostics
        .filter(({ severity }) => severity === "error")
        .map(({ message }) => `${file.split("/").at(-2)}: ${message}`),
    );
    // Written for phase TRAIN; in phase TEST its accuracy layer reads a label that nothing makes, in Caffe too.
    expect(wrong).toEqual([
      '003: layer "accuracy" (Accuracy): bottom "label" is made by no layer (in phase TEST)',
    ]);
  });

  test("what Caffe refuses is refused, as the kind of file it is", async () => {
    const files = readdirSync(oraclePath("syntax", "bad")).filter((name) => name.endsWith(".prototxt"));
    const { stdout } = await cortado([
      "check",
      ...files.map((name) => oraclePath("syntax", "bad", name)),
      "--json",
    ]);
    const report = JSON.parse(stdout) as {
      files: { file: string; kind: string; diagnostics: { severity: string }[] }[];
    };
    for (const { file, kind, diagnostics } of report.files) {
      expect(
        diagnostics.some(({ severity }) => severity === "error"),
        file,
      ).toBe(true);
      expect(kind, file).toMatch(/\.solver\./.test(file) ? /^solver/ : /^net/);
    }
  });

  test("binary files that Caffe wrote", async () => {
    const files = [
      "lenet_init.caffemodel.h5",
      "mean.binaryproto",
      "snapshot-adam/lenet_iter_60.caffemodel",
      "snapshot-adam/lenet_iter_60.solverstate",
    ];
    const { code, stdout } = await cortado(["check", ...files], { cwd: oraclePath("files") });
    expect(code).toBe(0);
    expect(stdout).toMatch(/caffemodel\.h5: weights \(4 layers, 431,080 values\): ok$/m);
    expect(stdout).toMatch(/binaryproto: blob \(1×1×28×28\): ok$/m);
    expect(stdout).toMatch(/60\.solverstate: solver state \(iteration 60, 16 history blobs\): ok$/m);
  });
});

describe("cortado check, of what need not be right or there", () => {
  // What a net for use alone cannot do in TRAIN is no mistake of it.
  const DEPLOY = `input: "clips" input_dim: 4 input_dim: 3 input_dim: 1 input_dim: 1
layer { name: "steps" type: "Reshape" bottom: "clips" top: "steps" reshape_param { shape { dim: 2 dim: 2 dim: 3 } } include { phase: TEST } }
layer { name: "fc" type: "InnerProduct" bottom: "steps" top: "fc" inner_product_param { num_output: 2 axis: 2 } }
`;
  test("mistakes in TRAIN alone are notes where nothing trains, and mistakes by --phase TRAIN", async () => {
    const { code, stdout } = await check({ "deploy.prototxt": DEPLOY });
    expect(stdout).toMatch(
      /^deploy\.prototxt: net \(TEST\): ok\n {2}not in phase TRAIN.*deploy\.prototxt:3:\d+: .*"steps"/,
    );
    expect(code).toBe(0);
    const asked = await check({ "deploy.prototxt": DEPLOY }, "--phase", "TRAIN");
    expect(asked.stdout).toMatch(/^deploy\.prototxt: net \(TRAIN\): 1 mistake$/m);
    expect(asked.code).toBe(2);
    const test = await check({ "deploy.prototxt": DEPLOY }, "--phase", "test");
    expect([test.code, test.stdout]).toEqual([0, "deploy.prototxt: net (TEST): ok\n1 file, 0 mistakes\n"]);
  });

  test.each([
    ["a loss", `layer { name: "l" type: "EuclideanLoss" bottom: "fc" bottom: "fc" }`],
    ["a loss_weight", `layer { name: "l" type: "Power" bottom: "fc" top: "l" loss_weight: 1 }`],
    [
      "a layer of TRAIN",
      `layer { name: "l" type: "Power" bottom: "clips" top: "l" include { phase: TRAIN } }`,
    ],
    [
      "a layer that TEST leaves out",
      `layer { name: "l" type: "Power" bottom: "clips" top: "l" exclude { phase: TEST } }`,
    ],
  ])("not so with %s", async (_, layer) => {
    const { code, stdout } = await check({ "net.prototxt": DEPLOY + layer });
    expect(stdout).toMatch(/net\.prototxt:3:\d+: error: .*"steps" .*\(in phase TRAIN\)$/m);
    expect(code).toBe(2);
  });

  test("a Python layer without bottoms whose tops have shapes is an input", async () => {
    const net = `layer { name: "data" type: "Python" top: "data" top: "label" python_param { module: "m" layer: "Pairs" } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }`;
    const shapes = ["--shape", "data=2,3", "--shape", "label=2"];
    expect((await check({ "net.prototxt": net }, ...shapes)).stdout).toMatch(/net \(TRAIN, TEST\): ok/);
    const refused = await check({ "net.prototxt": net }, ...shapes.slice(0, 2));
    expect(refused.stdout).toMatch(
      /Cortado does not run Python.*\n.*\n.*\n {2}give the shapes of its tops, .* "data", "label"\. Or say/,
    );
    expect(refused.code).toBe(2);
    const compiled = await compile(net, { target: "ts", shapes: { data: [2, 3], label: [2] } });
    expect(compiled.inputs).toEqual(["data", "label"]);
    await compiled.close();
  });

  test("an infogain matrix is looked at where it is there", async () => {
    const net = `layer { name: "x" type: "Input" top: "x" top: "y" input_param { shape { dim: 1 dim: 2 } shape { dim: 1 } } }
layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "y" top: "l" infogain_loss_param { source: "h" } }`;
    const { code, stdout } = await check({ "net.prototxt": net, h: "not a blob" });
    expect(stdout).toMatch(/net\.prototxt:2:\d+: error: layer "l" \(InfogainLoss\): /m);
    expect(code).toBe(2);
    const without = await check({ "net.prototxt": net });
    expect([without.code, without.stdout]).toEqual([
      0,
      expect.stringMatching(/the infogain matrix of layer "l".*is not there/),
    ]);
  });
});

/**
 * Whatever plain JavaScript gives a public function, in whatever place: a result or a CortadoError that shows in a sentence
 * each, never another error, never a call that does not end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as cortado from "../../src/index.js";
import { type Loose, OPENED, tryAll, tryFields } from "../support/wrong-calls.js";

const NET = `name: "n" force_backward: true
layer { name: "data" type: "Input" top: "data" top: "label" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
const SOLVER = `net_param { ${NET} } base_lr: 0.1 lr_policy: "fixed" max_iter: 1 snapshot: 0 snapshot_after_train: false`;

let folder = "";
let net: cortado.CompiledNet;
let solver: cortado.Solver;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cortado-arguments-"));
  net = await cortado.compile(NET, { keep: "all", target: "ts", phase: "TRAIN" });
  solver = await cortado.createSolver(SOLVER, { target: "ts" });
});
afterAll(async () => {
  for (const open of [net, solver, ...OPENED]) await open.close();
  rmSync(folder, { recursive: true, force: true });
});

const blob = { shape: [1], data: new Float32Array(1) };
const weights = { layers: [{ name: "ip", type: "InnerProduct", blobs: [blob] }] };
const record = { type: "T", summary: "s", bottoms: { exact: 1 }, tops: { exact: 1 }, lower: () => [] };
const swish = { type: "E", summary: "s", equation: "e", apply: (x: cortado.scalar.Scalar) => x };
const data = new Float32Array(6);
const label = new Float32Array(2);
const report = { matched: ["a"], untouched: [{ layer: "b" }], unused: [] };
const gradients = { checked: 1, kinks: 0, worst: 0, failures: [], parts: [] };

/** Arguments with which each public function works; a path that is not there, where a file would take time. */
const CALLS: Readonly<
  Record<
    Exclude<keyof typeof cortado, "scalar" | "extras" | "CortadoError" | "InternalError">,
    () => readonly unknown[]
  >
> = {
  awayFrom: () => [0, 1],
  buildNet: () => [NET, { out: join(folder, "built"), train: true, solver: "no/such.prototxt" }],
  checkGradients: () => ["no/such.prototxt", { runs: 1 }],
  collectWeights: () => [net],
  compareNets: () => [net, net, { data, label }, { bound: 0 }],
  compile: () => ["no/such.prototxt", { phase: "TEST" }],
  computeMean: () => ["no/such/folder", { root: folder }],
  convertCifar10: () => ["no/such/folder", join(folder, "cifar"), { root: folder }],
  convertImages: () => ["no/such.txt", join(folder, "images"), { root: folder }],
  convertMnist: () => ["no/such/folder", join(folder, "mnist"), { root: folder }],
  convertRecords: () => ["no/such/folder", join(folder, "records"), { records: 1 }],
  createImageTransform: () => [{ size: { height: 2, width: 2 } }],
  createSolver: () => ["no/such.prototxt", {}],
  defineLayer: () => [record],
  elementwise: () => [swish],
  encodeWeights: () => [weights, "safetensors"],
  exportOnnx: () => ["no/such.prototxt", { opset: 17 }],
  formatDiagnostics: () => [[{ severity: "error", message: "m" }]],
  formatEvent: () => [{ kind: "done", iteration: 0, stopped: false }],
  formatGradientReport: () => [gradients],
  formatMatchReport: () => [report],
  formatNet: () => [cortado.parseNet(NET)],
  formatPlan: () => [net.plan, {}],
  knownLayerTypes: () => [[]],
  loadWeights: () => [net, { layers: [] }],
  openDataset: () => ["no/such/folder", { color: "gray" }],
  parseNet: () => [NET, { name: "n" }],
  parseSolver: () => [SOLVER, { name: "n" }],
  readImage: () => ["no/such.png", { color: "gray" }],
  readMean: () => ["no/such.binaryproto"],
  readWeights: () => ["no/such.caffemodel"],
  topK: () => [[1, 2], { k: 1, labels: ["a", "b"] }],
  writeOnnx: () => [join(folder, "no/such/net.onnx"), "no/such.prototxt", { opset: 17 }],
  writeWeights: () => [join(folder, "w.safetensors"), weights],
};

describe("any value in any place", () => {
  it("of every function that the package exports", async () => {
    const functions = Object.entries(cortado).filter(
      ([name, value]) => typeof value === "function" && !/^[A-Z]/.test(name),
    );
    expect(functions.map(([name]) => name).sort()).toEqual(Object.keys(CALLS).sort());
    for (const [name, call] of functions)
      expect(await tryAll(name, call as Loose, CALLS[name as keyof typeof CALLS]())).toEqual([]);
  });

  it("of the methods of a net, a training net, a parameter and a solver", async () => {
    const training = solver.net;
    const [param] = net.params["ip"];
    const methods: readonly (readonly [string, unknown, readonly unknown[]])[] = [
      ["forward", net.forward, [{ data, label }, { from: "data" }]],
      ["backward", net.backward, [{ ip: new Float32Array(4) }, { from: "ip", to: "ip" }]],
      ["read", net.read, ["ip"]],
      ["readDiff", net.readDiff, ["ip"]],
      ["write", param.write, [new Float32Array(6)]],
      ["read of a parameter", param.read, []],
      ["training.step", training.step, [{ rate: 0.1, momentum: 0.9 }, { data, label }, () => undefined]],
      ["history", training.history[0].write, [new Float32Array(6)]],
      ["solver.step", solver.step, [0]],
      ["solver.test", solver.test, [0]],
      ["solver.restore", solver.restore, ["no/such.solverstate"]],
    ];
    for (const [name, call, good] of methods) expect(await tryAll(name, call as Loose, good)).toEqual([]);
  });

  it("of the fields of inputs, options and records", async () => {
    expect(
      await tryFields("forward", (given) => net.forward(given as never), ["data", "label", "__proto__"]),
    ).toEqual([]);
    const options =
      "phase target keep weights layers root stages level seed threads shapes share debug log dtype passes";
    const missing = (given: unknown) => cortado.compile("no/such.prototxt", given as never);
    expect(await tryFields("compile", missing, options.split(" "))).toEqual([]);
    const fields =
      "net name input input_shape layer layers state force_backward source warnings leftOut damaged";
    expect(await tryFields("net", (given) => cortado.compile(given as never), fields.split(" "))).toEqual([]);
    const given = "net net_param base_lr test_iter stepvalue type solver_mode snapshot_prefix solver";
    expect(
      await tryFields("solver", (plain) => cortado.createSolver(plain as never), given.split(" ")),
    ).toEqual([]);
    const own = "type parameter param bottoms tops autoTop notes lossWeight lower feed domain declared";
    const define = (part: unknown) => cortado.defineLayer({ ...record, ...(part as object) } as never);
    expect(await tryFields("defineLayer", define, own.split(" "))).toEqual([]);
    const declare = (part: unknown) =>
      cortado.defineLayer({
        ...record,
        param: { name: "t_param", fields: { f: { type: "enum", values: ["A"], ...(part as object) } } },
      } as never);
    expect(
      await tryFields("a declared field", declare, [
        "type",
        "values",
        "default",
        "number",
        "repeated",
        "fields",
      ]),
    ).toEqual([]);
  });

  it("of the language of scalar expressions", async () => {
    const { scalar } = cortado;
    const x = scalar.arg(0);
    const good: Readonly<Record<string, readonly unknown[]>> = {
      unary: ["exp", x],
      shaped: ["elu", x, 1],
      binary: ["max", x, x],
      select: ["gt", x, x, x, x],
      substitute: [x, () => x],
      replace: [x, () => undefined],
      evaluateScalar: [x, [1], []],
      unaryFunction: ["exp"],
      shapedFunction: ["elu"],
      binaryFunction: ["max"],
    };
    for (const [name, call] of Object.entries(scalar))
      if (typeof call === "function")
        expect(await tryAll(name, call as Loose, good[name] ?? [x, x])).toEqual([]);
  });
});

const refusal = async (call: Promise<unknown> | (() => unknown)): Promise<string> => {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    expect(error).toBeInstanceOf(cortado.CortadoError);
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
};

describe("one sentence", () => {
  it("for what is nearly right", async () => {
    expect(await refusal(cortado.compile(NET, { stages: "deploy" } as never))).toBe(
      'error: option stages is "deploy"; it must be an array of strings\n  write ["deploy"]',
    );
    expect(await refusal(net.forward(data as never))).toBe(
      'error: inputs are given as an object: { name: Float32Array }\n  the net has: "data", "label"',
    );
    expect(await refusal(net.forward({ data: [1, "2"], label } as never))).toBe(
      'error: "data" is not an array of numbers: element 1 is no number',
    );
    expect(await refusal(net.forward({}, { form: "ip" } as never))).toBe(
      'error: a range of layers has no field "form"\n  did you mean "from"?',
    );
    expect(await refusal(cortado.createSolver(SOLVER, { on_event: 1, thread: 2 } as never))).toBe(
      'error: createSolver has no option "on_event"\n  did you mean "onEvent"?\n\n' +
        'error: createSolver has no option "thread"\n  did you mean "threads"?',
    );
    expect(await refusal(cortado.compile(NET, { passes: { winogard: false } }))).toBe(
      'error: no target has a pass "winogard"\n  did you mean "winograd"?',
    );
    expect(await refusal(cortado.compile(NET, { passes: { winograd: 0 } } as never))).toContain(
      "winograd is 0;",
    );
    expect(await refusal(cortado.compile(cortado.parseSolver(SOLVER) as never))).toBe(
      "error: argument net of compile is a solver\n  createSolver takes a solver",
    );
    expect(await refusal(cortado.compile(Promise.resolve(NET) as never))).toContain("is an await missing?");
    expect(await refusal(() => cortado.scalar.add(cortado.scalar.arg(0), 1 as never))).toContain(
      "write constant(1)",
    );
    expect(await refusal(() => cortado.defineLayer({ ...record, botoms: 1 } as never))).toContain(
      'did you mean "bottoms"?',
    );
    expect(await refusal(solver.net.step({ rat: 1 }, { data, label }))).toContain('did you mean "rate"?');
  });
});

describe("a layer type's own definition", () => {
  it.each<readonly [string, (context: cortado.LayerContext) => unknown]>([
    ["gives null; it must be an array of 1 node", () => null],
    ["gives 5; it must be", () => 5],
    ["gives [null]; it must be", () => [null]],
    ["gives an array of 1; it must be", () => [{ shape: [1] }]],
    ["gives an array of 2; it must be", ({ bottoms: [x] }) => [x, x]],
    ["gives a promise", async ({ bottoms }) => bottoms],
    ["makes no sound graph: ", ({ builder, bottoms: [x] }) => [builder.reduce("summ" as "sum", x, [0])]],
    ["makes no sound graph: ", ({ builder, bottoms: [x] }) => [builder.map(cortado.scalar.arg(3), [x])]],
    ["throws TypeError: ", ({ builder, bottoms: [x] }) => [builder.map(5 as never, [x])]],
    [
      "throws Error: mine\n  at ",
      () => {
        throw new Error("mine");
      },
    ],
  ])("%s", async (said, lower) => {
    const layers = [cortado.defineLayer({ ...record, type: "Own", lower: lower as never })];
    const text = await refusal(
      cortado.compile(NET.replace('"InnerProduct"', '"Own"').replace(/inner_product_param \{.*?\}/, ""), {
        layers,
      }),
    );
    expect(text).toContain('layer "ip" (Own): its definition ');
    expect(text.replaceAll(/\n.*\| .*/g, "")).toContain(said);
  });
});

describe("a net, a solver and weights in every form", () => {
  const plain = {
    name: "n",
    layer: [
      { name: "x", type: "Input", top: "x", input_param: { shape: { dim: [2, 3] } } },
      { name: "y", type: "ReLU", bottom: ["x"], top: ["y"], relu_param: { negative_slope: 0.5 } },
    ],
  } as const;
  const x = Float32Array.of(-2, 2, -4, 4, 0, 1);
  const y = [-1, 2, -2, 4, 0, 1];

  it("computes the same", async () => {
    const text = cortado.formatNet(plain);
    const parsed = cortado.parseNet(text);
    expect(cortado.formatNet(parsed)).toBe(text);
    expect(cortado.formatNet(parsed.net)).toBe(text);
    expect(cortado.formatNet(JSON.parse(JSON.stringify(parsed)) as never)).toBe(text);
    const bytes = new TextEncoder().encode(text);
    expect(cortado.parseNet(bytes.buffer).net).toEqual(parsed.net);
    for (const form of [text, bytes, Buffer.from(text), bytes.buffer, parsed, plain]) {
      const made = await cortado.compile(form, { target: "ts" });
      expect([...(await made.forward({ x }))["y"]]).toEqual(y);
      await made.close();
    }
  });

  it("takes a file: URL", async () => {
    const path = new URL("../../examples/logistic-regression/net.prototxt", import.meta.url);
    for (const form of [path, path.href]) {
      const made = await cortado.compile(form, { target: "ts", root: new URL(".", path) });
      expect(made.inputs).toEqual(["data", "label"]);
      await made.close();
    }
    expect(await refusal(cortado.compile(new URL("http://localhost/net")))).toContain(
      "only file: URLs are read",
    );
    const file = pathToFileURL(join(folder, "url.safetensors"));
    await cortado.writeWeights(file, weights);
    const read = await cortado.readWeights(file);
    const encoded = await cortado.encodeWeights(weights, "safetensors");
    expect(await cortado.readWeights(new Uint8Array(encoded).buffer)).toEqual(read);
  });

  it("makes a solver of plain objects", async () => {
    const net_param = cortado.parseNet(NET).net;
    const made = await cortado.createSolver(
      { net_param, base_lr: 0.1, lr_policy: "fixed", max_iter: 2, snapshot_after_train: false },
      { target: "ts", inputs: { data, label } },
    );
    expect((await made.solve()).iteration).toBe(2);
    await made.close();
  });

  it("says every mistake of plain objects, at its place", async () => {
    const wrong = {
      layer: [
        { nam: "x", type: 3 },
        { name: "y", relu_param: { negative_slope: "x" } },
      ],
      zzz: 1,
    };
    const text = await refusal(cortado.compile(wrong as never));
    expect(text.split("\n").filter((line) => line.startsWith("error"))).toEqual([
      'error: the net has no field "zzz"',
      'error: the net.layer[0] has no field "nam"',
      "error: the net.layer[0].type is 3; it must be a string",
      'error: the net.layer[1].relu_param.negative_slope is "x"; it must be a number',
    ]);
  });
});

describe("what is given is taken at the call", () => {
  it("inputs, diffs, weights, options, nets and values of parameters", async () => {
    const inputs = { data: Float32Array.of(1, 2, 3, 4, 5, 6), label: Float32Array.of(0, 1) };
    const calm = await net.forward({ data: inputs.data.slice(), label: inputs.label.slice() });
    const forward = net.forward(inputs);
    inputs.data.fill(9);
    inputs.label = Float32Array.of(7, 7);
    expect(await forward).toEqual(calm);

    const diff = Float32Array.of(1, 0, 0, 1);
    const gradient = (await net.backward({ ip: diff.slice() })).inputs["data"];
    await net.forward({ data: Float32Array.of(1, 2, 3, 4, 5, 6), label: Float32Array.of(0, 1) });
    const backward = net.backward({ ip: diff });
    diff.fill(0);
    expect((await backward).inputs["data"]).toEqual(gradient);

    const [param] = net.params["ip"];
    const values = new Float32Array(6).fill(2);
    const write = param.write(values);
    values.fill(3);
    await write;
    expect(await param.read()).toEqual(new Float32Array(6).fill(2));

    const stages = ["deploy"];
    const keep = ["a"];
    const set = { layers: [{ name: "c", type: "", blobs: [{ shape: [1], data: Float32Array.of(5) }] }] };
    const fields = {
      layer: [
        { name: "a", type: "Input", top: "a", input_param: { shape: { dim: 1 } } },
        { name: "b", type: "ReLU", bottom: "a", top: "b", include: { stage: "deploy" } },
        { name: "c", type: "Scale", bottom: "a", top: "c", scale_param: { axis: 0 } },
      ],
    };
    const compiling = cortado.compile(fields, { target: "ts", stages, keep, weights: set });
    stages[0] = "other";
    keep[0] = "nothing";
    set.layers[0].blobs[0].data[0] = 6;
    fields.layer[1].type = "Sigmoid";
    const made = await compiling;
    const given = await made.forward({ a: Float32Array.of(-1) });
    expect([made.layers[1].type, given["b"][0], given["c"][0]]).toEqual(["ReLU", 0, -5]);
    expect([...(await made.read("a"))]).toEqual([-1]);
    await made.close();
  });
});

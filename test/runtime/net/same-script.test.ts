/** A compiled and a built net behave alike: one script of calls, what each gives and what each refuses. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseSolver } from "../../../src/index.js";
import { compileTraining } from "../../../src/net/compile.js";
import { buildEmulated } from "../../src/artefact/cuda-support.js";
import { bits, build, inNode, newFolder, removeFolders, standIn } from "../../src/artefact/support.js";
import { addonForTests, buildDouble, doubleSettings } from "../../support/native.js";

const loaded = await addonForTests();
afterAll(removeFolders);

const NET = `
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "ip" top: "bn" }
layer { name: "relu" type: "ReLU" bottom: "bn" top: "relu" }
layer { name: "drop" type: "Dropout" bottom: "relu" top: "drop" }
layer { name: "top" type: "InnerProduct" bottom: "drop" top: "top"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 1 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "top" bottom: "label" top: "loss" }
`;
const SOLVER = 'base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" random_seed: 3';

/** Statements over `net`, whose `step` takes inputs and scalars; they return what was given and said. */
const SCRIPT = `
  const said = (error) => error.diagnostics
    ? error.diagnostics.map(({ message, hint }) => (hint ? message + "\\n  " + hint : message)).join("\\n")
    : error.message;
  const plain = (value) => {
    if (value instanceof Float32Array) return bits(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value ?? null;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
  };
  const seen = [];
  const call = (name, work) =>
    work().then(
      (value) => void seen.push([name, plain(value)]),
      (error) => void seen.push([name, "refused: " + said(error)]),
    );
  const data = standIn(6);
  const label = Float32Array.of(0, 1);
  const ip = Float32Array.of(1, 2, 3, 4, 5, 6);
  const wrong = Float32Array.of(0, 3);
  const reads = async (when) => {
    for (const blob of ["loss", "relu", "data", "ip", "rely"]) {
      await call(when + ", read " + blob, () => net.read(blob));
      await call(when + ", read the diff of " + blob, () => net.readDiff(blob));
    }
    await call(when + ", read the diff of a parameter", () => weights.readDiff());
    await call(when + ", read the diff of another", () => net.params.ip[0].readDiff());
  };
  const [weights] = net.params.top;

  await call("backward before all", () => net.backward());
  await reads("before all");
  await call("forward on nothing", () => net.forward());
  await call("forward on no object", () => net.forward(null));
  await call("forward on wrong inputs", () => net.forward({ data: ip.subarray(1), labels: label }));
  await call("forward on what is no array", () => net.forward({ data: 3, label }));
  await call("forward on a part", () => net.forward({ data }));
  await call("forward", () => net.forward({ data, label }));
  await reads("after forward");
  await call("forward on the same", () => net.forward());
  await call("backward", () => net.backward());
  await call("backward from a diff", () => net.backward({ ip }));
  await reads("after backward");
  await call("backward again, from the loss", () => net.backward());
  await call("backward from an unknown blob", () => net.backward({ iq: ip }));
  await call("backward from a short diff", () => net.backward({ ip: label }));
  await call("forward after backward", () => net.forward());
  await call("a label out of range", () => net.forward({ data, label: wrong }));
  await reads("after a label out of range");
  await call("backward after a label out of range", () => net.backward());
  await call("forward on what is held", () => net.forward());
  await call("forward after a label out of range", () => net.forward({ data, label }));
  await call("a parameter", () => weights.read());
  await call("a short parameter", () => weights.write(label));
  await call("no parameter", () => weights.write());
  await call("in turn", () =>
    Promise.all([net.forward(), weights.write(standIn(9, 2)), net.forward(), weights.read(), net.read("relu")]));
  await call("backward after a write", () => net.backward());
  await call("a write", () => weights.write(standIn(9, 3)));
  await call("backward after parameters changed", () => net.backward());
  await call("step on nothing", () => net.step(undefined, { rate: 0.1 }));
  await call("step", () => net.step({ data, label }, { rate: 0.1 }));
  await reads("after a step");
  await call("backward after a step", () => net.backward());
  await call("step at another rate", () => net.step({ data: ip, label }, { rate: 0.01 }));
  await call("step on the same", () => net.step(undefined, { rate: 0.1 }));
  await call("step on wrong inputs", () => net.step({ data: label }, { rate: 0.1 }));
  await call("step with a label out of range", () => net.step({ data, label: wrong }, { rate: 0.1 }));
  await call("backward after steps", () => net.backward());
  await call("forward after steps", () => net.forward());
  for (const [i, slot] of net.history.entries()) await call("history " + i, () => slot.read());
  await call("a short slot", () => net.history[0].write(label));
  await call("a slot", () => net.history[0].write(new Float32Array(9)));
  await call("step after that", () => net.step({ data, label }, { rate: 0.1 }));
  for (const [layer, params] of Object.entries(net.params))
    for (const [i, param] of params.entries()) await call(layer + " " + i, () => param.read());
  await call("close, with a call before and one after", () =>
    Promise.allSettled([net.forward(), net.close(), net.forward()]).then((all) =>
      all.map(({ value, reason }) => reason ? said(reason) : value)));
  await call("close again", () => net.close());
  await reads("after close");
  await call("forward after close", () => net.forward({ data, label }));
  await call("backward after close", () => net.backward());
  await call("step after close", () => net.step({ data, label }, { rate: 0.1 }));
  await call("a parameter after close", () => weights.read());
  await call("a write after close", () => weights.write(standIn(9)));
  await call("history after close", () => net.history[0].read());
  return seen;
`;

type Transcript = readonly (readonly [call: string, value: unknown])[];

async function compiled(target: "ts" | "wasm" | "emulator"): Promise<Transcript> {
  const { solver } = parseSolver(SOLVER);
  const net = await compileTraining(NET, solver, { keep: ["relu"], keepDiffs: ["top"], seed: 3, target });
  const { step } = net;
  const face = {
    ...net,
    step: (inputs: Record<string, Float32Array> | undefined, scalars: Record<string, number>) =>
      step(scalars, inputs),
  };
  const run = new Function("net", "bits", "standIn", `return (async () => {${SCRIPT}})();`);
  const seen: unknown = await run(face, bits, standIn);
  // What is read of it later went through JSON as well.
  const text = JSON.stringify(seen).replaceAll("compile with keep", "build with keep");
  return JSON.parse(text) as Transcript;
}

const OPTIONS = {
  train: true,
  solver: SOLVER,
  seed: 3,
  keep: ["relu"],
  keepDiffs: ["top"],
  backward: ["ip"],
} as const;
const LOADED = `const net = await load(); ${SCRIPT}`;

function expectAlike(one: Transcript, other: Transcript): void {
  for (const [i, line] of one.entries()) expect(other[i]).toEqual(line);
  expect(other).toHaveLength(one.length);
}

/** Bits as the numbers that they are. */
const numbersOf = (value: unknown, as: (x: number) => unknown = (x) => x): unknown =>
  JSON.parse(JSON.stringify(value), (_, one: unknown) =>
    Array.isArray(one) && one.length > 0 && one.every((x) => typeof x === "number")
      ? Array.from(new Float32Array(Uint32Array.from(one as number[]).buffer), as)
      : one,
  );

it("one script of calls gives and refuses on wasm what it does on ts, but for roundings", async () => {
  const [ours, theirs] = [await compiled("wasm"), await compiled("ts")];
  expect(ours).toHaveLength(theirs.length);
  for (const [i, line] of theirs.entries())
    expect(numbersOf(ours[i])).toEqual(numbersOf(line, (x) => expect.closeTo(x, 4)));
});

describe("one script of calls over a compiled and a built net", () => {
  it("gives and refuses the same on ts", async () => {
    const ours = await compiled("ts");
    expectAlike((await inNode(await build(NET, OPTIONS), LOADED)) as Transcript, ours);
    const said = new Map(ours);
    expect(said.get("backward after a label out of range")).toBe(
      "refused: backward needs a forward before it",
    );
    expect(said.get("a label out of range")).toMatch(/^refused: .*: element 1 is 3$/);
    expect(said.get("after forward, read ip")).toMatch(/^refused: "ip" is not kept/);
    expect(said.get("forward after close")).toBe("refused: This net has been closed");
    expect(said.get("backward after a step")).toMatch(/what ran last was a step/);
    expect(said.get("backward after parameters changed")).toMatch(
      /parameters have changed since the last one/,
    );
    expect(said.get("after backward, read the diff of another")).toHaveLength(9);
    expect(said.get("after a step, read the diff of a parameter")).toHaveLength(9);
    expect(said.get("after a step, read the diff of another")).toMatch(/build with keepDiffs: \["ip"\]/);
    expect(said.get("after a step, read loss")).toEqual([Object(said.get("step")).outputs.loss[0]]);
    const refused = ours.filter(([, value]) => String(value).startsWith("refused: "));
    expect(refused.length).toBeGreaterThan(50);
    expect(ours.length - refused.length).toBeGreaterThan(40);
  });

  it.skipIf(loaded === undefined)("gives and refuses the same on a GPU, over a driver double", async () => {
    const folder = await newFolder();
    const settings = doubleSettings({ capability: 80 }, join(folder, "log"));
    const env = { CORTADO_DRIVER: buildDouble(folder), ...settings };
    const built = await buildEmulated(NET, { ...OPTIONS, arch: ["sm_80"] });
    expectAlike((await inNode(built, LOADED, { env })) as Transcript, await compiled("emulator"));
  });
});

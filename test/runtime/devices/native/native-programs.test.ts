/** Programs of the native target that are kept: when they are found, and that nothing else is taken for one. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createBuilder } from "../../../../codegen/ir/builder.js";
import { graphKey } from "../../../../codegen/ir/key.js";
import { nativeTarget } from "../../../../codegen/targets/native/native-target.js";
import { openCache } from "../../../../runtime/cache.js";
import { identityOf } from "../../../../runtime/code-identity.js";
import { type CompileOptions, compile } from "../../../../src/index.js";
import { addonForTests } from "../../../support/native.js";
import { ownCache } from "../../../support/own-cache.js";
import { scratchFolder } from "../../../support/scratch.js";

const loaded = await addonForTests();
const scratch = scratchFolder();
const own = ownCache(scratch);
afterEach(() => void vi.restoreAllMocks());

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "tanh" type: "TanH" bottom: "ip" top: "tanh" }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } include { phase: TRAIN } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "tanh" bottom: "label" top: "loss" include { phase: TRAIN } }`;
const data = Float32Array.from({ length: 10 }, (_, i) => Math.sin(i));

/** What a net computes and shows, and how often kernels were made text for the compiler. */
async function outcome(options: CompileOptions = {}, text = NET) {
  const render = vi.spyOn(nativeTarget, "render");
  const net = await compile(text, { target: "native", ...options });
  const rendered = render.mock.calls.length;
  const training = options.phase === "TRAIN";
  const outputs = await net.forward(training ? { data, label: Float32Array.of(0, 2) } : { data });
  if (training) await net.backward();
  const gradient = training ? await net.params["ip"][0].readDiff() : undefined;
  const shown = { source: net.source, plan: JSON.stringify(net.plan) };
  await net.close();
  render.mockRestore();
  return { rendered, values: { outputs, gradient, ...shown } };
}

const entries = (): readonly string[] => readdirSync(own.folder).filter((name) => name.endsWith(".json"));

describe.skipIf(loaded === undefined)("a program that was kept", () => {
  it.each<CompileOptions>([{}, { phase: "TRAIN" }, { dtype: "float64" }])(
    "computes and shows the same as one that is made: %o",
    async (options) => {
      const made = await outcome(options);
      const found = await outcome(options);
      expect([made.rendered, found.rendered]).toEqual([1, 0]);
      expect(found.values).toEqual(made.values);
      expect(entries()).toHaveLength(1);
    },
  );

  it("needs its kernels, and a program with other weights needs no other", async () => {
    const made = await outcome();
    expect((await outcome({}, NET.replace("xavier", "gaussian"))).rendered).toBe(0);
    for (const name of readdirSync(own.folder)) if (name.endsWith(".so")) rmSync(join(own.folder, name));
    const again = await outcome();
    expect(again.rendered).toBe(1);
    expect(again.values).toEqual(made.values);
  });

  it.each<[string, CompileOptions, string?]>([
    ["phase", { phase: "TRAIN" }],
    ["real type", { dtype: "float64" }],
    ["blobs that stay readable", { keep: ["ip"] }],
    ["passes", { passes: { winograd: false } }],
    ["debug", { debug: "finite" }],
    ["compiler's options", {}, "CORTADO_CXX"],
  ])("is another for another %s", async (_, options, variable) => {
    await outcome();
    if (variable !== undefined) {
      const path = scratch.file("wrapped", '#!/bin/sh\nexec g++ "$@"\n');
      vi.stubEnv(variable, `/bin/sh ${path}`);
    }
    expect((await outcome(options)).rendered).toBe(1);
    expect(entries()).toHaveLength(2);
  });

  it("is another for other numbers in the net", async () => {
    await outcome();
    expect((await outcome({}, NET.replace("num_output: 3", "num_output: 4"))).rendered).toBe(1);
    expect((await outcome({}, `# The same net.\n${NET}`)).rendered).toBe(0);
  });

  it("that is damaged, or nobody's, is made anew and is whole again", async () => {
    const made = await outcome();
    const [name] = entries();
    const path = join(own.folder, name);
    const whole = readFileSync(path);
    const changed = Uint8Array.from(whole);
    changed[whole.length >> 1] ^= 1;
    const key = name.replace(".json", "");
    const damages: (() => unknown)[] = [
      () => writeFileSync(path, changed),
      () => truncateSync(path, whole.length - 1),
      () => truncateSync(path, 0),
      async () => (await openCache()).store(key, ".json", Buffer.from("no program")),
      async () => (await openCache()).store(key, ".json", Buffer.from('{"modules":[]}')),
      async () => (await openCache()).store(key, ".json", Buffer.from("null")),
      async () =>
        (await openCache()).store(key, ".json", Buffer.from('{"modules":[],"kernels":[],"programs":[null]}')),
    ];
    for (const damage of damages) {
      await damage();
      const again = await outcome();
      expect(again.rendered).toBe(1);
      expect(again.values).toEqual(made.values);
      expect(readFileSync(path).equals(whole)).toBe(true);
    }
    expect((await outcome()).rendered).toBe(0);
  });
});

describe("the state of the code", () => {
  it("changes with the time, the size and the names of its files", () => {
    const root = join(scratch.path, "code");
    const file = join(root, "codegen", "a.js");
    for (const each of ["codegen/ir", "native", "proto", "runtime", "src"])
      mkdirSync(join(root, each), { recursive: true });
    writeFileSync(file, "1;");
    writeFileSync(join(root, "codegen", "ir", "notes.txt"), "");
    const states = [identityOf(root, ".js")];
    expect(identityOf(root, ".js")).toBe(states[0]);
    for (const change of [
      () => utimesSync(file, 10, 20),
      () => writeFileSync(file, "22;"),
      () => writeFileSync(join(dirname(file), "ir", "b.js"), "1;"),
    ]) {
      change();
      states.push(identityOf(root, ".js"));
    }
    expect(new Set(states).size).toBe(4);
    writeFileSync(join(root, "codegen", "ir", "notes.txt"), "no module");
    expect(identityOf(root, ".js")).toBe(states[3]);
  });
});

describe("the key of a graph", () => {
  it("depends on the graph alone, not on what else its builder made", () => {
    const keyOf = (before: number, extent: number): string => {
      const builder = createBuilder();
      for (let i = 0; i < before; i++) builder.input(`other${i}`, [i + 1]);
      const x = builder.input("x", [extent]);
      const node = builder.reshape(x, [extent, 1]);
      return graphKey({ roots: [{ role: "value", blob: "y", node }] });
    };
    expect(keyOf(3, 4)).toBe(keyOf(0, 4));
    expect(keyOf(0, 5)).not.toBe(keyOf(0, 4));
  });
});

/** The package's modules put together: what they find by their own places is still found, and nothing is lost. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { addonForTests } from "./support/native.js";
import { freshProgram } from "./support/program.js";
import { scratchFolder } from "./support/scratch.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BUNDLE = join(ROOT, "dist/bundle");
const native = (await addonForTests()) !== undefined;
const scratch = scratchFolder();

function node(...words: readonly string[]): string {
  const env = { ...process.env, CORTADO_CACHE: join(scratch.path, "cache") };
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: scratch.path,
    encoding: "utf8",
    env,
  });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

/** Runs statements in a process that has the package as `cortado`. */
const run = (statements: string): unknown => {
  const path = scratch.file(
    "script.mjs",
    `import * as cortado from ${JSON.stringify(join(BUNDLE, "index.js"))};\n${statements}`,
  );
  return JSON.parse(node(path));
};

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 5 } } }
layer { name: "power" type: "Power" bottom: "data" top: "power" power_param { scale: 3 shift: 1 } }`;

describe("the package's bundle", () => {
  beforeAll(async () => {
    await freshProgram();
    node(join(ROOT, "src/bundle.mjs"));
  });

  it("exports what the modules export", async () => {
    const names = run("console.log(JSON.stringify(Object.keys(cortado).sort()));");
    expect(names).toEqual(Object.keys(await import("../src/index.js")).sort());
  });

  it("is the same program", async () => {
    const main = join(BUNDLE, "main.js");
    expect(node(main, "--version")).toBe(node(await freshProgram(), "--version"));
    expect(node(main, "--help")).toBe(node(await freshProgram(), "--help"));
  });

  it.each([
    ["ts in two threads", { target: "ts", threads: 2 }, true],
    ["wasm in two threads", { target: "wasm", threads: 2 }, true],
    ["native", { target: "native" }, native],
  ])("runs a net on %s", (_, options, works) => {
    if (!works) return expect(works).toBe(native);
    const values = run(`const net = await cortado.compile(${JSON.stringify(NET)}, ${JSON.stringify(options)});
      const { power } = await net.forward({ data: Float32Array.from({ length: 10 }, (_, i) => i) });
      await net.close();
      console.log(JSON.stringify([...power]));`);
    expect(values).toEqual(Array.from({ length: 10 }, (_, i) => 3 * i + 1));
  });

  it.each(["ts", "wasm"])("builds a net for %s, from modules that lie beside it", (target) => {
    const out = `built-${target}`;
    const values =
      run(`await cortado.buildNet(${JSON.stringify(NET)}, { target: "${target}", out: "${out}" });
      const { load } = await import(${JSON.stringify(join(scratch.path, out, "net.js"))});
      const net = await load();
      const { power } = await net.forward({ data: new Float32Array(10).fill(2) });
      console.log(JSON.stringify([...power]));`);
    expect(values).toEqual(new Array(10).fill(7));
  });

  it("shows of a mistake's stack where the call was made, and none of its own frames", () => {
    const stack = run(`const error = await cortado.compile("layer {").catch((error) => error);
      console.log(JSON.stringify(error.stack));`);
    expect(stack).toContain("CortadoError");
    expect(stack).not.toContain("bundle");
  });
});

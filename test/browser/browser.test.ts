/** The package in a browser: bundled as its users do, in pages that can and cannot share memory between threads. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { beforeAll, describe, expect, it } from "vitest";
import { WASM_ARCHITECTURES } from "../../codegen/targets/wasm/wasm-description.js";
import { chromium, ISOLATED, runPage } from "../support/browser-page.js";
import { freshProgram } from "../support/program.js";
import { scratchFolder } from "../support/scratch.js";
import { architecture } from "../support/wasm-engine.js";
import { train } from "./scenario.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LENET = join(ROOT, "examples/lenet");
const MOST_BYTES = 400_000;

const scratch = scratchFolder();
const training = {
  solver: readFileSync(join(LENET, "solver.prototxt"), "utf8"),
  nets: { "train_test.prototxt": readFileSync(join(LENET, "train_test.prototxt"), "utf8") },
};

/** A project that has the package installed: what a bundler takes of it under another condition than a browser's fails. */
function project(): string {
  const folder = join(scratch.path, "app");
  const modules = join(folder, "node_modules");
  const installed = join(modules, "cortado");
  mkdirSync(join(installed, "dist/bundle"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  writeFileSync(join(installed, "dist/bundle/index.js"), 'throw new Error("not for browsers");');
  execFileSync(process.execPath, [join(ROOT, "src/bundle-browser.mjs"), join(installed, "dist/browser")]);
  for (const name of Object.keys(
    (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: object }).dependencies,
  )) {
    mkdirSync(join(modules, name, ".."), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  for (const name of ["page.ts", "scenario.ts"]) cpSync(join(ROOT, "test/browser", name), join(folder, name));
  return folder;
}

const BUNDLERS = {
  async esbuild(folder: string, out: string): Promise<void> {
    await esbuild({
      ...{ absWorkingDir: folder, entryPoints: { scenario: "page.ts" }, outdir: out },
      ...{ bundle: true, minify: true, splitting: true, format: "esm", target: "es2022", logLevel: "silent" },
    });
  },
  async vite(folder: string, out: string): Promise<void> {
    await vite({
      ...{ root: folder, logLevel: "silent", configFile: false },
      build: {
        ...{ outDir: out, emptyOutDir: true, target: "es2022" },
        rolldownOptions: {
          input: join(folder, "page.ts"),
          preserveEntrySignatures: "strict",
          output: { entryFileNames: "scenario.js", chunkFileNames: "[name].js" },
        },
      },
    });
  },
};

interface Result {
  readonly apart: Record<string, number>;
  readonly fused: Record<string, number>;
  readonly resumed: readonly [number, boolean];
  readonly wasm: boolean;
  readonly ts: boolean | string;
  readonly mistakes: readonly string[];
  readonly gradients: string;
  readonly target: string;
  readonly threads: string;
}

const MISTAKES = [
  /^CortadoError: .*Cannot read the net "deploy\.prototxt": a page has no files/s,
  /^CortadoError: .*<net>:1:.*the data source "mnist_lmdb" cannot be read: a page has no files.*\^.*shapes for all tops/s,
  /^CortadoError: .*cannot read the weights "net\.caffemodel": a page has no files/s,
  /^CortadoError: .*there is no file "train_test\.prototxt".*nets: \{ "train_test\.prototxt": text \}/s,
];

/** What needs files, or belongs to those that do. */
const NODE_ONLY: readonly string[] = [
  "buildNet",
  "computeMean",
  "convertCifar10",
  "convertImages",
  "convertMnist",
  "convertRecords",
  "exportOnnx",
  "openDataset",
  "readImage",
  "readMean",
  "writeOnnx",
  "writeWeights",
];

let folder: string;
beforeAll(async () => {
  await freshProgram();
  folder = project();
});

it("exports what the package does in Node, but for what needs files", async () => {
  const names = Object.keys(await import(join(folder, "node_modules/cortado/dist/browser/index.js")));
  const all = Object.keys(await import("../../src/index.js"));
  expect(names.sort()).toEqual(all.filter((name) => !NODE_ONLY.includes(name)).sort());
});

describe.each(Object.keys(BUNDLERS) as (keyof typeof BUNDLERS)[])("a bundle made by %s", (bundler) => {
  const out = join(scratch.path, bundler);
  beforeAll(async () => {
    await BUNDLERS[bundler](folder, out);
    writeFileSync(join(out, "training.json"), JSON.stringify(training));
  });

  it("has nothing of Node's, and is small", () => {
    const modules = readdirSync(out).filter((name) => name.endsWith(".js"));
    const texts = modules.map((name) => readFileSync(join(out, name)));
    const packed = texts.reduce((sum, text) => sum + gzipSync(text).length, 0);
    expect(packed).toBeLessThan(MOST_BYTES);
    const foreign = /(?:from|import|require)\s*\(?\s*["'`]node:|__vite-browser-external/;
    expect(modules.filter((_, i) => foreign.test(String(texts[i])))).toEqual([]);
  });

  it.skipIf(chromium === undefined).each([
    ["can share memory", ISOLATED],
    ["cannot", {}],
  ])("trains, differentiates and explains itself in a page that %s", async (_, headers) => {
    const isolated = "cross-origin-opener-policy" in headers;
    const result = (await runPage(out, { headers })) as Result;
    expect(result.apart).toEqual(await train({ ...training, fma: "never" }));
    const { fma } = WASM_ARCHITECTURES[architecture];
    // A browser of today has multiply-add in one; where Node has it too, the bits are Node's.
    if (fma) expect(result.fused).toEqual(await train({ ...training, fma: "auto" }));
    expect(result.fused).not.toEqual(result.apart);
    const { resumed, ts, wasm } = result;
    expect({ resumed, ts, wasm }).toEqual({ resumed: [1, true], ts: true, wasm: true });
    for (const [i, said] of result.mistakes.entries()) expect(said).toMatch(MISTAKES[i]);
    expect(result.gradients).toMatch(/^3 directions compared, worst relative error \d\S*e-\d+, /);
    expect(result.target).toMatch(
      isolated
        ? /^wasm \(WebAssembly in vectors \(\w+\)\)$/
        : /one thread: the page is not cross-origin isolated/,
    );
    expect(result.threads).toMatch(
      isolated ? /^wasm/ : /^CortadoError: .*threads: 2 cannot be had: the page is not/s,
    );
  });
});

it.skipIf(chromium === undefined)(
  "runs where the page's policy allows no code that is made of text, and no workers",
  async () => {
    const policy = "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'none'";
    const headers = { ...ISOLATED, "content-security-policy": policy };
    const { fused, ts, wasm, gradients } = (await runPage(join(scratch.path, "esbuild"), {
      headers,
    })) as Result;
    expect([wasm, Object.keys(fused).length]).toEqual([true, 9]);
    for (const refused of [ts, gradients])
      expect(refused).toMatch(/^CortadoError: .*target ts makes code of text.*Content-Security-Policy/s);
  },
);

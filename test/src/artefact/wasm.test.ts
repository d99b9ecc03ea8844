/** Nets built for wasm: they run in Node and in a page as the compiled net does, in the best instructions of the engine. */
import { createHash } from "node:crypto";
import { cp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WASM_ARCHITECTURES, type WasmArchitecture } from "../../../codegen/targets/wasm/wasm-description.js";
import { wasmVariantFor } from "../../../runtime/artefact/artefact-wasm-device.js";
import type { WasmVariant } from "../../../runtime/artefact/wasm-tables.js";
import { buildNet } from "../../../src/build-net.js";
import { type BuildOptions, readWeights } from "../../../src/index.js";
import { chromium } from "../../support/browser-page.js";
import { bits, build, inBrowser, inNode, newFolder, removeFolders } from "./support.js";
import { compiledTiny, TINY_BUILD, TINY_NET, tinyScenario } from "./tiny-net.js";

afterAll(removeFolders);

/** What makes engines of this Node: some have instructions behind a flag that later ones have without. */
const MAJOR = Number(process.versions.node.split(".")[0]);
const FLAGS = [
  ...(MAJOR < 22 ? ["--experimental-wasm-relaxed-simd"] : []),
  ...(MAJOR < 24 ? ["--experimental-wasm-memory64"] : []),
];
const ENGINES = [[], ...FLAGS.map((_, last) => FLAGS.slice(0, last + 1))];

const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 37 } } }
layer { name: "exp" type: "Exp" bottom: "data" top: "exp" }
layer { name: "ip" type: "InnerProduct" bottom: "exp" top: "ip"
  inner_product_param { num_output: 9 weight_filler { type: "xavier" } } }`;
const FORWARD = `
  const net = await load();
  const { ip } = await net.forward({ data: standIn(111) });
  await net.close();
  return bits(ip);`;
const FAILURE = "return failure(load());";

/** What a scenario gives, or the message of what it threw. */
const orMessage = (body: string): string =>
  `try {${body}} catch (error) { return \`\${error.constructor.name}: \${error.message}\`; }`;

async function copyOf(built: string, change: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(await newFolder(), "dist");
  await cp(built, folder, { recursive: true });
  await change(folder);
  return folder;
}

describe("a net built for wasm", () => {
  let built = "";
  beforeAll(async () => {
    built = await build(TINY_NET, { target: "wasm", ...TINY_BUILD });
  });

  it.each(["", "{ threads: 2 }"])(
    "runs and learns in Node as the compiled net does, to the bit: load(%s)",
    async (options) => {
      const { saved, ...rest } = (await inNode(built, tinyScenario(options))) as Record<string, unknown>;
      expect(rest).toEqual(await compiledTiny("wasm"));
      const { layers } = await readWeights(Uint8Array.from(saved as number[]));
      expect(layers.flatMap(({ blobs }) => blobs.map((blob) => bits(blob.data)))).toEqual(rest["after"]);
    },
  );

  it.skipIf(chromium === undefined)(
    "runs and learns in headless Chromium: of its modules one is fetched, and gives about the same",
    async () => {
      const body = `
        const result = await (async () => {${tinyScenario()}})();
        const fetched = performance.getEntriesByType("resource").map(({ name }) => name);
        return { ...result, fetched: fetched.filter((name) => name.endsWith(".wasm")),
          refused: await failure(load({ threads: 2 })) };`;
      const { losses, fetched, refused } = (await inBrowser(built, body)) as {
        [Name in "losses" | "fetched"]: unknown[];
      } & { refused: string };
      const here = (await compiledTiny("wasm")) as { losses: number[] };
      expect(losses).toEqual(here.losses.map((loss) => expect.closeTo(loss, 4)));
      expect(fetched).toEqual([expect.stringMatching(/\/kernels\/(simd128|relaxed|memory64)\.wasm$/)]);
      // Most pages are not isolated: threads were not asked for at first.
      expect(refused).toBe(
        "Error: threads: 2 cannot be had: the page is not cross-origin isolated " +
          "(headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)\n" +
          "  threads: 1, or no such option, runs on one",
      );
    },
  );

  it("is a folder whose manifest says what engines need for which file", async () => {
    const manifest = JSON.parse(await readFile(join(built, "manifest.json"), "utf8"));
    expect(manifest.processors).toEqual([
      { architecture: "simd128", features: ["simd128"], files: ["kernels/simd128.wasm"] },
      { architecture: "relaxed", features: ["simd128", "relaxed-simd"], files: ["kernels/relaxed.wasm"] },
      {
        architecture: "memory64",
        features: ["simd128", "relaxed-simd", "memory64"],
        files: ["kernels/memory64.wasm"],
      },
    ]);
    expect((await readdir(built)).sort()).toEqual([
      ...[
        "kernels",
        "manifest.json",
        "net.cjs",
        "net.d.cts",
        "net.d.ts",
        "net.js",
        "package.json",
        "weights.safetensors",
      ],
    ]);
    for (const { path, sha256 } of manifest.files as { path: string; sha256: string }[])
      expect(
        createHash("sha256")
          .update(await readFile(join(built, path)))
          .digest("hex"),
      ).toBe(sha256);
    // Nothing of Node's but what reads files and runs threads, where there is Node, and nothing that makes modules.
    const text = await readFile(join(built, "net.js"), "utf8");
    expect(Array.from(text.matchAll(/\bimport\(.*?\)/g), ([name]) => name)).toEqual([
      ...[
        'import("node:fs/promises")',
        'import("node:os")',
        'import("node:fs")',
        'import("node:worker_threads")',
      ],
    ]);
    expect(text).not.toMatch(/^import |encodeModule/m);
  });

  it("can be built again for others: what they do not have is removed", async () => {
    const out = await newFolder();
    const options = { target: "wasm", out } as const;
    const { files } = await buildNet(NET, options);
    expect((await buildNet(NET, options)).files).toEqual(files);
    await buildNet(NET, { ...options, cpu: ["relaxed"] });
    expect(await readdir(join(out, "kernels"))).toEqual(["relaxed.wasm"]);
    await buildNet(NET, { out });
    expect(await readdir(join(out, "kernels"))).toEqual(["threads.txt"]);
    expect(await readdir(out, { recursive: true })).toHaveLength(9);
  });
});

describe("the instructions that a build runs", () => {
  const names = Object.keys(WASM_ARCHITECTURES) as WasmArchitecture[];

  it.each(ENGINES.map((flags) => [["node", ...flags].join(" "), flags] as const))(
    "are the best that were built and an engine has; plain ones give the same bits in any: %s",
    async (_, flags) => {
      const run = async (cpu: BuildOptions["cpu"], engine: readonly string[]): Promise<unknown> => {
        const folder = await build(NET, { target: "wasm", ...(cpu && { cpu }) });
        return inNode(folder, orMessage(FORWARD), { flags: engine });
      };
      const values: unknown[] = [];
      for (const name of names) {
        const value = await run([name], flags);
        if (typeof value !== "string") values.push(value);
        else expect(value).toMatch("Error: this build has no kernels for this engine, which has ");
      }
      expect(values[0]).toHaveLength(27);
      expect(values[0]).toEqual(await run(["simd128"], []));
      for (const fused of values.slice(1)) expect(fused).not.toEqual(values[0]);
      expect(await run(undefined, flags)).toEqual(values.at(-1));
    },
  );

  it.skipIf(chromium === undefined)(
    "are, where plain, as exact in Chromium, where a page allows any",
    async () => {
      const folder = await build(NET, { target: "wasm", cpu: ["simd128"] });
      const body = `
      const values = await (async () => {${FORWARD}})();
      const policy = document.createElement("meta");
      policy.httpEquiv = "Content-Security-Policy";
      policy.content = "script-src 'self'";
      document.head.append(policy);
      return [values, await failure(load())];`;
      expect(await inBrowser(folder, body)).toEqual([
        await inNode(folder, FORWARD),
        expect.stringMatching(
          /^Error: this net cannot run here: the engine does not compile WebAssembly: .*Content Security Policy.*\n {2}a page's Content-Security-Policy allows it by script-src 'wasm-unsafe-eval'; /s,
        ),
      ]);
    },
  );

  it("are chosen by what was built, and what is missing is said", () => {
    const simd128: WasmVariant = { architecture: "simd128", features: ["simd128"], path: "", list: 0 };
    const relaxed: WasmVariant = {
      ...{ architecture: "relaxed", features: ["simd128", "relaxed-simd"], path: "", list: 0 },
    };
    const memory64: WasmVariant = { ...relaxed, architecture: "memory64" };
    expect(wasmVariantFor([simd128, relaxed, memory64], "memory64")).toBe(memory64);
    expect(wasmVariantFor([simd128, relaxed], "memory64")).toBe(relaxed);
    expect(wasmVariantFor([simd128, relaxed, memory64], "relaxed")).toBe(relaxed);
    expect(wasmVariantFor([relaxed, simd128], "simd128")).toBe(simd128);
    expect(wasmVariantFor([simd128], "relaxed")).toBe(simd128);
    expect(() => wasmVariantFor([relaxed], "simd128")).toThrow(
      "this build has no kernels for this engine, which has simd128: it was built for relaxed (simd128, relaxed-simd)\n" +
        "  cortado build <net> --target wasm --cpu relaxed,simd128 --out <folder> adds them; a build for the target ts runs anywhere",
    );
  });
});

describe("loading a build for wasm", () => {
  let built = "";
  beforeAll(async () => {
    built = await build(NET, { target: "wasm", cpu: ["simd128"] });
  });
  const path = "kernels/simd128.wasm";
  const loading = async (change: (at: string) => Promise<unknown>): Promise<unknown> =>
    inNode(await copyOf(built, (folder) => change(join(folder, path))), FAILURE);

  it("refuses a module that was changed, cut short or is missing", async () => {
    const flip = async (at: string): Promise<void> => {
      const bytes = await readFile(at);
      bytes[bytes.length >> 1] ^= 1;
      await writeFile(at, bytes);
    };
    expect(await loading(async () => {})).toBe("no error");
    expect(await loading(flip)).toBe(
      `Error: ${path} has been changed: its SHA-256 is not the one in manifest.json`,
    );
    expect(await loading((at) => truncate(at, 64))).toMatch(
      /^Error: kernels\/simd128\.wasm has 64 bytes, and manifest\.json says \d+$/,
    );
    expect(await loading((at) => rm(at))).toMatch(
      /^Error: cannot read "file:\S+\.wasm": there is no such file or folder$/,
    );
  });

  it("says what an engine lacks", async () => {
    const end = "a build for the target ts runs anywhere";
    expect(await inNode(built, FAILURE, { flags: ["--jitless"] })).toBe(
      `Error: this net cannot run here: the engine has no WebAssembly\n  ${end}`,
    );
    expect(await inNode(built, `WebAssembly.validate = () => false; ${FAILURE}`)).toBe(
      `Error: this net cannot run here: the engine has no WebAssembly with vectors (SIMD)\n  ${end}`,
    );
    const refusing = `WebAssembly.compile = () => Promise.reject(new Error("not allowed")); ${FAILURE}`;
    expect(await inNode(built, refusing)).toBe(
      "Error: this net cannot run here: the engine does not compile WebAssembly: not allowed\n" +
        `  a page's Content-Security-Policy allows it by script-src 'wasm-unsafe-eval'; ${end}`,
    );
    expect(await inNode(built, FAILURE, { flags: ["--wasm-max-mem-pages=1"] })).toBe(
      "Error: the parameters and the blobs need 128 KiB of memory in one piece, and this engine does not grant it\n" +
        "  a smaller batch, or smaller layers, need less",
    );
  });
});

describe("what is no build for wasm", () => {
  const refused = async (options: Omit<BuildOptions, "out">, net = NET): Promise<unknown> =>
    build(net, { target: "wasm", ...options }).catch(({ message }: Error) => message);

  it("takes names of its own architectures, each once", async () => {
    expect(await refused({ cpu: ["simd128", "avx2"] })).toBe(
      'error: option cpu names "avx2", which the target wasm does not have\n  it has simd128, relaxed or memory64',
    );
    expect(await refused({ target: "native", cpu: ["relaxed"] })).toBe(
      'error: option cpu names "relaxed", which the target native does not have\n  it has sse, neon, avx2 or avx512',
    );
    expect(await refused({ cpu: ["relaxed", "relaxed"] })).toBe(
      'error: option cpu names "relaxed" more than once',
    );
    expect(await refused({ arch: ["sm_80"] })).toBe(
      'error: option arch is for the target "cuda"\n  the wasm target has option cpu',
    );
  });

  it("is a net that its addresses do not reach", async () => {
    const large = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1100000000 } } }
layer { name: "power" type: "Power" bottom: "data" top: "power" power_param { shift: 1 } }`;
    expect(await refused({}, large)).toMatch(
      /^error: the parameters and the blobs need [\d.]+ GiB, and a memory of WebAssembly has at most 4\.00 GiB\n {2}a smaller batch, /,
    );
  });
});

/** Nets built for native: they run without a compiler, as the compiled net does, on processors that have what they need. */
import { createHash } from "node:crypto";
import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Processor } from "../../../native/addon.js";
import { nativeVariantFor } from "../../../runtime/artefact/native-variant.js";
import { buildNet } from "../../../src/build-net.js";
import { readWeights } from "../../../src/index.js";
import { compile } from "../../../src/net/compile.js";
import { addonForTests } from "../../support/native.js";
import { bits, build, checkUse, inNode, newFolder, removeFolders, standIn } from "./support.js";
import { compiledTiny, TINY_BUILD, TINY_ELEMENTS, TINY_NET, tinyScenario } from "./tiny-net.js";

const loaded = await addonForTests();
afterAll(removeFolders);
afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(loaded === undefined)("a net built for native", () => {
  let built = "";
  beforeAll(async () => {
    built = await build(TINY_NET, { target: "native", ...TINY_BUILD });
  });

  // In these processes there is no PATH, and nothing of Cortado's but the folder.
  it.each(["", "{ threads: 1 }", "{ threads: 3 }"])(
    "runs and learns without a compiler, as the compiled net does, to the bit: load(%s)",
    async (options) => {
      const result = (await inNode(built, tinyScenario(options))) as Record<string, unknown>;
      const { saved, ...rest } = result;
      expect(rest).toEqual(await compiledTiny("native"));
      const { layers } = await readWeights(Uint8Array.from(saved as number[]));
      expect(layers.flatMap(({ blobs }) => blobs.map((blob) => bits(blob.data)))).toEqual(rest["after"]);
    },
  );

  // Only Linux says how many there are.
  it.skipIf(process.platform !== "linux")("runs its kernels on as many threads as load is told", async () => {
    const body = `
      const { readFileSync } = await import("node:fs");
      const counts = [];
      for (const threads of [1, 4]) {
        const net = await load({ threads });
        await net.step({ data: standIn(${TINY_ELEMENTS}), label: new Float32Array(4) });
        counts.push(Number(/^Threads:\\s+(\\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]));
        await net.close();
      }
      return counts[1] - counts[0];`;
    expect(await inNode(built, body)).toBe(3);
  });

  it("has a manifest that says what processors need for which files", async () => {
    const manifest = JSON.parse(await readFile(join(built, "manifest.json"), "utf8"));
    const [{ architecture, features, files }, ...others] = manifest.processors;
    expect([architecture, others]).toEqual([loaded?.addon.processor().architecture, []]);
    expect(features).toEqual(
      { sse: [], neon: [], avx2: ["avx2", "fma"] }[architecture as string] ??
        expect.arrayContaining(["avx512f"]),
    );
    const named = new Map<string, string>(
      (manifest.files as { path: string; sha256: string }[]).map(({ path, sha256 }) => [path, sha256]),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const path of files)
      expect(
        createHash("sha256")
          .update(await readFile(join(built, path)))
          .digest("hex"),
      ).toBe(named.get(path));
    expect([...named.keys()].filter((path) => path.startsWith("kernels/"))).toEqual(files);
  });

  it("is the same, byte for byte, when the kernels are compiled again", async () => {
    const options = { target: "native", seed: 3 } as const;
    const one = await buildNet(TINY_NET, { ...options, out: await newFolder() });
    vi.stubEnv("CORTADO_CACHE", join(await newFolder(), "cache"));
    const other = await buildNet(TINY_NET, { ...options, out: await newFolder() });
    expect(other.files).toEqual(one.files);
  });

  it("has types that name the option threads", async () => {
    const declarations = await readFile(join(built, "net.d.ts"), "utf8");
    expect(checkUse(declarations, "await load({ threads: 2 });")).toEqual([]);
    expect(checkUse(declarations, 'await load({ threads: "2" });')).toHaveLength(1);
  });
});

describe.skipIf(loaded === undefined)("loading a build for native", () => {
  const own = loaded?.addon.processor().architecture ?? "sse";
  const library = `kernels/${own}/0.so`;
  let built = "";
  beforeAll(async () => {
    built = await build(TINY_NET, { target: "native" });
  });

  /** What `load` says when something was done to the folder. */
  async function loading(damage: (folder: string) => Promise<unknown>, body?: string): Promise<unknown> {
    const folder = join(await newFolder(), "dist");
    await cp(built, folder, { recursive: true });
    await damage(folder);
    return inNode(folder, body ?? "return failure(load());");
  }
  const nothing = async (): Promise<void> => {};
  const flip = async (path: string): Promise<void> => {
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(path, bytes);
  };

  it("refuses libraries that were changed, cut short or are missing", async () => {
    expect(await loading(nothing)).toBe("no error");
    // Nothing of it is mapped: what a library does when it is opened is done before anybody looks.
    const body = `
      const said = await failure(load());
      return [said, process.report.getReport().sharedObjects.filter((path) => path.includes("/kernels/"))];`;
    expect(await loading((folder) => flip(join(folder, library)), body)).toEqual([
      `Error: ${library} has been changed: its SHA-256 is not the one in manifest.json`,
      [],
    ]);
    expect(await loading((folder) => truncate(join(folder, library), 64))).toMatch(
      /^Error: kernels\/\w+\/0\.so has 64 bytes, and manifest\.json says \d+$/,
    );
    expect(await loading((folder) => rm(join(folder, library)))).toMatch(
      /^Error: cannot read "file:\S+\.so": there is no such file or folder$/,
    );
  });

  it("says which processors it has kernels for, where this is none of them", async () => {
    const other = own === "neon" ? "avx2" : "neon";
    const damage = async (folder: string): Promise<void> => {
      const module = join(folder, "net.js");
      const text = await readFile(module, "utf8");
      await writeFile(module, text.replace(`architecture: "${own}"`, `architecture: "${other}"`));
    };
    expect(await loading(damage)).toMatch(
      new RegExp(
        `^Error: this build has no kernels for this machine's processor, which has ${own}: it was built for ${other}.*\\n` +
          `  cortado build <net> --target native --cpu ${other},${own} --out <folder> adds them; a build for the target ts runs anywhere$`,
      ),
    );
  });

  it("names wrong options", async () => {
    const body = `return [
      await failure(load({ threads: 0 })), await failure(load({ threads: "2" })), await failure(load({ thread: 2 })),
    ];`;
    expect(await loading(nothing, body)).toEqual([
      "Error: option threads is a whole number from 1 to 1024",
      "Error: option threads is a whole number from 1 to 1024",
      'Error: load has no option "thread": there is weights, threads',
    ]);
  });
});

describe.skipIf(loaded === undefined)("passes that are left out of a build", () => {
  const net = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 32 dim: 20 dim: 21 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 40 pad: 1 kernel_size: 3 weight_filler { type: "xavier" } } }`;

  it("are left out of its kernels, as of the compiled net's", async () => {
    const values: (readonly number[])[] = [];
    for (const winograd of [true, false]) {
      const passes = { winograd };
      const folder = await build(net, { target: "native", passes });
      const body = `return bits((await (await load()).forward({ data: standIn(${2 * 32 * 20 * 21}) })).conv);`;
      const result = (await inNode(folder, body)) as number[];
      const one = await compile(net, { target: "native", passes });
      const { conv } = await one.forward({ data: standIn(2 * 32 * 20 * 21) });
      await one.close();
      expect(result).toEqual(bits(conv));
      values.push(result);
    }
    // Other roundings, or nothing was left out.
    expect(values[0]).not.toEqual(values[1]);
  });

  it("are passes that there are", async () => {
    await expect(build(net, { passes: { winogard: false } })).rejects.toThrow(
      'no target has a pass "winogard"\n  did you mean "winograd"?',
    );
  });
});

/** Vectors of processors of this machine's kind. */
const HERE = ({ x64: ["sse", "avx2", "avx512"], arm64: ["neon"] } as const)[process.arch as "x64"] ?? [];

describe.skipIf(loaded === undefined)("a build for several processors", () => {
  const net = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 7 } } }
layer { name: "exp" type: "Exp" bottom: "data" top: "exp" }
layer { name: "ip" type: "InnerProduct" bottom: "exp" top: "ip"
  inner_product_param { num_output: 9 weight_filler { type: "xavier" } } }`;

  it("runs the widest kernels that the machine has, whatever else was built", async () => {
    const own = loaded?.addon.processor().architecture;
    const folder = await build(net, { target: "native", cpu: [...HERE] });
    const body = `
      const net = await load();
      const objects = process.report.getReport().sharedObjects;
      const { ip } = await net.forward({ data: standIn(21) });
      await net.close();
      return [bits(ip), objects.map((path) => /kernels\\/(\\w+)\\//.exec(path)?.[1]).filter((name) => name !== undefined)];`;
    const [values, opened] = (await inNode(folder, body)) as [number[], string[]];
    const one = await compile(net, { target: "native" });
    const { ip } = await one.forward({ data: standIn(21) });
    await one.close();
    expect(values).toEqual(bits(ip));
    expect(new Set(opened)).toEqual(new Set([own]));
    const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
    expect(manifest.processors.map(({ architecture }: { architecture: string }) => architecture)).toEqual(
      HERE,
    );
  });

  it("runs narrower ones where there are no others, with about the same values", async () => {
    const [narrowest] = HERE;
    const folder = await build(net, { target: "native", cpu: [narrowest] });
    const values = (await inNode(
      folder,
      "return Array.from((await (await load()).forward({ data: standIn(21) })).ip);",
    )) as number[];
    const one = await compile(net, { target: "ts" });
    const { ip } = await one.forward({ data: standIn(21) });
    await one.close();
    expect(values).toEqual(Array.from(ip, (value) => expect.closeTo(value, 5)));
  });
});

describe("the kernels for a processor", () => {
  type Name = Processor["architecture"];
  const pick = (architecture: Name, ...built: Name[]): Name => {
    const features = { avx512: ["avx512f", "fma"], avx2: ["avx2", "fma"], sse: [], neon: [] };
    const variants = built.map((name) => ({
      ...{ architecture: name, features: features[name], modules: [], kernels: [], programs: [] },
    }));
    return nativeVariantFor(variants, { architecture }).architecture;
  };
  it.each<[Name, Name[], Name]>([
    ["avx512", ["sse", "avx2", "avx512"], "avx512"],
    ["avx512", ["avx2", "sse"], "avx2"],
    ["avx2", ["sse", "avx2", "avx512"], "avx2"],
    ["avx2", ["avx512", "sse"], "sse"],
    ["sse", ["avx2", "sse"], "sse"],
    ["neon", ["neon"], "neon"],
  ])("%s takes of %j those of %s", (architecture, built, wanted) => {
    expect(pick(architecture, ...built)).toBe(wanted);
  });
  it("says what is missing", () => {
    expect(() => pick("avx2", "avx512")).toThrow(
      "this build has no kernels for this machine's processor, which has avx2: it was built for avx512 (avx512f, fma)\n" +
        "  cortado build <net> --target native --cpu avx512,avx2 --out <folder> adds them; a build for the target ts runs anywhere",
    );
    expect(() => pick("sse", "avx512", "avx2")).toThrow("--cpu avx512,avx2,sse --out");
    expect(() => pick("neon", "sse")).toThrow("it was built for sse\n");
  });
});

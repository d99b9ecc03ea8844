/** What a net built for cuda says where something is wrong. */
import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addonForTests, buildDouble, type DoubleOptions, doubleSettings } from "../../support/native.js";
import { buildEmulated, emulatedCompiler } from "./cuda-support.js";
import { inNode, newFolder, removeFolders } from "./support.js";

const loaded = await addonForTests();
const NET = `
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
`;
const ADDON = `lib/cortado-${process.platform}-${process.arch}.node`;

let built = "";
let double = "";
let log = "";
beforeAll(async () => {
  if (!loaded) return;
  built = await buildEmulated(NET, { arch: ["sm_80", "sm_86"], backward: true });
  const folder = await newFolder();
  double = buildDouble(folder);
  log = join(folder, "log");
});
afterAll(removeFolders);

interface Circumstances extends DoubleOptions {
  /** What is done to the build's folder. */
  readonly damage?: (folder: string) => Promise<unknown>;
  readonly driver?: string;
  /** Statements before the module is looked at. */
  readonly body?: string;
}

/** What `load` says on a machine whose GPU is the double. */
async function loading({ damage, driver, body, ...options }: Circumstances = {}): Promise<string> {
  const folder = join(await newFolder(), "dist");
  await cp(built, folder, { recursive: true });
  await damage?.(folder);
  await rm(log, { force: true });
  const settings = doubleSettings({ capability: 86, ...options }, log);
  const env = { CORTADO_DRIVER: driver ?? double, ...settings };
  return (await inNode(folder, body ?? "return failure(load());", { env })) as string;
}

const flip =
  (name: string) =>
  async (folder: string): Promise<void> => {
    const path = join(folder, name);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(path, bytes);
  };

describe.skipIf(loaded === undefined)("loading a build for cuda", () => {
  it("works where nothing is wrong", async () => {
    expect(await loading()).toBe("no error");
  });

  it("refuses kernels and an addon that were changed, cut short or are missing", async () => {
    const kernels = await firstKernel();
    expect(await loading({ damage: flip(kernels) })).toBe(
      `Error: ${kernels} has been changed: its SHA-256 is not the one in manifest.json`,
    );
    expect(await loading({ damage: (folder) => truncate(join(folder, kernels), 9) })).toMatch(
      /^Error: kernels\/sm_86\/0-\w+\.cubin has 9 bytes, and manifest\.json says \d+$/,
    );
    expect(await loading({ damage: (folder) => rm(join(folder, kernels)) })).toMatch(
      /^Error: cannot read "file:\S+\.cubin": there is no such file or folder$/,
    );
    expect(await loading({ damage: flip(ADDON) })).toBe(
      `Error: ${ADDON} has been changed: its SHA-256 is not the one in manifest.json`,
    );
    expect(await loading({ damage: (folder) => rm(join(folder, ADDON)) })).toMatch(
      /^Error: cannot read "file:\S+\.node": there is no such file or folder$/,
    );
    // Kernels of architectures that are not this GPU's are not read.
    expect(await loading({ damage: flip(kernels.replace("sm_86", "sm_80")) })).toBe("no error");
  });

  it("refuses a manifest that was cut short or is of another build, and damaged weights", async () => {
    const manifest = (folder: string): string => join(folder, "manifest.json");
    expect(await loading({ damage: (folder) => truncate(manifest(folder), 300) })).toBe(
      "Error: manifest.json is not whole: the build was not finished, or the file was cut short; build again",
    );
    const other = await buildEmulated(NET, { arch: ["sm_80"] });
    expect(await loading({ damage: (folder) => cp(manifest(other), manifest(folder)) })).toBe(
      "Error: manifest.json and net.js are of different builds; build again, or copy all files again",
    );
    expect(await loading({ damage: (folder) => truncate(join(folder, "weights.safetensors"), 70) })).toMatch(
      /^Error: weights\.safetensors has 70 bytes, and manifest\.json says \d+$/,
    );
  });

  it("says which GPU it has no kernels for, and how to build them", async () => {
    expect(await loading({ capability: 120 })).toBe(
      "Error: this build has no kernels for Cortado Double (sm_120): it was built for sm_80, sm_86\n" +
        "  cortado build <net> --target cuda --arch sm_80,sm_86,sm_120 --out <folder> adds them",
    );
    expect(await loading({ capability: 70 })).toBe(
      "Error: Cortado Double is too old: its compute capability is 7.0, and 7.5 is the oldest that is supported",
    );
  });

  it("says what the driver lacks", async () => {
    expect(await loading({ driver: "/no/such/libcuda.so.1" })).toMatch(
      /^Error: this net cannot run here: CORTADO_DRIVER is "\/no\/such\/libcuda\.so\.1", and .*No such file/,
    );
    expect(await loading({ fail: [["cuInit", 1, 100]] })).toBe(
      "Error: this net cannot run here: NVIDIA's driver finds no GPU that it may use\n" +
        "  if the machine has one, look at CUDA_VISIBLE_DEVICES",
    );
    expect(await loading({ cuda: 11080 })).toBe(
      "Error: this net cannot run here: NVIDIA's driver is too old: it knows CUDA 11.8, and 12.0 is needed\n" +
        "  install a driver of branch 525 or newer",
    );
    expect(await loading({ cuda: 12080 })).toBe(
      "Error: the kernels were compiled by NVRTC 13.0, and this machine's driver knows CUDA 12.8\n" +
        "  install a driver that knows CUDA 13, or build with an NVRTC of 12 (CORTADO_NVRTC names it)",
    );
  });

  it("says on which machines it runs", async () => {
    const body = `
      Object.defineProperty(process, "platform", { value: "plan9" });
      return failure(load());`;
    expect(await loading({ body })).toBe(
      `Error: this net was built for ${process.platform}-${process.arch}, and this machine is plan9-${process.arch}: build it on such a machine`,
    );
  });

  it("looks whether the net fits before it takes memory, and gives all back", async () => {
    const said = await loading({ memory: 64, fail: [["cuMemAlloc_v2", 1, 2]] });
    expect(said).toMatch(
      /^Error: the parameters \(\d+ B\) and the blobs \([^)]+\) of "tiny" need \S+ \w+ of memory, and Cortado Double has \d+ B free of \d+ B\n {2}a smaller batch/,
    );
    expect(await readFile(log, "utf8")).toBe("released\n");
    // Told there is enough, and then there is not.
    const later = await loading({ fail: [["cuMemAlloc_v2", 2, 2]] });
    expect(later).toMatch(
      /^Error: .* need .* of memory, and Cortado Double does not grant it: .*out of memory/,
    );
    expect(await readFile(log, "utf8")).toBe("released\n");
  });

  it("names wrong options", async () => {
    const body = `return [
      await failure(load({ device: 1 })), await failure(load({ device: -1 })), await failure(load({ device: "0" })),
      await failure(load({ devices: 0 })), await failure(load({ device: 0 })),
    ];`;
    expect(await loading({ body })).toEqual([
      "Error: there is no GPU 1: the driver has 1, numbered from 0\n  if the machine has one, look at CUDA_VISIBLE_DEVICES",
      "Error: option device is the number of a GPU, from 0",
      "Error: option device is the number of a GPU, from 0",
      'Error: load has no option "devices": there is weights, device',
      "no error",
    ]);
  });

  it("names the kernel that the driver does not take", async () => {
    const wrong = await buildEmulated(
      NET,
      { arch: ["sm_86"] },
      {
        ...emulatedCompiler,
        compile: async (kernels) => kernels.map(() => ({ cubin: Buffer.from("no image\0") })),
      },
    );
    const env = { CORTADO_DRIVER: double, ...doubleSettings({ capability: 86 }, log) };
    expect(await inNode(wrong, "return failure(load());", { env })).toMatch(
      /^InternalError: Cortado Double does not load kernel \w+_kernel \(.+\): .*CUDA_ERROR_INVALID_IMAGE/,
    );
  });

  it("several nets are loaded beside each other, and outlive each other", async () => {
    const body = `
      const [one, other] = await Promise.all([load(), load()]);
      const data = standIn(6);
      const first = bits((await one.forward({ data })).ip);
      await one.params.ip[0].write(new Float32Array(9));
      const second = bits((await other.forward({ data })).ip);
      await one.close();
      const again = bits((await other.forward({ data })).ip);
      await other.close();
      const third = await load({ device: 0 });
      const last = bits((await third.forward({ data })).ip);
      await third.close();
      return [second, again, last].map((values) => values.join() === first.join());`;
    expect(await loading({ body })).toEqual([true, true, true]);
    expect(await readFile(log, "utf8")).toBe("released\nreleased\n");
  });

  it("a net that is closed, or failed on the GPU, says so", async () => {
    const body = `
      const net = await load();
      const data = new Float32Array(6);
      await net.forward({ data });
      await net.close();
      return failure(net.forward({ data }));`;
    expect(await loading({ body })).toBe("Error: This net has been closed");
    const failing = `
      const net = await load();
      return failure(net.forward({ data: new Float32Array(6) }));`;
    expect(await loading({ body: failing, fail: [["cuGraphLaunch", 1, 2]] })).toMatch(
      /^Error: the forward pass on Cortado Double .*out of memory/,
    );
  });
});

/** The path of a kernel of sm_86 in the build. */
async function firstKernel(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(built, "manifest.json"), "utf8"));
  const paths = (manifest.files as { path: string }[]).map(({ path }) => path);
  return paths.find((path) => path.startsWith("kernels/sm_86/0-")) ?? "";
}

describe("the kernels for a GPU", () => {
  const program = { symbol: "", path: "", blocks: 1, threads: 1, note: "" };
  const pick = async (device: string, ...architectures: string[]): Promise<string> => {
    const { variantFor } = await import("../../../runtime/artefact/cuda-variant.js");
    const variants = architectures.map((architecture) => ({
      architecture,
      kernels: [program],
      programs: [],
    }));
    return variantFor(variants, device, "a GPU").architecture;
  };
  it.each([
    ["sm_80", ["sm_80", "sm_90"], "sm_80"],
    ["sm_90", ["sm_80", "sm_90"], "sm_90"],
    ["sm_89", ["sm_80", "sm_86", "sm_90"], "sm_86"],
    ["sm_89", ["sm_86", "sm_80"], "sm_86"],
    ["sm_121", ["sm_120"], "sm_120"],
    ["sm_103", ["sm_100f"], "sm_100f"],
    ["sm_90", ["sm_90a"], "sm_90a"],
    ["sm_89", ["sm_80", "sm_87"], "sm_80"],
    ["sm_87", ["sm_80", "sm_87"], "sm_87"],
  ])("%s takes of %j those of %s", async (device, built, wanted) => {
    expect(await pick(device, ...built)).toBe(wanted);
  });
  it.each([
    ["sm_75", ["sm_80"]],
    ["sm_86", ["sm_89", "sm_90"]],
    ["sm_100", ["sm_90", "sm_90a"]],
    ["sm_103", ["sm_100a"]],
    ["sm_87", ["sm_80", "sm_86"]],
    ["sm_120", ["sm_100", "sm_110"]],
  ])("%s takes none of %j", async (device, built) => {
    await expect(pick(device, ...built)).rejects.toThrow(`this build has no kernels for a GPU (${device})`);
  });
});

/** LeNet built for GPUs: what NVRTC compiles, as far as it gets without one, and the whole way over a driver double. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { buildNet } from "../../../src/build-net.js";
import { parseSolver, readWeights } from "../../../src/index.js";
import { addonForTests, buildDouble, doubleSettings, findNvrtc } from "../../support/native.js";
import { learningScenario, runCompiled } from "./compiled-run.js";
import { buildEmulated } from "./cuda-support.js";
import { bits, build, checkUse, inNode, newFolder, removeFolders, standIn } from "./support.js";

const loaded = await addonForTests();
const nvrtc = loaded && findNvrtc();
const NET = "examples/lenet/deploy.prototxt";
/** Node without rights to read anything but the build, and to open its addon. */
const PERMISSION = ["--permission", "--experimental-permission"].find((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag),
);
const CONFINED = [
  "--no-warnings",
  PERMISSION ?? "--permission",
  "--allow-fs-read=FOLDER/*",
  "--allow-addons",
];
const NO_DRIVER = { CORTADO_DRIVER: "/no/such/libcuda.so.1" };

afterAll(removeFolders);
afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(nvrtc === undefined)("LeNet built for cuda by NVRTC", () => {
  const PLATFORM = `${process.platform}-${process.arch}`;
  let built = "";
  beforeAll(async () => {
    vi.stubEnv("CORTADO_NVRTC", nvrtc);
    built = await build(NET, { target: "cuda", backward: true });
  });

  it("has cubins of both architectures and the addon, all of them in the manifest", async () => {
    const manifest = JSON.parse(await readFile(join(built, "manifest.json"), "utf8"));
    expect(manifest.target).toBe("cuda");
    const paths = (manifest.files as { path: string }[]).map(({ path }) => path);
    for (const { path, bytes, sha256 } of manifest.files) {
      const content = await readFile(join(built, path));
      expect([path, content.length]).toEqual([path, bytes]);
      expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
      if (path.endsWith(".cubin")) expect(content.subarray(0, 4).toString("latin1")).toBe("\x7fELF");
    }
    expect(paths).toContain("kernels/sm_80/0-conv_kernel.cubin");
    expect(paths).toContain("kernels/sm_90/0-conv_kernel.cubin");
    expect(await readFile(join(built, "lib", `cortado-${PLATFORM}.node`))).toEqual(
      await readFile(loaded?.path ?? ""),
    );
  });

  it("is the same, byte for byte, when the kernels are compiled again", async () => {
    vi.stubEnv("CORTADO_NVRTC", nvrtc);
    const report = await buildNet(NET, { out: await newFolder(), target: "cuda", backward: true });
    vi.stubEnv("CORTADO_CACHE", await newFolder());
    const again = await buildNet(NET, { out: await newFolder(), target: "cuda", backward: true });
    expect(again.files).toEqual(report.files);
  });

  it("gets as far as the driver with nothing but its own files", async () => {
    const body = `
      const said = await failure(load());
      const { sharedObjects } = process.report.getReport();
      const name = (path) => path.split("/").at(-1);
      return [said, sharedObjects.map(name).filter((one) => /nvrtc|cortado|libcuda/.test(one))];`;
    const [said, objects] = (await inNode(built, body, { env: NO_DRIVER, flags: CONFINED })) as [
      string,
      string[],
    ];
    expect(said).toMatch(/^Error: this net cannot run here: CORTADO_DRIVER is .*, and .*No such file/);
    expect(objects).toEqual([`cortado-${PLATFORM}.node`]);
  });

  it("has types that name its blobs and the option device", async () => {
    const declarations = await readFile(join(built, "net.d.ts"), "utf8");
    expect(
      checkUse(
        declarations,
        `const other = await load({ device: 1, weights: "own.safetensors" });
         const { prob } = await other.forward({ data: new Float32Array(784) });
         const { params } = await other.backward({ prob });
         const gradient: Float32Array = params.conv1[0];
         void gradient;`,
      ),
    ).toEqual([]);
    expect(checkUse(declarations, 'await load({ device: "0" });')).toHaveLength(1);
    expect(checkUse(declarations, "await net.forward({ date: new Float32Array(784) });")).toHaveLength(1);
    const other = await build(NET);
    expect(
      checkUse(await readFile(join(other, "net.d.ts"), "utf8"), "await load({ device: 0 });"),
    ).toHaveLength(1);
  });

  it("refuses architectures that NVRTC does not know, or are too old, and writes nothing", async () => {
    vi.stubEnv("CORTADO_NVRTC", nvrtc);
    const out = join(await newFolder(), "dist");
    const refused = (arch: readonly string[]) =>
      buildNet(NET, { out, target: "cuda", arch }).then(
        () => "no error",
        (error: unknown) => (error instanceof CortadoError ? error.message : String(error)),
      );
    expect(await refused(["sm_80", "sm_81"])).toMatch(
      /^error: NVRTC \S+ \(.*\) does not compile for sm_81\n {2}it knows: sm_/,
    );
    expect(await refused(["sm_52"])).toMatch(/^error: sm_52 is too old: sm_75 is the oldest architecture/);
    await expect(readFile(join(out, "net.d.ts"))).rejects.toThrow("ENOENT");
  });
});

const TRAIN = "examples/lenet/train_test.prototxt";
const SOLVER = "examples/lenet/solver.prototxt";
const BATCH = 2;
const STEPS = 2;
const shapes = { data: [BATCH, 1, 28, 28], label: [BATCH] };
const label = Float32Array.from({ length: BATCH }, (_, i) => (3 * i) % 10);
const SCENARIO = learningScenario({
  label: `Float32Array.from({ length: ${BATCH} }, (_, i) => (3 * i) % 10)`,
  elements: BATCH * 784,
  kept: "conv1",
  steps: STEPS,
});

describe.skipIf(loaded === undefined)("LeNet built for cuda, over a driver double", () => {
  let built = "";
  let double = "";
  beforeAll(async () => {
    double = buildDouble(await newFolder());
    built = await buildEmulated(TRAIN, {
      arch: ["sm_80", "sm_90"],
      train: true,
      solver: SOLVER,
      shapes,
      keep: ["conv1"],
    });
  });
  const onDouble = async (capability: number) => {
    const log = join(await newFolder(), "log");
    const env = { CORTADO_DRIVER: double, ...doubleSettings({ capability }, log) };
    const { saved, ...result } = (await inNode(built, SCENARIO, { env })) as Record<string, never> & {
      readonly saved: readonly number[];
    };
    expect(await readFile(log, "utf8")).toBe("released\n");
    const { layers } = await readWeights(Uint8Array.from(saved));
    expect(layers.flatMap(({ blobs }) => blobs.map((blob) => bits(blob.data)))).toEqual(result["after"]);
    return result as unknown;
  };

  it("runs, differentiates and learns as the compiled net on the emulator, to the bit", async () => {
    const { solver } = parseSolver(await readFile(SOLVER, "utf8"));
    const seed = solver.random_seed >= 0 ? solver.random_seed : undefined;
    const expected = await runCompiled({
      net: TRAIN,
      ...{ solver, kept: "conv1", steps: STEPS, options: { target: "emulator", shapes, seed } as const },
      batch: (step) => ({ data: standIn(BATCH * 784, step), label }),
    });
    const { losses } = expected;
    expect(await onDouble(80)).toEqual(expected);
    // A newer GPU of the same major version takes the same kernels.
    expect(await onDouble(86)).toEqual(expected);
    // Another architecture has tiles of its own, and may round otherwise.
    const other = (await onDouble(90)) as typeof expected;
    expect(other.losses).toEqual(losses.map((value) => expect.closeTo(value, 5)));
  });
});

/** Building for cuda where something that it needs is missing. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { buildWith } from "../../../src/build-net.js";
import { addonForTests } from "../../support/native.js";
import { emulatedCompiler } from "./cuda-support.js";
import { newFolder, removeFolders } from "./support.js";

const loaded = await addonForTests();
const absent = vi.hoisted(() => ({ why: undefined as string | undefined }));
vi.mock("../../../native/addon.js", async (original) => {
  const real = await original<typeof import("../../../native/addon.js")>();
  return { ...real, openAddon: () => (absent.why === undefined ? real.openAddon() : { why: absent.why }) };
});
afterAll(removeFolders);
afterEach(() => {
  vi.unstubAllEnvs();
  absent.why = undefined;
});

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 } } }
layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" }`;

/** What a build says that must leave nothing behind. */
async function refused(compiler?: typeof emulatedCompiler): Promise<string> {
  const parent = await newFolder();
  const options = { out: join(parent, "dist"), target: "cuda" } as const;
  const error: unknown = await buildWith(compiler, NET, options).catch((caught) => caught);
  expect(error).toBeInstanceOf(CortadoError);
  expect(await readdir(parent)).toEqual([]);
  return (error as CortadoError).message;
}

describe("a build for cuda", () => {
  it.skipIf(loaded === undefined)("says what is missing without NVRTC", async () => {
    const empty = await newFolder();
    await mkdir(join(empty, "lib"));
    vi.stubEnv("CORTADO_NVRTC", empty);
    expect(await refused()).toMatch(
      /^error: CUDA kernels cannot be compiled: CORTADO_NVRTC is ".*", and [\s\S]*\n {2}"pip install nvidia-cuda-nvrtc"/,
    );
  });

  it("says what is missing without the addon", async () => {
    absent.why = "Cortado's native addon is not built for plan9-x64";
    expect(await refused()).toMatch(
      /^error: CUDA kernels cannot be compiled: Cortado's native addon is not built for plan9-x64/,
    );
    expect(await refused(emulatedCompiler)).toBe(
      "error: cannot build for cuda: Cortado's native addon is not built for plan9-x64",
    );
  });

  it.skipIf(loaded === undefined)("leaves nothing where a kernel does not compile", async () => {
    const compile = async (): Promise<never> => {
      throw new CortadoError([{ severity: "error", message: "NVRTC did not compile kernel x" }]);
    };
    expect(await refused({ ...emulatedCompiler, compile })).toBe("error: NVRTC did not compile kernel x");
  });
});

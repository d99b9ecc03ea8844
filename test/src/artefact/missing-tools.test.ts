/** Building for cuda and native where something that it needs is missing. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { type BuildOptions, buildWith } from "../../../src/build-net.js";
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
async function refused(
  compiler?: typeof emulatedCompiler,
  given: Omit<BuildOptions, "out"> = { target: "cuda" },
): Promise<string> {
  const parent = await newFolder();
  const options = { ...given, out: join(parent, "dist") };
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

describe("a build for native", () => {
  const native = (cpu?: BuildOptions["cpu"]): Promise<string> =>
    refused(undefined, { target: "native", ...(cpu && { cpu }) });

  it.skipIf(loaded === undefined)("says what is missing without a compiler, and what was tried", async () => {
    vi.stubEnv("CORTADO_CXX", "/no/such/g++");
    expect(await native()).toBe(
      'error: a build for native compiles C++, and the C++ compiler that CORTADO_CXX names, "/no/such/g++", does not run\n' +
        "  install one (Debian and Ubuntu: apt-get install g++; Python: pip install ziglang), or name it in CORTADO_CXX",
    );
    vi.stubEnv("CORTADO_CXX", "");
    vi.stubEnv("CXX", "");
    vi.stubEnv("PATH", await newFolder());
    expect(await native()).toMatch(
      /^error: a build for native compiles C\+\+, and there is no C\+\+ compiler: neither g\+\+, c\+\+, clang\+\+ nor zig is on the PATH\n.*CORTADO_CXX$/,
    );
  });

  it("says what is missing without the addon", async () => {
    absent.why = "Cortado's native addon is not built for plan9-x64";
    expect(await native()).toBe(
      "error: cannot build for native: Cortado's native addon is not built for plan9-x64",
    );
  });

  it.skipIf(loaded === undefined)("is made on a machine of the processors' kind", async () => {
    const [other, machine] =
      process.arch === "arm64" ? (["avx2", "x64"] as const) : (["neon", "arm64"] as const);
    expect(await native([other])).toMatch(
      `error: ${other} is of ${machine} processors, and this machine is ${process.arch}: kernels are compiled on a machine of their kind\n  here there is `,
    );
  });

  it("takes names of processors, each once, and no other target does", async () => {
    const twice = refused(undefined, { target: "native", cpu: ["avx2", "sse", "avx2"] });
    expect(await twice).toBe('error: option cpu names "avx2" more than once');
    const wrong = refused(undefined, { target: "native", cpu: ["avx-2" as "avx2"] });
    expect(await wrong).toMatch(
      /^error: option cpu\[0\] is "avx-2"; it may be "sse", .*\n {2}did you mean "avx2"/,
    );
    const none = refused(undefined, { target: "native", cpu: [] });
    expect(await none).toMatch(
      /^error: option cpu is \[\]; it must be a list of processors, as avx2, avx512$/,
    );
    expect(await refused(undefined, { target: "cuda", cpu: ["avx2"] })).toBe(
      'error: option cpu is for the target "wasm" or "native"\n  the cuda target has option arch',
    );
    expect(await refused(undefined, { cpu: ["avx2"] })).toBe(
      'error: option cpu is for the target "wasm" or "native"\n  the ts target has no architectures: leave cpu out',
    );
    expect(await refused(undefined, { target: "native", arch: ["sm_80"] })).toBe(
      'error: option arch is for the target "cuda"\n  the native target has option cpu',
    );
  });
});

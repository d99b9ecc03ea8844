import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CortadoError } from "../../../../proto/errors/index.js";
import { requireArchitecture, requireNvrtc, searchNvrtc } from "../../../../runtime/devices/cuda/nvrtc.js";
import { fromPython } from "../../../../runtime/devices/cuda/nvrtc-places.js";
import { addonForTests, buildShared, findNvrtc as wheelNvrtc } from "../../../support/native.js";
import { scratchFolder } from "../../../support/scratch.js";

const loaded = await addonForTests();
const real = wheelNvrtc();
const scratch = scratchFolder();

/** A library with NVRTC's functions and a version of its own. */
const doubleSource = (major: number, minor: number): string => `
#define API extern "C" __attribute__((visibility("default")))
API int nvrtcVersion(int* a, int* b) { *a = ${major}; *b = ${minor}; return 0; }
API int nvrtcGetNumSupportedArchs(int* n) { *n = 2; return 0; }
API int nvrtcGetSupportedArchs(int* a) { a[0] = 80; a[1] = 90; return 0; }
API int nvrtcCreateProgram() { return 1; }
API int nvrtcCompileProgram() { return 1; }
API int nvrtcGetCUBINSize() { return 1; }
API int nvrtcGetCUBIN() { return 1; }
API int nvrtcGetProgramLogSize() { return 1; }
API int nvrtcGetProgramLog() { return 1; }
API int nvrtcDestroyProgram() { return 1; }
API const char* nvrtcGetErrorString(int) { return "double"; }
`;

beforeEach(() => {
  for (const name of ["CORTADO_NVRTC", "CUDA_HOME", "CUDA_PATH"]) vi.stubEnv(name, undefined);
});
afterEach(() => void vi.unstubAllEnvs());

const folder = (...names: readonly string[]): string => {
  const path = join(scratch.path, ...names);
  mkdirSync(path, { recursive: true });
  return path;
};

describe.skipIf(loaded === undefined)("finding NVRTC", () => {
  const files: Record<string, string> = {};
  beforeAll(() => {
    for (const [name, major, minor] of [
      ["old", 11, 8],
      ["twelve", 12, 9],
      ["thirteen", 13, 0],
      ["next", 14, 1],
    ] as const)
      files[name] = buildShared(scratch.path, `nvrtc-${name}`, doubleSource(major, minor));
  });

  const fault = async (): Promise<string> => {
    const search = await searchNvrtc();
    expect(search.found).toBeUndefined();
    const error: unknown = await requireNvrtc().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CortadoError);
    expect((error as Error).message).toContain("pip install nvidia-cuda-nvrtc");
    return (error as Error).message;
  };

  test("CORTADO_NVRTC names a file", async () => {
    vi.stubEnv("CORTADO_NVRTC", files["twelve"]);
    const { found } = await searchNvrtc();
    expect(found).toMatchObject({ path: files["twelve"], version: [12, 9], architectures: [80, 90] });
  });

  test("or a folder: the newest in it that will do; or the root of a toolkit", async () => {
    const lib = folder("toolkit", "lib64");
    symlinkSync(files["twelve"], join(lib, "libnvrtc.so.12"));
    symlinkSync(files["thirteen"], join(lib, "libnvrtc.so.13"));
    writeFileSync(join(lib, "libnvrtc-builtins.so.13.0"), "");
    for (const given of [lib, dirname(lib)]) {
      vi.stubEnv("CORTADO_NVRTC", given);
      expect((await searchNvrtc()).found).toMatchObject({
        path: join(lib, "libnvrtc.so.13"),
        version: [13, 0],
      });
      expect((await searchNvrtc(12)).found).toMatchObject({ path: join(lib, "libnvrtc.so.12") });
    }
  });

  test("what it names must be NVRTC: nothing else is tried", async () => {
    const none = folder("none");
    vi.stubEnv("CORTADO_NVRTC", none);
    expect(await fault()).toContain(
      `CORTADO_NVRTC is ${JSON.stringify(none)}, and ${none}: no libnvrtc there`,
    );
    vi.stubEnv("CORTADO_NVRTC", "/no/such/file.so");
    expect(await fault()).toMatch(/file\.so: .*No such file or directory/);
    const text = join(folder("text"), "libnvrtc.so.13");
    writeFileSync(text, "this is a text\n");
    for (const given of [text, dirname(text)]) {
      vi.stubEnv("CORTADO_NVRTC", given);
      expect(await fault()).toMatch(/libnvrtc\.so\.13: (file too short|invalid ELF header)/);
    }
    vi.stubEnv("CORTADO_NVRTC", buildShared(scratch.path, "other", "int nothing;"));
    expect(await fault()).toContain("no symbol nvrtc");
  });

  test("too old is said with the version; too new for a driver as well", async () => {
    vi.stubEnv("CORTADO_NVRTC", files["old"]);
    expect(await fault()).toContain("version 11.8 is too old: 12.0 is the oldest that will do");
    vi.stubEnv("CORTADO_NVRTC", files["next"]);
    const search = await searchNvrtc(13);
    expect(search).toMatchObject({
      fault: expect.stringContaining(
        "version 14.1 is too new for this machine's driver, which knows CUDA 13",
      ) as unknown,
    });
  });

  test.each(["CUDA_HOME", "CUDA_PATH"])("%s is the root of a toolkit", async (name) => {
    const home = folder(`${name}-toolkit`);
    const lib = folder(`${name}-toolkit`, "targets", "x86_64-linux", "lib");
    symlinkSync(files["thirteen"], join(lib, "libnvrtc.so.13"));
    vi.stubEnv(name, home);
    expect((await searchNvrtc()).found?.path).toBe(join(lib, "libnvrtc.so.13"));
  });

  test("both majors' wheels are found in the active Python, without importing them", async () => {
    const bin = folder("bin");
    const site = folder("site", "nvidia");
    folder("site", "nvidia", "cu13", "lib");
    folder("site", "nvidia", "cuda_nvrtc", "lib");
    folder("site", "nvidia", "cublas", "lib");
    writeFileSync(join(bin, "python3"), `#!/bin/sh\necho '["${site}", "/no/such"]'\n`);
    chmodSync(join(bin, "python3"), 0o755);
    writeFileSync(join(bin, "python"), "#!/bin/sh\necho broken\nexit 3\n");
    chmodSync(join(bin, "python"), 0o755);
    vi.stubEnv("PATH", bin);
    expect(await fromPython()).toEqual({
      folders: [join(site, "cu13", "lib"), join(site, "cuda_nvrtc", "lib")],
      looked: [{ place: "python", why: "it does not answer" }],
    });
    vi.stubEnv("PATH", folder("empty"));
    expect((await fromPython()).looked).toEqual([
      { place: "python3", why: "not on the PATH" },
      { place: "python", why: "not on the PATH" },
    ]);
  });

  test("an architecture that it does not know is named with those that it does", () => {
    const nvrtc = { architectures: [80, 90], version: [13, 0], path: "/x/libnvrtc.so.13" } as const;
    requireArchitecture(nvrtc, "sm_90");
    expect(() => requireArchitecture(nvrtc, "sm_70")).toThrow(
      "NVRTC 13.0 (/x/libnvrtc.so.13) does not compile for sm_70\n  it knows: sm_80, sm_90",
    );
    expect(() => requireArchitecture(nvrtc, "sm_90; rm")).toThrow("is no GPU architecture");
  });
});

describe.skipIf(loaded === undefined || real === undefined)("the real NVRTC", () => {
  test("is found without being named", async () => {
    const search = await searchNvrtc();
    expect(search.found?.version[0]).toBeGreaterThanOrEqual(12);
    expect(search.found?.architectures).toEqual(expect.arrayContaining([80, 90]));
    expect(search.found?.path.startsWith("/")).toBe(true);
    expect((await requireNvrtc()).path).toBe(search.found?.path);
  });
});

/** Kernels compiled for the processor: the compiler that fails or is not there, the cache that is damaged or not writable. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { CortadoError, InternalError } from "../../../../proto/errors/index.js";
import { buildNativeModules, type NativeKernel } from "../../../../runtime/devices/native/native-modules.js";
import { compile } from "../../../../src/index.js";
import { addonForTests } from "../../../support/native.js";
import { ownCache } from "../../../support/own-cache.js";
import { scratchFolder } from "../../../support/scratch.js";

const loaded = await addonForTests();
const scratch = scratchFolder();
const own = ownCache(scratch);

const kernel = (symbol: string, statement: string): NativeKernel => ({
  symbol,
  note: `a test of ${symbol}`,
  source: `static void ${symbol}(void* const* memory, long from, long to, char*) {\n  for (long i = from; i < to; i++) ${statement}\n}`,
});
const twice = kernel("k0", "((float*)memory[1])[i] = 2 * ((const float*)memory[0])[i];");
const wrong = kernel("k1", "((float*)memory[1])[i] = unheardOf;");

/** What kernel 0 makes of 1, 2, 3. */
async function valuesOf(kernels: readonly NativeKernel[]): Promise<readonly number[]> {
  const [{ path }] = await buildNativeModules(kernels, "");
  const addon = loaded?.addon;
  if (!addon) throw new Error("no addon");
  const module = addon.nativeOpen(path);
  const [from, to] = [Float32Array.of(1, 2, 3), new Float32Array(3)];
  const plan = addon.nativePlan([{ module, kernel: 0, from: 0, to: 3, pieces: 1, args: [from, to] }], 0, 1);
  await addon.nativeRun(plan);
  addon.nativeClose(plan);
  addon.nativeClose(module);
  return [...to];
}

const failure = async (work: Promise<unknown>): Promise<Error> => {
  const caught: unknown = await work.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
  expect(caught).toBeInstanceOf(Error);
  return caught as Error;
};

/** A compiler that says its version, and does what a script says when it is to compile. */
function compilerThat(name: string, script: string): string {
  const path = scratch.file(
    name,
    `#!/bin/sh\n[ "$1" = --version ] && echo "${name} 1.0" && exit 0\n${script}\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 5 } } }
layer { name: "power" type: "Power" bottom: "data" top: "power" power_param { scale: 3 shift: 1 } }`;
const data = Float32Array.from({ length: 10 }, (_, i) => i - 4);

async function powerOf(): Promise<readonly number[]> {
  const net = await compile(NET, { target: "native" });
  const { power } = await net.forward({ data });
  await net.close();
  return [...power];
}
const POWER = Array.from(data, (x) => 3 * x + 1);

describe.skipIf(loaded === undefined)("kernels in the cache", () => {
  it("are compiled once", async () => {
    const [{ path }] = await buildNativeModules([twice], "");
    expect(dirname(path)).toBe(own.folder);
    vi.stubEnv("CORTADO_NO_COMPILE", "1");
    expect(await valuesOf([twice])).toEqual([2, 4, 6]);
    const error = await failure(buildNativeModules([kernel("k5", "")], ""));
    expect(error).toBeInstanceOf(CortadoError);
    expect(error.message).toContain(
      "kernel k5 (a test of k5) would have to be compiled, and CORTADO_NO_COMPILE is set",
    );
  });

  it("that were changed or cut off are compiled again, and never opened", async () => {
    const [{ path }] = await buildNativeModules([twice], "");
    const whole = readFileSync(path);
    const changed = Uint8Array.from(whole);
    changed[whole.length >> 1] ^= 1;
    const damages = [
      () => writeFileSync(path, changed),
      () => truncateSync(path, whole.length >> 1),
      () => truncateSync(path, whole.length - 1),
      () => truncateSync(path, 0),
      () => writeFileSync(path, "no library at all"),
    ];
    for (const damage of damages) {
      damage();
      expect(await valuesOf([twice])).toEqual([2, 4, 6]);
      expect(readFileSync(path).equals(whole)).toBe(true);
    }
    // Without a compiler they are as if they were not there.
    damages[0]();
    vi.stubEnv("CORTADO_NO_COMPILE", "1");
    expect(await failure(valuesOf([twice]))).toBeInstanceOf(CortadoError);
  });

  it("are others for another compiler, and for another text", async () => {
    const [{ path }] = await buildNativeModules([twice], "");
    const [other] = await buildNativeModules([twice], "// Another preamble.");
    const { CORTADO_CXX, CXX } = process.env;
    vi.stubEnv("CORTADO_CXX", compilerThat("wrapped", `exec ${CORTADO_CXX || CXX || "g++"} "$@"`));
    const [wrapped] = await buildNativeModules([twice], "");
    expect(new Set([path, other.path, wrapped.path]).size).toBe(3);
  });

  it("need no folder of the user's that can be written", async () => {
    // A file where a folder should be stops root as well.
    const file = scratch.file("a-file", "");
    vi.stubEnv("CORTADO_CACHE", join(file, "cortado"));
    expect(await powerOf()).toEqual(POWER);
    expect(readFileSync(file, "utf8")).toBe("");
  });

  it("go to a folder of the process where one of them cannot be written", async () => {
    const [{ path }] = await buildNativeModules([twice], "");
    const other = join(scratch.path, "another-cache");
    mkdirSync(join(other, path.slice(own.folder.length)), { recursive: true, mode: 0o700 });
    chmodSync(other, 0o700);
    vi.stubEnv("CORTADO_CACHE", other);
    expect(await valuesOf([twice])).toEqual([2, 4, 6]);
    const [elsewhere] = await buildNativeModules([twice], "");
    expect(elsewhere.path.startsWith(other)).toBe(false);
    expect(existsSync(elsewhere.path)).toBe(true);
  });

  it("of a folder that others may write to are a user's mistake", async () => {
    mkdirSync(own.folder);
    chmodSync(own.folder, 0o777);
    const error = await failure(compile(NET, { target: "native" }));
    expect(error).toBeInstanceOf(CortadoError);
    expect(error.message).toMatch(/can be written by others \(mode 0777\): nothing is loaded from it\n/);
    expect(readdirSync(own.folder)).toEqual([]);
  });
});

describe.skipIf(loaded === undefined)("a compiler for native", () => {
  it.each([
    ["Debian clang version 14.0.6", false],
    ["g++ (Debian 12.2.0-14) 12.2.0", true],
  ])("gets options that are GCC's alone where it is GCC: %s", async (version, isGcc) => {
    const [asked, path] = ["asked", "asking"].map((name) => join(scratch.path, `${name}-${isGcc}`));
    writeFileSync(
      path,
      `#!/bin/sh\n[ "$1" = --version ] && echo "${version}" && exit 0\ncat >/dev/null\necho "$@" > '${asked}'\nexit 1\n`,
    );
    chmodSync(path, 0o755);
    vi.stubEnv("CORTADO_CXX", path);
    await failure(buildNativeModules([twice], ""));
    expect(readFileSync(asked, "utf8").includes("-fno-tree-bit-ccp")).toBe(isGcc);
  });

  it("that refuses a kernel is a fault that names it and its line", async () => {
    const error = await failure(buildNativeModules([twice, wrong], ""));
    expect(error).toBeInstanceOf(InternalError);
    expect(error.message).toMatch(
      /^kernel k1 \(a test of k1\) does not compile with \S+:\n[\s\S]*k1:2:\d+: error: [\s\S]*unheardOf/,
    );
    expect(readdirSync(own.folder)).toEqual([]);
  });

  it("that fails in another way is a fault that names what it was given, and what it said", async () => {
    // More than there are units for.
    const five = [0, 1, 2, 3, 4].map((number) => kernel(`k${number}`, ";"));
    vi.stubEnv("CORTADO_CXX", compilerThat("broken", "cat >/dev/null\necho 'out of disks' >&2\nexit 1"));
    const error = await failure(buildNativeModules(five, ""));
    expect(error).toBeInstanceOf(InternalError);
    expect(error.message).toMatch(
      /^one of the kernels k\d \(a test of k\d\), k\d \(a test of k\d\) does not compile with \S+broken:\nout of disks\n/,
    );
    const { message } = await failure(compile(NET, { target: "native" }));
    expect(message).toMatch(/^kernel k0 \(.+\) does not compile with \S+broken:\nout of disks\n/);
    expect(readdirSync(own.folder)).toEqual([]);
  });

  it("that is killed, or closes its input, is such a fault too", async () => {
    for (const [name, script] of [
      ["killed", "kill -9 $$"],
      ["deaf", "exec <&-\nexit 3"],
    ]) {
      vi.stubEnv("CORTADO_CXX", compilerThat(name, script));
      // Longer than a pipe holds.
      const long = { ...twice, source: `${twice.source}\n// ${"x".repeat(200_000)}` };
      const error = await failure(buildNativeModules([long], ""));
      expect(error).toBeInstanceOf(InternalError);
      expect(error.message).toMatch(/^kernel k0 \(a test of k0\) does not compile with \S+:\n.+/);
    }
  });

  it("that writes nothing, though it says that it is done, is a fault", async () => {
    vi.stubEnv("CORTADO_CXX", compilerThat("idle", "cat >/dev/null"));
    const error = await failure(buildNativeModules([twice], ""));
    expect(error).toBeInstanceOf(InternalError);
    expect(error.message).toMatch(
      /^kernel k0 \(a test of k0\) does not compile with \S+idle:\nit ended well/,
    );
    expect(readdirSync(own.folder)).toEqual([]);
  });

  it.each([
    ["is not there", () => join(scratch.path, "no-such-compiler")],
    ["may not be executed", () => scratch.file("plain", "#!/bin/sh\nexit 0\n")],
    ["is a folder", () => scratch.path],
    [
      "does not say its version",
      () => {
        const path = scratch.file("mute", "#!/bin/sh\nexit 1\n");
        chmodSync(path, 0o755);
        return path;
      },
    ],
  ])("that %s is a user's mistake, in one line", async (_, make) => {
    const path = make();
    vi.stubEnv("CORTADO_CXX", path);
    const error = await failure(compile(NET, { target: "native" }));
    expect(error).toBeInstanceOf(CortadoError);
    expect(error.message).toBe(
      `error: target "native" compiles C++, and the C++ compiler that CORTADO_CXX names, "${path}", does not run\n` +
        "  install one (Debian and Ubuntu: apt-get install g++; Python: pip install ziglang), or name it in CORTADO_CXX",
    );
    expect((error as CortadoError).diagnostics).toHaveLength(1);
  });
});

import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { addonForTests, findNvrtc, type LoadedAddon } from "../support/native.js";

const loaded = await addonForTests();
const library = findNvrtc();

const GOOD = `
#include "cortado.h"
KERNEL(256) twice(const float* a, float* b) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  b[i] = 2.0f * a[i];
}`;
const HEADERS = [
  ["cortado.h", '#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)\n'],
] as const;
const options = (arch: number) => [`--gpu-architecture=sm_${arch}`, "--std=c++17", "-default-device"];

describe.skipIf(loaded === undefined || library === undefined)("NVRTC", () => {
  const { addon } = loaded ?? ({} as LoadedAddon);
  const path = library as string;

  test("says its version and its architectures", () => {
    const nvrtc = addon.nvrtcOpen(path);
    const [major, minor] = addon.nvrtcVersion(nvrtc);
    expect([12, 13]).toContain(major);
    expect(minor).toBeGreaterThanOrEqual(0);
    expect(addon.nvrtcArchitectures(nvrtc)).toEqual(expect.arrayContaining([80, 90]));
  });

  test("compiles for several architectures at once, and the event loop goes on", async () => {
    const nvrtc = addon.nvrtcOpen(path);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const results = await Promise.all(
      [80, 90, 120].map((arch) => addon.nvrtcCompile(nvrtc, GOOD, "twice.cu", HEADERS, options(arch))),
    );
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    for (const { cubin, log } of results) {
      expect(log).toBe("");
      expect([...cubin!.slice(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
      expect(Buffer.from(cubin!).includes("twice")).toBe(true);
    }
  });

  test("gives the log of a source that does not compile, and that of one that does", async () => {
    const nvrtc = addon.nvrtcOpen(path);
    const broken = await addon.nvrtcCompile(nvrtc, "int a;\nint b = nothing;", "b.cu", [], options(80));
    expect(broken.cubin).toBeUndefined();
    expect(broken.log).toMatch(/b\.cu\(2\): error.*nothing/);
    const missing = await addon.nvrtcCompile(nvrtc, GOOD, "twice.cu", [], options(80));
    expect(missing.log).toContain("cortado.h");
    const verbose = await addon.nvrtcCompile(nvrtc, GOOD, "twice.cu", HEADERS, [
      ...options(80),
      "-Xptxas",
      "-v",
    ]);
    expect(verbose.log).toMatch(/Used \d+ registers/);
  });

  test("rejects an option that it does not know, by NVRTC's own words", async () => {
    const nvrtc = addon.nvrtcOpen(path);
    await expect(
      addon.nvrtcCompile(nvrtc, GOOD, "twice.cu", HEADERS, ["--gpu-architecture=sm_11"]),
    ).rejects.toThrow(/compiling twice\.cu failed: NVRTC_ERROR_INVALID_OPTION .*gpu-architecture/);
  });

  test("says what could not be opened", () => {
    expect(() => addon.nvrtcOpen("/nowhere/libnvrtc.so")).toThrow(
      /opening NVRTC failed: \/nowhere\/libnvrtc\.so/,
    );
    expect(() => addon.nvrtcOpen("libm.so.6")).toThrow(/libm\.so\.6 has no symbol nvrtcVersion/);
  });

  test("works in worker threads; one that ends during a compilation ends quietly", async () => {
    const code = `
      const { parentPort, workerData: { addonPath, path, source, headers, options } } = require("node:worker_threads");
      const addon = require(addonPath);
      const nvrtc = addon.nvrtcOpen(path);
      parentPort.postMessage("started");
      addon.nvrtcCompile(nvrtc, source, "a.cu", headers, options)
        .then(({ cubin }) => parentPort.postMessage(cubin.length));`;
    const workerData = {
      addonPath: loaded!.path,
      path,
      source: GOOD,
      headers: HEADERS,
      options: options(80),
    };
    const start = () => new Worker(code, { eval: true, workerData });
    const finishing = [start(), start()].map(
      (worker) =>
        new Promise<number>((resolve, reject) => {
          worker.on("error", reject);
          worker.on("message", (message) => message !== "started" && resolve(message));
        }),
    );
    const ended = Array.from({ length: 3 }, start).map(
      (worker) => new Promise<number>((resolve) => worker.once("message", () => resolve(worker.terminate()))),
    );
    for (const bytes of await Promise.all(finishing)) expect(bytes).toBeGreaterThan(100);
    expect(await Promise.all(ended)).toHaveLength(3);
  });
});

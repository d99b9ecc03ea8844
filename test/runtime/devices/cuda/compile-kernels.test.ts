import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { CortadoError, InternalError } from "../../../../proto/errors/index.js";
import { openCache } from "../../../../runtime/cache.js";
import { type CudaKernel, compileKernels } from "../../../../runtime/devices/cuda/compile-kernels.js";
import { type FoundNvrtc, searchNvrtc } from "../../../../runtime/devices/cuda/nvrtc.js";
import { addonForTests, findNvrtc } from "../../../support/native.js";
import { ownCache } from "../../../support/own-cache.js";
import { scratchFolder } from "../../../support/scratch.js";

const loaded = await addonForTests();
const library = findNvrtc();
const scratch = scratchFolder();

const kernel = (factor: number): CudaKernel => ({
  symbol: "scale_kernel",
  source: `#include "cortado.h"
KERNEL(256) scale_kernel(Global<const float> b0, Global<float> b1) {
  SHARED(float, s0, 256);
  s0[threadIdx.x] = b0[blockIdx.x * 256 + threadIdx.x];
  __syncthreads();
  b1[blockIdx.x * 256 + threadIdx.x] = ${factor}.0f * s0[255 - threadIdx.x];
}
`,
  note: `scale by ${factor}`,
});

const own = ownCache(scratch);

describe.skipIf(loaded === undefined || library === undefined)("compiling kernels by NVRTC", async () => {
  const search = loaded && library !== undefined ? await searchNvrtc() : undefined;
  const nvrtc = search?.found as FoundNvrtc;
  /** NVRTC with its compilations counted. */
  const counted = () => {
    const compile = vi.fn(nvrtc.addon.nvrtcCompile);
    return { compile, nvrtc: { ...nvrtc, addon: { ...nvrtc.addon, nvrtcCompile: compile } } };
  };

  test("cold: a cubin of each, what it takes, and equal sources once", async () => {
    const { compile, nvrtc } = counted();
    const kernels = [kernel(1), kernel(2), kernel(1), kernel(3), kernel(4)];
    const cubins = await compileKernels(kernels, { arch: "sm_90", nvrtc });
    expect(compile).toHaveBeenCalledTimes(4);
    expect(cubins[0]).toBe(cubins[2]);
    expect(new Set(cubins.map(({ hash }) => hash)).size).toBe(4);
    for (const { cubin, resources } of cubins) {
      expect([...cubin.subarray(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
      expect(resources).toMatchObject({ spillStores: 0, spillLoads: 0, sharedBytes: 1024, stackBytes: 0 });
      expect(resources?.registers).toBeGreaterThan(0);
    }
  });

  test("warm: nothing is compiled, and all is as it was", async () => {
    const kernels = [kernel(1), kernel(2)];
    const cold = await compileKernels(kernels, { arch: "sm_80", nvrtc });
    vi.stubEnv("CORTADO_NO_COMPILE", "1");
    const again = counted();
    const warm = await compileKernels(kernels, { arch: "sm_80", nvrtc: again.nvrtc });
    expect(again.compile).not.toHaveBeenCalled();
    const plain = cold.map((one) => ({ ...one, cubin: new Uint8Array(one.cubin) }));
    expect(warm.map((one) => ({ ...one, cubin: new Uint8Array(one.cubin) }))).toEqual(plain);
  });

  test("another architecture or another version is another entry", async () => {
    const { compile, nvrtc } = counted();
    await compileKernels([kernel(1)], { arch: "sm_80", nvrtc });
    await compileKernels([kernel(1)], { arch: "sm_90", nvrtc });
    await compileKernels([kernel(1)], { arch: "sm_90", nvrtc: { ...nvrtc, version: [99, 0] } });
    expect(compile).toHaveBeenCalledTimes(3);
    expect(readdirSync(own.folder)).toHaveLength(3);
  });

  test("a changed byte recompiles, never loads", async () => {
    const { compile, nvrtc } = counted();
    const [first] = await compileKernels([kernel(1)], { arch: "sm_90", nvrtc });
    const path = join(own.folder, readdirSync(own.folder)[0]);
    const whole = readFileSync(path);
    for (const at of [0, 10, whole.length >> 1, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at] ^= 0xff;
      writeFileSync(path, changed);
      compile.mockClear();
      const [again] = await compileKernels([kernel(1)], { arch: "sm_90", nvrtc });
      expect(compile).toHaveBeenCalledTimes(1);
      expect(again.resources).toEqual(first.resources);
      compile.mockClear();
      await compileKernels([kernel(1)], { arch: "sm_90", nvrtc });
      expect(compile).not.toHaveBeenCalled();
    }
    // An entry of the cache that is whole, and none of ours.
    await (await openCache()).store(
      readdirSync(own.folder)[0].replace(".cubin", ""),
      ".cubin",
      Buffer.from("??"),
    );
    await compileKernels([kernel(1)], { arch: "sm_90", nvrtc });
    expect(compile).toHaveBeenCalledTimes(1);
  });

  test("two at once", async () => {
    const kernels = [kernel(1), kernel(2), kernel(3)];
    const [a, b] = await Promise.all([
      compileKernels(kernels, { arch: "sm_90", nvrtc }),
      compileKernels([...kernels].reverse(), { arch: "sm_90", nvrtc }),
    ]);
    expect(a.map(({ resources }) => resources)).toEqual([...b].reverse().map(({ resources }) => resources));
    expect(readdirSync(own.folder)).toHaveLength(3);
  });

  test("CORTADO_NO_COMPILE: a kernel that is not there is an error that names it", async () => {
    vi.stubEnv("CORTADO_NO_COMPILE", "1");
    const failure = compileKernels([kernel(7)], { arch: "sm_90", nvrtc });
    await expect(failure).rejects.toThrow("kernel scale_kernel (scale by 7) would have to be compiled");
    await expect(failure).rejects.toBeInstanceOf(CortadoError);
  });

  test("an architecture that NVRTC does not know", async () => {
    const failure = compileKernels([kernel(1)], { arch: "sm_50", nvrtc });
    await expect(failure).rejects.toBeInstanceOf(CortadoError);
    await expect(failure).rejects.toThrow("does not compile for sm_50");
  });

  test("a source that does not compile is our fault, reported with its note and the first lines of the log", async () => {
    const broken = {
      ...kernel(1),
      source: `${kernel(1).source}\nint broken = nothing;\n`,
      note: "conv 1×3×8×8",
    };
    const failure = compileKernels([kernel(1), broken, kernel(2)], { arch: "sm_90", nvrtc });
    await expect(failure).rejects.toBeInstanceOf(InternalError);
    await expect(failure).rejects.toThrow(
      /kernel scale_kernel \(conv 1×3×8×8\) does not compile:\n.*identifier "nothing" is undefined/,
    );
  });

  test("what cannot be kept is no reason to fail", async () => {
    const cache = await openCache();
    const full = { ...cache, store: () => Promise.reject(new Error("ENOSPC")) };
    const [{ cubin }] = await compileKernels([kernel(1)], { arch: "sm_90", nvrtc, cache: full });
    expect(cubin.length).toBeGreaterThan(1000);
  });
});

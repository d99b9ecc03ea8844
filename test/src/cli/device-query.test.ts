import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addonForTests, driverDoubles } from "../../support/native.js";
import { scratchFolder } from "../../support/scratch.js";
import { cortado } from "./support.js";

const loaded = await addonForTests();
const scratch = scratchFolder();

beforeEach(() => {
  vi.stubEnv("CORTADO_CACHE", join(scratch.path, "cache"));
  vi.stubEnv("CORTADO_DRIVER", "/no/such/libcuda.so.1");
  vi.stubEnv("CORTADO_NVRTC", "/no/such/libnvrtc.so.13");
});
afterEach(() => void vi.unstubAllEnvs());

test("what is not there is reported with the reason, and is no failure", async () => {
  const { code, stdout, stderr } = await cortado(["device_query"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^GPUs and driver\n {2}none: .+\n/);
  expect(stdout).toMatch(/\nNVRTC\n {2}none: .+\n {2}"pip install nvidia-cuda-nvrtc" brings it;/);
  expect(stdout).toContain(`\nCache\n  ${join(scratch.path, "cache")}: 0 files, 0 B\n`);
});

test("as JSON; caffe's -gpu is taken", async () => {
  const { code, stdout, stderr } = await cortado(["device_query", "-gpu", "all", "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  const facts = JSON.parse(stdout) as Record<string, { readonly why?: string }>;
  expect(Object.keys(facts)).toEqual(["driver", "nvrtc", "addon", "compiler", "cache"]);
  expect(facts["driver"].why).toBeTypeOf("string");
  expect(facts["nvrtc"].why).toBeTypeOf("string");
  expect(facts["cache"]).toEqual({ folder: join(scratch.path, "cache"), entries: 0, bytes: 0 });
});

test("a cache folder that is not used says why", async () => {
  const open = join(scratch.path, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  vi.stubEnv("CORTADO_CACHE", open);
  const { code, stdout } = await cortado(["device_query"]);
  expect(code).toBe(0);
  expect(stdout).toContain("can be written by others (mode 0777)");
});

test.skipIf(loaded === undefined)("device_query shows a device's figures", async () => {
  const doubles = driverDoubles(scratch.path);
  const { opened } = doubles({}, (path) => {
    vi.stubEnv("CORTADO_DRIVER", path);
    return cortado(["device_query"]);
  });
  const { code, stdout } = await opened;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^GPUs\n {2}0: Cortado Double\n/);
  expect(stdout).toMatch(/compute capability +9\.0\n/);
  expect(stdout).toMatch(/global memory +1\.00 GiB\n/);
  expect(stdout).toMatch(/memory bus +5120 bits at 2\.00 GHz \(2560 GB\/s at double rate\)\n/);
  expect(stdout).toContain("\nDriver\n  knows CUDA 13.0  (");
});

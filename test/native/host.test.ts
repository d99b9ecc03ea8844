import { beforeAll, describe, expect, test } from "vitest";
import type { HostMemory } from "../../native/addon.js";
import { addonForTests, buildShared, type LoadedAddon } from "../support/native.js";
import { scratchFolder } from "../support/scratch.js";
import { HOST_MODULE } from "./host-module.js";

const loaded = await addonForTests();
const scratch = scratchFolder();

describe.skipIf(loaded === undefined)("host modules", () => {
  const { addon } = loaded ?? ({} as LoadedAddon);
  let path = "";
  beforeAll(() => {
    path = buildShared(scratch.path, "module", HOST_MODULE);
  });
  const launch = (kernel: number, ...args: HostMemory[]) => ({ kernel, blocks: 2, threads: 4, args });

  test("run launches in order over arrays that JavaScript sees", async () => {
    const module = addon.hostOpen(path);
    const [a, b] = [Float32Array.of(1, 2, 3), Float32Array.of(10, 20, 30)];
    const all = new Float32Array(6);
    const [sum, double] = [all.subarray(0, 3), all.subarray(3)];
    const sizes = new Int32Array(2);
    const plan = addon.hostPlan(module, [launch(0, a, b, sum), launch(1, sum, double), launch(4, sizes)]);
    const times = await addon.hostRun(plan);
    expect([...all]).toEqual([11, 22, 33, 22, 44, 66]);
    expect([...sizes]).toEqual([2004, 2004]);
    expect(times).toBeInstanceOf(Float64Array);
    expect(times).toHaveLength(3);
    a[0] = 5;
    await addon.hostRun(plan);
    expect(double[0]).toBe(30);
    addon.hostClose(module);
  });

  test("take shared memory, and keep the memory of a plan alive", async () => {
    const module = addon.hostOpen(path);
    const shared = new Float32Array(new SharedArrayBuffer(8 * 4), 16, 4);
    const results = new Float32Array(4);
    const plan = (() => {
      const lost = Float32Array.from({ length: 4 }, (_, i) => i);
      return addon.hostPlan(module, [launch(0, lost, shared, results)]);
    })();
    shared.set([10, 20, 30, 40]);
    const garbage: Float32Array[] = [];
    for (let i = 0; i < 200; i++) garbage.push(new Float32Array(1 << 16));
    await addon.hostRun(plan);
    expect([...results]).toEqual([10, 21, 32, 43]);
    addon.hostClose(module);
  });

  test("reject with what a launch reports and its place", async () => {
    const module = addon.hostOpen(path);
    const data = new Float32Array(4);
    const plan = addon.hostPlan(module, [launch(1, data, data), launch(2, data), launch(1, data, data)]);
    const error = await addon.hostRun(plan).catch((reason) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe("element 7 of an array of 4 is written");
    expect(error.launch).toBe(1);
    addon.hostClose(module);
  });

  test("may be closed while a plan runs; later runs are refused", async () => {
    const module = addon.hostOpen(path);
    const data = new Float32Array(1);
    const plan = addon.hostPlan(module, [launch(3, data)]);
    const start = performance.now();
    const running = [addon.hostRun(plan), addon.hostRun(plan)];
    addon.hostClose(module);
    addon.hostClose(module);
    expect(() => addon.hostRun(plan)).toThrow(/host module is closed/);
    expect(() => addon.hostPlan(module, [])).toThrow(/host module is closed/);
    await Promise.all(running);
    // One launch at a time: a module's shared memory is its own global.
    expect(performance.now() - start).toBeGreaterThan(290);
  });

  test("an array whose memory has gone is refused, not read", () => {
    const module = addon.hostOpen(path);
    const data = new Float32Array(1024);
    const plan = addon.hostPlan(module, [launch(1, data, data)]);
    structuredClone(data, { transfer: [data.buffer] });
    expect(() => addon.hostRun(plan)).toThrow(/detached or resized/);
    addon.hostClose(module);
  });

  test("what is no host module is refused", () => {
    expect(() => addon.hostOpen("/nowhere/module.so")).toThrow(/opening a host module failed: .*nowhere/);
    expect(() => addon.hostOpen("libm.so.6")).toThrow(/libm\.so\.6 has no symbol cortado_run/);
  });
});

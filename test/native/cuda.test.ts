/** The driver's side of the addon over a double of the driver: test/support/driver/driver.cc. */
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, test } from "vitest";
import type { Context, GraphLaunch, Module } from "../../native/addon.js";
import {
  addonForTests,
  buildShared,
  type DoubleOptions,
  doubleImage,
  driverDoubles,
  type LoadedAddon,
} from "../support/native.js";
import { scratchFolder } from "../support/scratch.js";
import { HOST_KERNELS, HOST_MODULE } from "./host-module.js";

const loaded = await addonForTests();
const scratch = scratchFolder();
const CLEAN = ["released"];

const { addon } = loaded ?? ({} as LoadedAddon);
let doubles: ReturnType<typeof driverDoubles>;
let image: Uint8Array;
beforeAll(() => {
  if (!loaded) return;
  doubles = driverDoubles(scratch.path);
  image = doubleImage(buildShared(scratch.path, "kernels", HOST_MODULE), HOST_KERNELS);
});

const open = (options: DoubleOptions = {}) => {
  const { opened: cuda, double } = doubles(options, (path) => addon.cudaOpen(path));
  return { cuda, double, context: addon.contextOpen(cuda, 0) };
};
const bytes = (...values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);
const floats = (data: Uint8Array) => [...new Float32Array(data.buffer, data.byteOffset, data.length / 4)];
const launch = (module: Module, symbol: string, ...args: readonly bigint[]): GraphLaunch => ({
  module,
  symbol,
  blocks: 2,
  threads: 128,
  args: BigUint64Array.from(args),
});
/** An array on the device. */
const put = (context: Context, ...values: readonly number[]) => {
  const address = addon.allocate(context, values.length * 4);
  addon.copyIn(context, address, bytes(...values));
  return address;
};

describe.skipIf(!loaded)("CUDA driver double", () => {
  test("describes the driver and its device", () => {
    const { cuda, context, double } = open();
    expect(addon.cudaDriverVersion(cuda)).toBe(13000);
    expect(addon.cudaDevices(cuda)).toEqual([
      {
        name: "Cortado Double",
        major: 9,
        minor: 0,
        memory: 2 ** 30,
        multiprocessors: 4,
        sharedPerBlock: 49152,
        sharedPerMultiprocessor: 233472,
        registersPerMultiprocessor: 65536,
        threadsPerMultiprocessor: 2048,
        clockKilohertz: 1_000_000,
        memoryClockKilohertz: 2_000_000,
        memoryBusBits: 5120,
        l2Bytes: 52428800,
      },
    ]);
    addon.allocate(context, 1 << 20);
    expect(addon.contextMemory(context)).toEqual([2 ** 30 - 2 ** 20, 2 ** 30]);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("memory is zero at first; copies take what the array held when they were asked for", async () => {
    const { context, double } = open({ slow: 5 });
    const address = addon.allocate(context, 16);
    expect(address % 256n).toBe(0n);
    expect(floats(await addon.copyOut(context, address, 16))).toEqual([0, 0, 0, 0]);
    const values = bytes(1, 2, 3, 4);
    addon.copyIn(context, address, values);
    values.fill(0);
    const before = addon.copyOut(context, address, 16);
    addon.copyIn(context, address + 8n, bytes(5));
    const after = addon.copyOut(context, address + 4n, 8);
    expect(floats(await before)).toEqual([1, 2, 3, 4]);
    expect(floats(await after)).toEqual([2, 5]);
    expect(await addon.copyOut(context, addon.allocate(context, 0), 0)).toHaveLength(0);
    addon.free(context, address);
    expect(() => addon.free(context, address)).toThrow(/this context has not allocated it/);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("large copies go through a bounded amount of pinned memory", async () => {
    const { context, double } = open();
    const data = new Uint8Array((100 << 20) + 12).map((_, i) => i * 7);
    const address = addon.allocate(context, data.length);
    addon.copyIn(context, address, data);
    const back = await addon.copyOut(context, address, data.length);
    expect(Buffer.compare(back, data)).toBe(0);
    const small = await Promise.all(
      Array.from({ length: 50 }, (_, i) => addon.copyOut(context, address + BigInt(i), 1000)),
    );
    for (const [i, part] of small.entries()) expect(Buffer.compare(part, data.subarray(i, i + 1000))).toBe(0);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("a graph runs its launches and copies in order, again and again", async () => {
    const { context, double } = open();
    const module = addon.moduleLoad(context, image);
    const a = put(context, 1, 2, 3);
    const b = put(context, 10, 20, 30);
    const [c, d, e] = [0, 0, 0].map(() => addon.allocate(context, 12));
    const graph = addon.graphBuild(context, [
      launch(module, "add", a, b, c!),
      launch(module, "twice", c!, d!),
      { from: d!, to: e!, bytes: 8 },
    ]);
    expect(floats(await addon.copyOut(context, e!, 12))).toEqual([0, 0, 0]);
    addon.graphLaunch(graph);
    await addon.synchronize(context);
    expect(floats(await addon.copyOut(context, e!, 12))).toEqual([22, 44, 0]);
    addon.copyIn(context, a, bytes(2));
    addon.graphLaunch(graph);
    expect(floats(await addon.copyOut(context, d!, 12))).toEqual([24, 44, 66]);
    addon.graphLaunch(addon.graphBuild(context, []));
    addon.graphClose(graph);
    addon.graphClose(graph);
    expect(() => addon.graphLaunch(graph)).toThrow(/graph is closed/);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("a profile times every item", async () => {
    const { context, double } = open();
    const module = addon.moduleLoad(context, image);
    const a = put(context, 1, 2);
    const times = await addon.profile(context, [
      launch(module, "twice", a, a),
      launch(module, "slow", a),
      { from: a, to: a, bytes: 4 },
    ]);
    expect(times).toHaveLength(3);
    expect(times[1]).toBeGreaterThan(140);
    expect(times[0]).toBeLessThan(times[1]);
    expect(floats(await addon.copyOut(context, a, 8))).toEqual([2, 4]);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("a context closed while promises are open is freed after them", async () => {
    const { context, double } = open({ slow: 100 });
    const module = addon.moduleLoad(context, image);
    const a = put(context, 1, 2);
    const waiting = [addon.copyOut(context, a, 8), addon.profile(context, [launch(module, "twice", a, a)])];
    const synchronized = addon.synchronize(context);
    addon.contextClose(context);
    addon.contextClose(context);
    expect(double.report()).toEqual([]);
    expect(() => addon.allocate(context, 4)).toThrow("the CUDA context is closed");
    expect(() => addon.moduleLoad(context, image)).toThrow("the CUDA context is closed");
    expect(() => addon.copyIn(context, a, bytes(1))).toThrow("the CUDA context is closed");
    expect(() => addon.synchronize(context)).toThrow("the CUDA context is closed");
    expect(() => addon.graphBuild(context, [])).toThrow("the CUDA context is closed");
    await synchronized;
    expect(floats((await waiting[0]) as Uint8Array)).toEqual([1, 2]);
    await waiting[1];
    await new Promise((resolve) => setImmediate(resolve));
    expect(double.report()).toEqual(CLEAN);
  });
});

describe.skipIf(!loaded)("errors of the CUDA driver have its name and text", () => {
  test("when the driver does not open", () => {
    expect(() => addon.cudaOpen("/nowhere/libcuda.so.1")).toThrow(
      /opening the CUDA driver failed: .*nowhere/,
    );
    expect(() => addon.cudaOpen("libm.so.6")).toThrow(/libm\.so\.6 has no symbol cuInit/);
    expect(() => open({ fail: [["cuInit", 1, 100]] })).toThrow(
      "initialising the CUDA driver failed: CUDA_ERROR_NO_DEVICE (the double's text)",
    );
  });

  test("when there is no such device, or a stream cannot be made", () => {
    const { cuda, context, double } = open({ fail: [["cuStreamCreate", 4, 2]] });
    expect(() => addon.contextOpen(cuda, 3)).toThrow(
      /opening CUDA device 3 failed: CUDA_ERROR_INVALID_DEVICE/,
    );
    expect(() => addon.contextOpen(cuda, 0)).toThrow(
      /opening CUDA device 0 failed: CUDA_ERROR_OUT_OF_MEMORY/,
    );
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("when memory runs out", () => {
    const { context, double } = open({ memory: 1 << 20, fail: [["cuMemHostAlloc", 1, 2]] });
    expect(() => addon.allocate(context, 2 << 20)).toThrow(
      "allocating 2097152 bytes of device memory failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)",
    );
    const address = addon.allocate(context, 1 << 10);
    expect(() => addon.copyIn(context, address, bytes(1))).toThrow(/pinned memory failed: CUDA_ERROR_OUT_OF/);
    addon.copyIn(context, address, bytes(1));
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("when a module or a kernel is not what it should be", () => {
    const { context, double } = open({ fail: [["cuLaunchKernel", 1, 719]] });
    const text = (value: string) => new TextEncoder().encode(value);
    expect(() => addon.moduleLoad(context, text("no cubin"))).toThrow(
      /loading a module failed: CUDA_ERROR_INVALID_IMAGE/,
    );
    expect(() => addon.moduleLoad(context, new Uint8Array())).toThrow(/the cubin is empty/);
    const module = addon.moduleLoad(context, image);
    const a = put(context, 1);
    const build = (...items: GraphLaunch[]) => addon.graphBuild(context, items);
    expect(() => build(launch(module, "nothing", a))).toThrow(
      /finding kernel nothing failed: CUDA_ERROR_NOT_FOUND/,
    );
    expect(() => build(launch(module, "add", a, a))).toThrow(
      "launching kernel add failed: it does not take 2 arguments",
    );
    expect(() => build(launch(module, "twice", a, a, a))).toThrow(/does not take 3 arguments/);
    expect(() => build(launch(module, "twice", a, a))).toThrow(
      /launching kernel twice failed: CUDA_ERROR_LAUNCH_FAILED/,
    );
    addon.graphLaunch(build(launch(module, "twice", a, a)));
    const other = open();
    expect(() => addon.graphBuild(other.context, [launch(module, "twice", a, a)])).toThrow(
      "launching kernel twice failed: its module belongs to another context",
    );
    addon.contextClose(other.context);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("when a kernel faults: the next wait rejects, and closing still frees all", async () => {
    const { context, double } = open();
    const module = addon.moduleLoad(context, image);
    const a = put(context, 1);
    const graph = addon.graphBuild(context, [launch(module, "wrong", a)]);
    const fault = /failed: CUDA_ERROR_ILLEGAL_ADDRESS \(an illegal memory access was encountered\)/;
    addon.graphLaunch(graph);
    await expect(addon.synchronize(context)).rejects.toThrow(fault);
    await expect(async () => addon.copyOut(context, a, 4)).rejects.toThrow(fault);
    expect(() => addon.graphLaunch(graph)).toThrow(fault);
    await expect(addon.profile(context, [launch(module, "wrong", a)])).rejects.toThrow(
      /launching kernel wrong/,
    );
    addon.contextClose(context);
    expect(double.report()).toEqual(["kernel: element 7 of an array of 4 is written", "released"]);
  });

  test("when a copy leaves what was allocated", () => {
    const { context, double } = open();
    const a = addon.allocate(context, 256);
    const outside = /are not inside one allocation of this context/;
    expect(() => addon.copyIn(context, a + 4n, new Uint8Array(256))).toThrow(outside);
    expect(() => addon.copyOut(context, a, 2 ** 50)).toThrow(outside);
    expect(() => addon.copyOut(context, 0n, 4)).toThrow(outside);
    expect(() => addon.graphBuild(context, [{ from: a, to: a + 253n, bytes: 4 }])).toThrow(outside);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });
});

describe.skipIf(!loaded)("CUDA driver double that fails", () => {
  test("every driver function may fail: an error with its name, and nothing is lost or freed twice", async () => {
    const functions = [
      ["cuMemAlloc_v2", 2],
      ["cuMemsetD8Async", 1],
      ["cuMemcpyHtoDAsync_v2", 1],
      ["cuMemcpyDtoHAsync_v2", 1],
      ["cuEventCreate", 1],
      ["cuEventCreate", 3],
      ["cuEventRecord", 2],
      ["cuEventSynchronize", 1],
      ["cuEventSynchronize", 3],
      ["cuEventElapsedTime", 1],
      ["cuCtxPushCurrent_v2", 4],
      ["cuModuleLoadData", 1],
      ["cuModuleGetFunction", 1],
      ["cuStreamBeginCapture_v2", 1],
      ["cuStreamEndCapture", 1],
      ["cuGraphInstantiateWithFlags", 1],
      ["cuGraphLaunch", 1],
      ["cuMemcpyDtoDAsync_v2", 1],
      ["cuStreamSynchronize", 1],
    ] as const;
    for (const [name, nth] of functions) {
      const { context, double } = open({ fail: [[name, nth, 400]] });
      const whole = async () => {
        const [a, b] = [put(context, 1), put(context, 2)];
        const module = addon.moduleLoad(context, image);
        const items = [launch(module, "twice", a, b), { from: b, to: a, bytes: 4 }];
        addon.graphLaunch(addon.graphBuild(context, items));
        await addon.synchronize(context);
        await addon.profile(context, items);
        await addon.copyOut(context, a, 4);
        addon.free(context, b);
      };
      await expect(whole(), name).rejects.toThrow(/failed: CUDA_ERROR_INVALID_HANDLE/);
      addon.contextClose(context);
      await new Promise((resolve) => setImmediate(resolve));
      expect(double.report(), name).toEqual(CLEAN);
    }
  });
});

/** Opens the driver in a worker thread, trains a little, and leaves without closing anything. */
const WORKER = `
    const { parentPort, workerData: { addonPath, path, image, rounds, hang } } = require("node:worker_threads");
    const addon = require(addonPath);
    (async () => {
      const context = addon.contextOpen(addon.cudaOpen(path), 0);
      const module = addon.moduleLoad(context, image);
      const a = addon.allocate(context, 4);
      addon.copyIn(context, a, new Uint8Array(Float32Array.of(1).buffer));
      const graph = addon.graphBuild(context, [
        { module, symbol: "twice", blocks: 1, threads: 32, args: BigUint64Array.of(a, a) },
      ]);
      for (let i = 0; i < rounds; i++) {
        addon.graphLaunch(graph);
        await addon.synchronize(context);
      }
      const result = addon.copyOut(context, a, 4);
      if (hang) parentPort.postMessage("waiting");
      parentPort.postMessage(new Float32Array((await result).buffer)[0]);
    })();`;

describe.skipIf(!loaded)("CUDA driver double in worker threads", () => {
  test("two worker threads at once; what they leave open is freed when they end", async () => {
    const { context, double } = open();
    const workerData = { addonPath: loaded!.path, path: double.path, image, rounds: 20, hang: false };
    const run = () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(WORKER, { eval: true, workerData });
        let result: unknown;
        worker.on("message", (message) => {
          result = message;
        });
        worker.on("error", reject);
        worker.on("exit", () => resolve(result));
      });
    expect(await Promise.all([run(), run()])).toEqual([2 ** 20, 2 ** 20]);
    expect(double.report()).toEqual([]);
    addon.contextClose(context);
    expect(double.report()).toEqual(CLEAN);
  });

  test("a worker thread that is terminated while it waits leaves nothing behind", async () => {
    for (let i = 0; i < 4; i++) {
      const { context, double } = open({ slow: 60 });
      const workerData = { addonPath: loaded!.path, path: double.path, image, rounds: 1, hang: true };
      const worker = new Worker(WORKER, { eval: true, workerData });
      await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
      await worker.terminate();
      addon.contextClose(context);
      expect(double.report()).toEqual(CLEAN);
    }
  });
});

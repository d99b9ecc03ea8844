import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { NativeLaunch, NativeMemory, NativeModule } from "../../native/addon.js";
import { addonForTests, buildShared, type LoadedAddon } from "../support/native.js";
import { scratchFolder } from "../support/scratch.js";
import { NATIVE_KERNELS, NATIVE_MODULE } from "./native-module.js";

const loaded = await addonForTests();
const scratch = scratchFolder();
const { addon, path: addonPath } = loaded ?? ({} as LoadedAddon);
const MIB = 1 << 20;
let path = "";
let module: NativeModule;

beforeAll(() => {
  if (loaded === undefined) return;
  path = buildShared(scratch.path, "module", NATIVE_MODULE);
  module = addon.nativeOpen(path);
});

type Name = keyof typeof NATIVE_KERNELS;
const launch = (name: Name, to: number, pieces: number, ...args: NativeMemory[]): NativeLaunch => ({
  ...{ module, kernel: NATIVE_KERNELS[name], from: 0, to, pieces, args },
});

/** A chain in which each element needs one that another thread has computed: a lost barrier shows. */
async function chain(length: number, links: number, threads: number, pieces: (link: number) => number) {
  const buffers = [0, 1].map(() => new Float32Array(new SharedArrayBuffer(4 * length)));
  const size = Int32Array.of(length);
  const launches = Array.from({ length: links }, (_, link) =>
    launch("reversed", length, pieces(link), buffers[link % 2], buffers[(link + 1) % 2], size),
  );
  const times = await addon.nativeRun(addon.nativePlan(launches, 0, threads));
  return { values: buffers[links % 2], times };
}

describe.skipIf(loaded === undefined)("the pool of threads", () => {
  test.each([1, 2, 3, 4, 9])("runs launches in order on %d threads", async (threads) => {
    const { values, times } = await chain(1000, 50, threads, (link) => (link % 3 === 2 ? 1 : 13));
    expect([...values]).toEqual(Array(1000).fill(50));
    expect(times).toHaveLength(50);
    expect(times.every((ms) => ms >= 0)).toBe(true);
  });

  test("hands out any launches in any pieces", async () => {
    const one = fc.record({
      length: fc.integer({ min: 1, max: 300 }),
      threads: fc.integer({ min: 1, max: 5 }),
      pieces: fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(one, async ({ length, threads, pieces }) => {
        const { values } = await chain(length, pieces.length, threads, (link) => pieces[link]);
        expect([...values]).toEqual(Array(length).fill(pieces.length));
      }),
      { numRuns: 200 },
    );
  });

  test("cuts a range into the same pieces whatever the threads are", async () => {
    const cut = async (threads: number): Promise<readonly number[][]> => {
      const arrays = [new Int32Array(103), new Int32Array(103)];
      const part = { ...launch("ranges", 103, 7, ...arrays), from: 2 };
      await addon.nativeRun(addon.nativePlan([part], 0, threads));
      return arrays.map((array) => [...array]);
    };
    const [starts, lengths] = await cut(1);
    expect([...new Set(starts)]).toEqual([0, 2, 16, 30, 45, 59, 74, 88]);
    expect(lengths.slice(0, 3)).toEqual([0, 0, 14]);
    expect(await cut(4)).toEqual([starts, lengths]);
  });

  test("takes a launch of no iterations, and a pass of no launches", async () => {
    const data = Float32Array.of(3, 4);
    await addon.nativeRun(addon.nativePlan([launch("slow", 0, 1, data), launch("slow", 0, 4, data)], 0, 2));
    expect([...data]).toEqual([3, 4]);
    expect(await addon.nativeRun(addon.nativePlan([], 0, 3))).toHaveLength(0);
  });

  test("runs a plan on the calling thread, but not beside another", async () => {
    const array = new Float32Array(4096);
    const plan = addon.nativePlan([launch("slow", 4096, 64, array)], 0, 2);
    expect(addon.nativeRunHere(plan)).toHaveLength(1);
    const once = [...array];
    expect(once.every((value) => value > 0)).toBe(true);
    const running = Promise.all(Array.from({ length: 4 }, () => addon.nativeRun(plan)));
    const nothing = addon.nativePlan([], 0, 1);
    let ended = false;
    const end = running.then(() => {
      ended = true;
    });
    let refused = 0;
    while (!ended) {
      if (addon.nativeRunHere(nothing) === undefined) refused++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await end;
    expect(refused).toBeGreaterThan(0);
    expect([...array]).toEqual(once.map((value) => 5 * value));
    addon.nativeClose(plan);
    expect(() => addon.nativeRunHere(plan)).toThrow(/native plan is closed/);
  });

  test("gives each thread memory of its own, as large as the plan says", async () => {
    const sums = new Float64Array(40);
    const plan = addon.nativePlan([launch("workspace", 40, 40, sums)], MIB, 4);
    await addon.nativeRun(plan);
    expect([...sums]).toEqual(Array.from(sums, (_, i) => i * 256));
  });

  test("runs plans of several nets one at a time, with threads of each its own", async () => {
    const data = [1, 2, 3, 4].map((threads) => ({ threads, array: new Float32Array(64) }));
    const plans = data.map(({ threads, array }) =>
      addon.nativePlan([launch("slow", 64, 16, array), launch("slow", 64, 1, array)], 0, threads),
    );
    await Promise.all(Array.from({ length: 20 }, (_, i) => addon.nativeRun(plans[i % 4])));
    for (const { array } of data) expect([...array]).toEqual(Array(64).fill(5 * 2 * 2000));
  });

  test("leaves the event loop free, and ends what runs when all is closed", async () => {
    const array = new Float32Array(4096);
    const own = addon.nativeOpen(path);
    const plan = addon.nativePlan([{ ...launch("slow", 4096, 64, array), module: own }], 0, 2);
    let ended = false;
    const running = addon.nativeRun(plan).then(() => {
      ended = true;
    });
    // Were the pass carried out in the call, there would be no turn in between.
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    addon.nativeClose(plan);
    addon.nativeClose(own);
    addon.nativeClose(plan);
    addon.nativeClose(own);
    expect(() => addon.nativeRun(plan)).toThrow(/native plan is closed/);
    expect(() => addon.nativePlan([{ ...launch("slow", 1, 1, array), module: own }], 0, 1)).toThrow(
      /native module is closed/,
    );
    await running;
    expect([...array]).toEqual(Array(4096).fill(2000));
  });

  test("keeps the memory of a plan alive", async () => {
    const results = new Float32Array(4);
    const plan = (() => {
      const lost = Float32Array.from({ length: 4 }, (_, i) => i);
      return addon.nativePlan([launch("twice", 4, 2, lost, results)], 0, 2);
    })();
    const garbage: Float32Array[] = [];
    for (let i = 0; i < 200; i++) garbage.push(new Float32Array(1 << 16));
    await addon.nativeRun(plan);
    expect([...results]).toEqual([0, 2, 4, 6]);
  });

  test("serves several threads of JavaScript; what is under way when one ends, ends", async () => {
    const script = `
      const { workerData, parentPort } = require("node:worker_threads");
      const addon = require(workerData.addon);
      const module = addon.nativeOpen(workerData.path);
      const array = new Float32Array(workerData.shared);
      const plan = addon.nativePlan([{ module, kernel: 2, from: 0, to: 4096, pieces: 64, args: [array] }], 0, 3);
      addon.nativeRun(plan);
      parentPort.postMessage("running");`;
    const shared = [0, 1].map(() => new SharedArrayBuffer(4 * 4096));
    const workers = shared.map(
      (memory) => new Worker(script, { eval: true, workerData: { addon: addonPath, path, shared: memory } }),
    );
    const ends = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
    await workers[0].terminate();
    await Promise.all(ends);
    expect([...new Float32Array(shared[1])]).toEqual(Array(4096).fill(2000));
    const after = new Float32Array(16);
    await addon.nativeRun(addon.nativePlan([launch("slow", 16, 4, after)], 0, 3));
    expect([...after]).toEqual(Array(16).fill(2000));
  });
});

describe.skipIf(loaded === undefined)("native plans and modules", () => {
  test("refuse an array whose memory has gone, and do not read it", () => {
    const data = new Float32Array(1024);
    const plan = addon.nativePlan([launch("twice", 8, 1, data, data)], 0, 1);
    structuredClone(data, { transfer: [data.buffer] });
    expect(() => addon.nativeRun(plan)).toThrow(/detached or resized/);
  });

  test("refuse what is wrong, by its name", () => {
    const loose = addon as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
    const data = new Float32Array(4);
    const good = launch("twice", 4, 1, data, data);
    const plan =
      (part: object): (() => unknown) =>
      () =>
        loose["nativePlan"]([{ ...good, ...part }], 0, 1);
    expect(plan({ module: {} })).toThrow("launches[0].module must be a native module of this thread");
    expect(plan({ kernel: 6 })).toThrow("launches[0].kernel must be a whole number from 0 to 5, not 6");
    expect(plan({ from: 5 })).toThrow("launches[0].to must be a whole number from 5 to");
    expect(plan({ pieces: 0 })).toThrow("launches[0].pieces must be a whole number from 1 to");
    expect(plan({ args: [new Uint8Array(4)] })).toThrow(
      "launches[0].args[0] must be a Float32Array, a Float64Array or an Int32Array, not an object",
    );
    expect(() => loose["nativePlan"]([good], -1, 1)).toThrow(/^scratchBytes must be/);
    expect(() => loose["nativePlan"]([good], 0, 0)).toThrow(/^threads must be a whole number from 1 to 1024/);
    expect(() => loose["nativeRun"](module)).toThrow("plan must be a native plan of this thread");
    expect(() => loose["nativeClose"]("x")).toThrow("handle must be a native module or plan of this thread");
    expect(() => addon.nativeOpen("/nowhere/module.so")).toThrow(/opening a native module failed: .*nowhere/);
    expect(() => addon.nativeOpen("libm.so.6")).toThrow(/libm\.so\.6 has no symbol cortado_kernels/);
  });

  test("memory that cannot be had rejects the run", async () => {
    const data = new Float32Array(1);
    const plan = addon.nativePlan([launch("twice", 1, 1, data, data)], 2 ** 50, 1);
    await expect(addon.nativeRun(plan)).rejects.toThrow(/alloc/);
  });
});

describe.skipIf(loaded === undefined)("the processor and its memory", () => {
  test("are known as kernels want them", () => {
    const found = addon.processor();
    const bytes = { avx512: 64, avx2: 32, sse: 16, neon: 16 };
    expect(found.vectorBytes).toBe(bytes[found.architecture]);
    expect(found.architecture === "neon").toBe(process.arch !== "x64");
    for (const cache of [found.l1Bytes, found.l2Bytes, found.l3Bytes])
      expect(cache).toBeGreaterThanOrEqual(0);
  });

  test("an address moves with the view; advice is taken or not, and harms nothing", () => {
    const memory = new Uint8Array(new SharedArrayBuffer(8 * MIB));
    expect(addon.addressOf(memory.subarray(48)) - addon.addressOf(memory)).toBe(48n);
    expect(addon.hugePages(memory)).toBeTypeOf("boolean");
    expect(addon.hugePages(memory.subarray(0, 8))).toBe(false);
    expect(memory.every((byte) => byte === 0)).toBe(true);
  });
});

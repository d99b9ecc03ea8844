/** How long kernels hold the event loop, by a clock that only they advance. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { HostKernel } from "../../../../runtime/devices/threads/inline-executor.js";
import type { Schedule } from "../../../../runtime/net/program-table.js";

const HELD_MS = 20;
let now = 0;
/** When the event loop had a turn. */
let turns: number[] = [];
/** Loaded anew for each test: it remembers when the last turn was. */
let createInlineExecutor: typeof import("../../../../runtime/devices/threads/inline-executor.js").createInlineExecutor;

beforeEach(async () => {
  vi.resetModules();
  ({ createInlineExecutor } = await import("../../../../runtime/devices/threads/inline-executor.js"));
  now = performance.now();
  turns = [now];
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const real = globalThis.setImmediate;
  vi.spyOn(globalThis, "setImmediate").mockImplementation(((work: () => void) => {
    turns.push(now);
    return real(work);
  }) as never);
});
afterEach(() => void vi.restoreAllMocks());

type Range = readonly [from: number, to: number];

/** A kernel whose iterations take `ms` each, and the ranges that it was given. */
function kernelOf(ms: (iteration: number) => number): { readonly run: HostKernel; readonly ranges: Range[] } {
  const ranges: Range[] = [];
  const run = (...[from, to]: readonly unknown[]): void => {
    ranges.push([from as number, to as number]);
    for (let i = from as number; i < (to as number); i++) now += ms(i);
  };
  return { run, ranges };
}

const executorOf = (kernels: readonly HostKernel[], extents: readonly number[], range?: object) => {
  const forward = kernels.map((_, kernel) => ({ kernel, args: [], ...(range && { range }) }));
  const schedule = { prepare: [], forward, backward: [], copies: [] } as unknown as Schedule;
  const memory = { arena: new ArrayBuffer(0), params: [], dtype: "float32" } as const;
  return createInlineExecutor(schedule, kernels, extents, memory);
};

const longestHold = (): number =>
  Math.max(...[...turns, now].map((time, i, all) => time - (all[i - 1] ?? time)));

/** That the ranges are one after the other, from the first iteration to the last. */
function expectWhole(ranges: readonly Range[], from: number, to: number): void {
  expect(ranges.map(([start]) => start)).toEqual([from, ...ranges.slice(0, -1).map(([, end]) => end)]);
  expect(ranges.at(-1)?.[1]).toBe(to);
}

it.each<[string, number, (iteration: number) => number]>([
  ["of many iterations", 100_000, () => 0.003],
  ["of few", 40, () => 3.5],
  ["whose iterations get slower", 2_000, (i) => 0.0005 * i],
  ["whose iterations get slower at once", 5_000, (i) => (i < 2_500 ? 0.01 : 0.02)],
])("a long kernel %s runs in pieces, and gives the event loop its turns", async (_, extent, ms) => {
  const { run, ranges } = kernelOf(ms);
  const executor = executorOf([run], [extent]);
  for (let pass = 0; pass < 3; pass++) {
    ranges.length = 0;
    const began = now;
    await executor.run("forward");
    expectWhole(ranges, 0, extent);
    expect(executor.times("forward")[0]).toBeCloseTo(now - began, 6);
  }
  expect(longestHold()).toBeLessThanOrEqual(HELD_MS);
  expect(turns.length).toBeGreaterThan(10);
});

it("what is short is run at once when its time is known, and no turn is given", async () => {
  const { run, ranges } = kernelOf(() => 0.0001);
  const executor = executorOf([run], [1_000]);
  await executor.run("forward");
  expectWhole(ranges, 0, 1_000);
  await executor.run("forward");
  ranges.length = 0;
  await executor.run("forward");
  expect(ranges).toEqual([[0, 1_000]]);
  expect(turns.length).toBeLessThanOrEqual(2);
});

it("also where the clock is too coarse to tell that anything took time", async () => {
  const { run, ranges } = kernelOf(() => 0);
  const executor = executorOf([run, run], [1_000, 0]);
  await executor.run("forward");
  expectWhole(ranges, 0, 1_000);
  await executor.run("forward");
  ranges.length = 0;
  await executor.run("forward");
  expect(ranges).toEqual([[0, 1_000]]);
});

it("a launch of a part of the range runs that part", async () => {
  const { run, ranges } = kernelOf(() => 1);
  await executorOf([run], [100], { from: 30, to: 60 }).run("forward");
  expectWhole(ranges, 30, 60);
});

it("many short kernels in a row give turns between them", async () => {
  const kernels = Array.from({ length: 200 }, () => kernelOf(() => 1).run);
  await executorOf(
    kernels,
    kernels.map(() => 1),
  ).run("forward");
  expect(longestHold()).toBeLessThanOrEqual(HELD_MS);
});

import { afterEach, describe, expect, it, vi } from "vitest";
import type { Program } from "../../../codegen/kernel/kernel.js";
import { availableCores } from "../../../runtime/cores.js";
import { isSmall } from "../../../runtime/devices/threads/host-executor.js";
import { threadsFor } from "../../../src/net/threads.js";

afterEach(() => void vi.unstubAllEnvs());

describe("threads", () => {
  it("are one for each core where nobody says otherwise", () => {
    vi.stubEnv("CORTADO_THREADS", undefined);
    expect(threadsFor()).toEqual({ threads: availableCores(), atMost: true });
  });

  it("are what the option says, else CORTADO_THREADS", () => {
    vi.stubEnv("CORTADO_THREADS", "7");
    expect(threadsFor()).toEqual({ threads: 7, atMost: false });
    expect(threadsFor(3)).toEqual({ threads: 3, atMost: false });
  });

  it.each(["0", "1025", "two", "1.5", "-1"])("may not be %s", (value) => {
    vi.stubEnv("CORTADO_THREADS", value);
    expect(() => threadsFor()).toThrow(/CORTADO_THREADS is .*; it must be an integer from 1 to 1024/);
  });
});

describe("a program is small", () => {
  const ONE = { perMillisecond: 2_000_000 };
  const kernel = { flops: 6_000_000, bytes: 2_000_000, parallel: { extent: 10 } };
  const launch = { kernel: 0, args: [] };
  const program = (...forward: readonly object[]) =>
    ({ kernels: [kernel], prepare: [], forward, backward: [launch] }) as unknown as Program;

  it("by the longest of its passes, ranges counted as far as they reach", () => {
    expect(isSmall(program(launch), ONE)).toBe(true);
    expect(isSmall(program(launch, { ...launch, range: { from: 0, to: 2 } }), ONE)).toBe(true);
    expect(isSmall(program(launch, launch), ONE)).toBe(false);
  });
});

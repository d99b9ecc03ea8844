/** For each detector a kernel that is wrong on purpose: it is found, with its name and its line. */
import { beforeAll, describe, expect, it } from "vitest";
import type { HostMemory } from "../../../../native/addon.js";
import type { EmulatorOptions } from "../../../../runtime/devices/emulator/emulator-module.js";
import { axpy, grid, kernel, matmul } from "./kernels.js";
import { canEmulate, type Emulator, emulator, ownCache } from "./launch.js";

ownCache();

interface Wrong {
  readonly what: string;
  /** The kernel's parameters and, from line 3 of its source on, its lines. */
  readonly parameters: string;
  readonly lines: readonly string[];
  readonly blocks: number;
  readonly threads: number;
  readonly args: () => readonly HostMemory[];
  /** The report after the kernel's name. */
  readonly finds: string;
}

const floats = (length: number): Float32Array => new Float32Array(length);
/** Two views of one memory: the second starts `shift` elements after the first. */
const overlapping = (length: number, shift: number): readonly HostMemory[] => {
  const whole = floats(length + shift);
  return [whole.subarray(0, length), whole.subarray(shift)];
};

const T = "const int t = threadIdx.x;";
const ONE = "Global<float> b0";
const TWO = "Global<const float> b0, Global<float> b1";
const SHUFFLE = "v = v + __shfl_xor_sync(0xffffffffu, v, 1);";

const cases: readonly Wrong[] = [
  {
    what: "a read one past the end of a buffer",
    parameters: TWO,
    lines: [T, "b1[t] = b0[t + 1];"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64), floats(64)],
    finds: "line 4: thread 63 of block 0 reads element 64 of argument 0, which has 64",
  },
  {
    what: "a write one past the end of a buffer",
    parameters: ONE,
    lines: ["const int i = blockIdx.x * blockDim.x + threadIdx.x;", "", "b0[i] = 1.0f;"],
    blocks: 2,
    threads: 64,
    args: () => [floats(127)],
    finds: "line 5: thread 63 of block 1 writes element 127 of argument 0, which has 127",
  },
  {
    what: "an index below zero",
    parameters: TWO,
    lines: [T, "b1[t] = b0[t - 1];"],
    blocks: 1,
    threads: 8,
    args: () => [floats(8), floats(8)],
    finds: "line 4: thread 0 of block 0 reads element -1 of argument 0, which has 8",
  },
  {
    what: "a guard that is off by one, although the next buffer lies there",
    parameters: TWO,
    lines: [T, "if (t <= 32) b1[t] = b0[t % 32];"],
    blocks: 1,
    threads: 64,
    args: () => {
      const arena = floats(96);
      return [arena.subarray(64), arena.subarray(0, 32)];
    },
    finds: "line 4: thread 32 of block 0 writes element 32 of argument 1, which has 32",
  },
  {
    what: "a read outside a shared array",
    parameters: ONE,
    lines: ["SHARED(float, s0, 32);", T, "s0[t] = 1.0f;", "__syncthreads();", "b0[t] = s0[t + 1];"],
    blocks: 1,
    threads: 32,
    args: () => [floats(32)],
    finds: "line 7: thread 31 of block 0 reads element 32 of shared array s0, which has 32",
  },
  {
    what: "a write outside a shared array",
    parameters: ONE,
    lines: ["SHARED(int, s3, 16);", T, "s3[t] = t;", "__syncthreads();", "b0[t] = 1.0f;"],
    blocks: 1,
    threads: 32,
    args: () => [floats(32)],
    finds: "line 5: thread 16 of block 0 writes element 16 of shared array s3, which has 16",
  },
  {
    what: "a shared word that no thread of this block wrote, though the block before did",
    parameters: ONE,
    lines: [
      "SHARED(float, s0, 32);",
      T,
      "if (blockIdx.x == 0) s0[t] = 1.0f;",
      "__syncthreads();",
      "b0[blockIdx.x * 32 + t] = s0[t];",
    ],
    blocks: 2,
    threads: 32,
    args: () => [floats(64)],
    finds:
      "line 7: thread 0 of block 1 reads element 0 of shared array s0, which no thread of the block wrote",
  },
  {
    what: "a shared word that is read without a barrier after it was written",
    parameters: ONE,
    lines: ["SHARED(float, s0, 64);", T, "s0[t] = 1.0f;", "b0[t] = s0[63 - t];", "__syncthreads();"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    // Thread 0 runs first: the word of thread 63 is still unwritten.
    finds:
      "line 6: thread 0 of block 0 reads element 63 of shared array s0, which no thread of the block wrote",
  },
  {
    what: "a shared word that another thread wrote since the last barrier",
    parameters: ONE,
    lines: ["SHARED(float, s0, 64);", T, "s0[t] = 1.0f;", "b0[t] = s0[t / 2];", "__syncthreads();"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 6: thread 1 of block 0 reads element 0 of shared array s0, a word that thread 0 wrote on line 5, with no barrier between",
  },
  {
    what: "a shared word that another thread read since the last barrier",
    parameters: ONE,
    lines: [
      "SHARED(float, s0, 64);",
      T,
      "s0[t] = 1.0f;",
      "__syncthreads();",
      "b0[t] = s0[(t + 1) % 64];",
      "s0[t] = 2.0f;",
    ],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 8: thread 1 of block 0 writes element 1 of shared array s0, a word that thread 0 read on line 7, with no barrier between",
  },
  {
    what: "a shared word that its writer and others read",
    parameters: ONE,
    lines: [
      "SHARED(float, s0, 1);",
      T,
      "if (t == 0) s0[0] = 1.0f;",
      "__syncthreads();",
      "b0[t] = s0[0];",
    ].concat("if (t == 63) s0[0] = 2.0f;"),
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 8: thread 63 of block 0 writes element 0 of shared array s0, a word that thread 0 read on line 7, with no barrier between",
  },
  {
    what: "a shared word that two threads write",
    parameters: ONE,
    lines: ["SHARED(float, s0, 32);", T, "s0[t / 2] = 1.0f;", "__syncthreads();", "b0[t] = s0[t / 2];"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 5: thread 1 of block 0 writes element 0 of shared array s0, a word that thread 0 wrote on line 5, with no barrier between",
  },
  {
    what: "a shuffle taken for a barrier",
    parameters: ONE,
    lines: [
      "SHARED(float, s0, 32);",
      T,
      "s0[t] = 1.0f;",
      "float v = 1.0f;",
      SHUFFLE,
      "b0[t] = v + s0[31 - t];",
    ],
    blocks: 1,
    threads: 32,
    args: () => [floats(32)],
    finds:
      "line 8: thread 0 of block 0 reads element 31 of shared array s0, a word that thread 31 wrote on line 5, with no barrier between",
  },
  {
    what: "a global word that two threads of a block write",
    parameters: ONE,
    lines: [T, "b0[t % 32] = 1.0f;"],
    blocks: 1,
    threads: 64,
    args: () => [floats(32)],
    finds:
      "line 4: thread 32 of block 0 writes element 0 of argument 0, a word that thread 0 wrote on line 4, with no barrier between",
  },
  {
    what: "a global word that two blocks write",
    parameters: ONE,
    lines: [T, "if (blockIdx.x != 1) b0[t] = 1.0f;"],
    blocks: 4,
    threads: 32,
    args: () => [floats(32)],
    finds:
      "line 4: thread 0 of block 2 writes element 0 of argument 0, a word that thread 0 of block 0 wrote on line 4, and nothing orders two blocks",
  },
  {
    what: "a global word that one block writes, with barriers, and another reads",
    parameters: "Global<float> b0, Global<float> b1",
    lines: [
      T,
      "const int b = blockIdx.x;",
      "b0[b * 32 + t] = 1.0f;",
      "__syncthreads();",
      "__syncthreads();",
    ].concat("b1[b * 32 + t] = b0[t];"),
    blocks: 2,
    threads: 32,
    args: () => [floats(64), floats(64)],
    finds:
      "line 8: thread 0 of block 1 reads element 0 of argument 0, a word that thread 0 of block 0 wrote on line 5, and nothing orders two blocks",
  },
  {
    what: "a global word that one block reads and a later one writes",
    parameters: "Global<float> b0, Global<float> b1",
    lines: [
      T,
      "const int b = blockIdx.x;",
      "b1[b * 32 + t] = b0[(b + 1) * 32 + t];",
      "b0[b * 32 + t] = 1.0f;",
    ],
    blocks: 2,
    threads: 32,
    args: () => [floats(96), floats(64)],
    finds:
      "line 6: thread 0 of block 1 writes element 32 of argument 0, a word that thread 0 of block 0 read on line 5, and nothing orders two blocks",
  },
  {
    what: "a global word that an earlier block read, and this one as well",
    parameters: "Global<float> b0, Global<float> b1",
    lines: [T, "b1[blockIdx.x * 32 + t] = b0[t];", "if (blockIdx.x == 2) b0[t] = 1.0f;"],
    blocks: 3,
    threads: 32,
    args: () => [floats(32), floats(96)],
    finds:
      "line 5: thread 0 of block 2 writes element 0 of argument 0, a word that a thread of an earlier block read, and nothing orders two blocks",
  },
  {
    what: "two arguments that overlap, found by address",
    parameters: TWO,
    lines: [T, "b1[t] = b0[t];"],
    blocks: 1,
    threads: 32,
    args: () => overlapping(32, 1),
    finds:
      "line 4: thread 1 of block 0 reads element 1 of argument 0, a word that thread 0 wrote on line 4, with no barrier between",
  },
  {
    what: "a barrier that some threads pass by",
    parameters: ONE,
    lines: [T, "if (t < 40) __syncthreads();", "b0[t] = 1.0f;"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 4: not all threads of a block reach it: in block 0, thread 0 waits at __syncthreads on line 4, but thread 40 has ended",
  },
  {
    what: "threads that wait at different barriers",
    parameters: ONE,
    lines: [T, "if (t < 32)", "  __syncthreads();", "else", "  __syncthreads();", "b0[t] = 1.0f;"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 5: not all threads of a block reach it: in block 0, thread 0 waits at __syncthreads on line 5, but thread 32 waits at __syncthreads on line 7",
  },
  {
    what: "a barrier in a loop that threads leave at different times",
    parameters: ONE,
    lines: [T, "for (int i = 0; i < 1 + t / 32; i++) __syncthreads();", "b0[t] = 1.0f;"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 4: not all threads of a block reach it: in block 0, thread 0 has ended, but thread 32 waits at __syncthreads on line 4",
  },
  {
    what: "a shuffle that a lane does not reach",
    parameters: ONE,
    lines: [T, "float v = 1.0f;", `if (t != 37) ${SHUFFLE}`, "b0[t] = v;"],
    blocks: 1,
    threads: 64,
    args: () => [floats(64)],
    finds:
      "line 5: not all threads of a warp reach it: in block 0, thread 32 waits at __shfl_xor_sync on line 5, but thread 37 has ended",
  },
  {
    what: "lanes of which some wait at a barrier",
    parameters: ONE,
    lines: [T, "float v = 1.0f;", `if (t < 16) ${SHUFFLE}`, "__syncthreads();", "b0[t] = v;"],
    blocks: 1,
    threads: 32,
    args: () => [floats(32)],
    finds:
      "line 5: not all threads of a warp reach it: in block 0, thread 0 waits at __shfl_xor_sync on line 5, but thread 16 waits at __syncthreads on line 6",
  },
  {
    what: "a shuffle in a warp that the block does not fill",
    parameters: ONE,
    lines: [T, "float v = 1.0f;", SHUFFLE, "b0[t] = v;"],
    blocks: 1,
    threads: 48,
    args: () => [floats(48)],
    finds: "line 5: a shuffle of the full warp, but the last warp of block 0 has 16 threads",
  },
  {
    what: "a shuffle with part of a mask",
    parameters: ONE,
    lines: [T, "float v = __shfl_xor_sync(0xffffu, 1.0f, 1);", "b0[t] = v;"],
    blocks: 1,
    threads: 32,
    args: () => [floats(32)],
    finds:
      "line 4: thread 0 of block 0: a shuffle has the mask 0xffff and the lane mask 1; the emulator knows full masks",
  },
];

const wrong = cases.map(({ parameters, lines }, i) =>
  kernel(`wrong${i}`, [`KERNEL(256) wrong${i}(${parameters}) {`, ...lines, "}"].join("\n")),
);

const MODES: readonly (readonly [string, EmulatorOptions])[] = [
  ["quickly built", {}],
  ["optimised", { favour: "run" }],
];

describe.skipIf(!canEmulate).each(MODES)("the emulator: detectors (%s)", (_name, options) => {
  let run: Emulator;
  beforeAll(async () => {
    run = await emulator([...wrong, axpy(32)], options);
  });

  it.each(cases.map((one, i) => [one.what, i] as const))("finds %s", async (_what, i) => {
    const { blocks, threads, args, finds } = cases[i];
    expect(await run({ symbol: `wrong${i}`, blocks, threads, args: args() })).toBe(
      `kernel wrong${i}, ${finds}`,
    );
  });

  it("goes on after a finding: nothing of it is left in later launches", async () => {
    const args = [floats(32).fill(1), floats(32).fill(2), floats(32)] as const;
    const { blocks, threads } = cases[8];
    await run({ symbol: "wrong8", blocks, threads, args: cases[8].args() });
    expect(await run({ symbol: "axpy", blocks: 1, threads: 256, args })).toBe("ok");
    expect(args[2]).toEqual(floats(32).fill(4));
  });

  it("finds the barrier that is missing in a tiled matrix product", async () => {
    const [m, n, k] = [128, 128, 32];
    const broken = await emulator([matmul(n, k, false)], options);
    const args = [floats(m * k), floats(k * n), floats(m * n)];
    const found = await broken({ symbol: "matmul", blocks: grid(m, n), threads: 256, args });
    expect(found).toMatch(
      /^kernel matmul, line \d+: thread \d+ of block 0 (reads|writes) element \d+ of shared array s[01], (a word that thread \d+ (read|wrote) on line \d+, with no barrier between|which no thread of the block wrote)$/,
    );
  });

  it("refuses launches that a kernel is not made for", async () => {
    const args = [floats(32), floats(32), floats(32)];
    expect(await run({ symbol: "axpy", blocks: 1, threads: 32, args: args.slice(1) })).toBe(
      "kernel axpy: it has 3 parameters, but the launch gives 2 arguments",
    );
    expect(await run({ symbol: "axpy", blocks: 1, threads: 512, args })).toBe(
      "kernel axpy: a launch with 512 threads a block, but it is made for 1 to 256",
    );
  });
});

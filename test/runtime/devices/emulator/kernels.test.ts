import { describe, expect, it } from "vitest";
import type { EmulatorOptions } from "../../../../runtime/devices/emulator/emulator-module.js";
import { axpy, grid, kernel, matmul, rowSums } from "./kernels.js";
import { canEmulate, emulator, ownCache } from "./launch.js";

ownCache();

const ramp = (length: number, period: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => (i % period) - (period >> 1));

const MODES: readonly (readonly [string, EmulatorOptions])[] = [
  ["checked", {}],
  ["checked, optimised", { favour: "run" }],
  ["unchecked", { checked: false, favour: "run" }],
];

describe.skipIf(!canEmulate).each(MODES)("the emulator: right kernels (%s)", (_name, options) => {
  it("runs element-wise kernels, in place as well", async () => {
    const run = await emulator([axpy(1000)], options);
    const [a, b, c] = [ramp(1000, 13), ramp(1000, 7), new Float32Array(1000)];
    expect(await run({ symbol: "axpy", blocks: 4, threads: 256, args: [a, b, c] })).toBe("ok");
    const expected = a.map((x, i) => 2 * x + b[i]);
    expect(c).toEqual(expected);
    expect(await run({ symbol: "axpy", blocks: 4, threads: 256, args: [a, b, b] })).toBe("ok");
    expect(b).toEqual(expected);
  });

  it("reduces with shuffles and shared memory", async () => {
    const run = await emulator([rowSums(1000)], options);
    const [rows, sums] = [ramp(5000, 17), new Float32Array(5)];
    expect(await run({ symbol: "rowSums", blocks: 5, threads: 256, args: [rows, sums] })).toBe("ok");
    expect(sums).toEqual(
      sums.map((_, row) => rows.subarray(row * 1000, (row + 1) * 1000).reduce((sum, x) => sum + x, 0)),
    );
  });

  it("multiplies matrices by tiles in two buffers", async () => {
    const [m, n, k] = [128, 256, 64];
    const run = await emulator([matmul(n, k)], options);
    const [a, b, c] = [ramp(m * k, 7), ramp(k * n, 5), new Float32Array(m * n)];
    expect(await run({ symbol: "matmul", blocks: grid(m, n), threads: 256, args: [a, b, c] })).toBe("ok");
    const at = (row: number, column: number): number =>
      Array.from({ length: k }, (_, i) => a[row * k + i] * b[i * n + column]).reduce((sum, x) => sum + x, 0);
    expect(c).toEqual(c.map((_, i) => at(Math.floor(i / n), i % n)));
  });

  it("runs launches after each other on the same memory", async () => {
    const run = await emulator([axpy(256), rowSums(256)], options);
    const [a, b, sum] = [new Float32Array(256).fill(1), new Float32Array(256), new Float32Array(1)];
    const add = { symbol: "axpy", blocks: 1, threads: 256, args: [a, b, b] };
    expect(await run(add, add, { symbol: "rowSums", blocks: 1, threads: 256, args: [b, sum] })).toBe("ok");
    expect(sum[0]).toBe(4 * 256);
  });

  it("knows the functions that kernels use", async () => {
    const values = [
      "expf(b0[0])",
      "logf(b0[1])",
      "sqrtf(b0[1])",
      "tanhf(b0[0])",
      "powf(b0[1], b0[0])",
      "log1pf(b0[1])",
      "expm1f(b0[0])",
      "fabsf(-b0[1])",
      "floorf(b0[0])",
      "static_cast<float>(__umulhi(0x80000000u, 6u))",
      "__int_as_float(0x40490fdb)",
      "static_cast<float>(min(b1[0], 2) + max(b1[0], 10))",
      "static_cast<float>(__float_as_int(1.0f) >> 23)",
      "b1[0] < 0 ? b2[0] : b0[0]",
      "fmaf(b0[0], b0[1], b2[0])",
    ];
    const lines = values.map((value, i) => `  b2[${i}] = ${value};`).join("\n");
    const parameters = "Global<const float> b0, Global<const int> b1, Global<float> b2";
    const run = await emulator([kernel("many", `KERNEL(1) many(${parameters}) {\n${lines}\n}`)], options);
    const out = new Float32Array(values.length);
    const args = [Float32Array.of(0.5, 2), Int32Array.of(7), out];
    expect(await run({ symbol: "many", blocks: 1, threads: 1, args })).toBe("ok");
    const { exp, log, sqrt, tanh, log1p, expm1 } = Math;
    const plain = [
      exp(0.5),
      log(2),
      sqrt(2),
      tanh(0.5),
      sqrt(2),
      log1p(2),
      expm1(0.5),
      2,
      0,
      3,
      Math.PI,
      12,
      127,
    ];
    const wanted = [...plain, 0.5, exp(0.5) + 1];
    for (const [i, value] of wanted.entries()) expect(out[i]).toBeCloseTo(value, 5);
  });

  it("rounds a product before it is added, unless the kernel says fmaf", async () => {
    const source = `KERNEL(1) f(Global<const float> b0, Global<float> b1) {
  b1[0] = b0[0] * b0[0] - b0[1];
  b1[1] = fmaf(b0[0], b0[0], -b0[1]);
}`;
    const run = await emulator([kernel("f", source)], options);
    const x = Math.fround(1 + 2 ** -12);
    const out = new Float32Array(2);
    const args = [Float32Array.of(x, Math.fround(x * x)), out];
    expect(await run({ symbol: "f", blocks: 1, threads: 1, args })).toBe("ok");
    expect([...out]).toEqual([0, 2 ** -24]);
  });

  it("runs blocks of 1024 threads, and as many as a launch has", async () => {
    const source = `KERNEL(1024) turn(Global<float> b0) {
  SHARED(int, s0, 1024);
  const int t = threadIdx.x;
  s0[t] = t * static_cast<int>(gridDim.x);
  __syncthreads();
  b0[blockIdx.x * 1024 + t] = static_cast<float>(s0[1023 - t]);
}`;
    const run = await emulator([kernel("turn", source)], options);
    const out = new Float32Array(4096);
    expect(await run({ symbol: "turn", blocks: 4, threads: 1024, args: [out] })).toBe("ok");
    expect(out).toEqual(out.map((_, i) => (1023 - (i % 1024)) * 4));
  });
});

describe.skipIf(!canEmulate)("the emulator: unchecked", () => {
  it("has no number in shared memory that no thread wrote, in every block", async () => {
    const source = `KERNEL(32) f(Global<float> b0) {
  SHARED(float, s0, 32);
  b0[blockIdx.x] = s0[5];
  __syncthreads();
  s0[threadIdx.x] = 1.0f;
}`;
    const run = await emulator([kernel("f", source)], { checked: false });
    const out = new Float32Array(3);
    expect(await run({ symbol: "f", blocks: 3, threads: 32, args: [out] })).toBe("ok");
    expect([...new Uint32Array(out.buffer)]).toEqual([0x7fdeadbe, 0x7fdeadbe, 0x7fdeadbe]);
  });
});

import type { EmulatedKernel } from "../../../../runtime/devices/emulator/emulator-source.js";

/** A kernel written by hand, in the form that codegen renders. */
export const kernel = (symbol: string, text: string): EmulatedKernel => ({
  symbol,
  source: `#include "cortado.h"\n${text}`,
});

/** Side of the block of C that one block of threads computes, and depth of the slices of A and B it holds at a time. */
export const TILE = 128;
export const DEPTH = 8;

/**
 * C = A·B for A of m×k and B of k×n, row-major, m, k and n multiples of the tile: 256 threads, 8×8 sums each, two buffers for the slices, so that
 * one barrier a slice is enough. `barrier: false` leaves that one out.
 */
export const matmul = (n: number, k: number, barrier = true): EmulatedKernel =>
  kernel(
    "matmul",
    `KERNEL(256) matmul(Global<const float> b0, Global<const float> b1, Global<float> b2) {
  SHARED(float, s0, ${2 * DEPTH * TILE});
  SHARED(float, s1, ${2 * DEPTH * TILE});
  float r0[64];
  float r1[8];
  float r2[8];
  const int t = threadIdx.x;
  const int i0 = blockIdx.x / ${n / TILE} * ${TILE};
  const int i1 = blockIdx.x % ${n / TILE} * ${TILE};
  const int i2 = t / 16;
  const int i3 = t % 16;
  UNROLL
  for (int i4 = 0; i4 < 64; i4++) r0[i4] = 0.0f;
  for (int i4 = 0; i4 < 4; i4++) {
    const int i5 = i4 * 256 + t;
    s0[i5 % ${DEPTH} * ${TILE} + i5 / ${DEPTH}] = b0[(i0 + i5 / ${DEPTH}) * ${k} + i5 % ${DEPTH}];
    s1[i5] = b1[i5 / ${TILE} * ${n} + i1 + i5 % ${TILE}];
  }
  __syncthreads();
  for (int i4 = 0; i4 < ${k / DEPTH}; i4++) {
    const int i5 = i4 % 2 * ${DEPTH * TILE};
    if (i4 + 1 < ${k / DEPTH}) {
      const int i6 = (i4 + 1) * ${DEPTH};
      const int i7 = (i4 + 1) % 2 * ${DEPTH * TILE};
      for (int i8 = 0; i8 < 4; i8++) {
        const int i9 = i8 * 256 + t;
        s0[i7 + i9 % ${DEPTH} * ${TILE} + i9 / ${DEPTH}] = b0[(i0 + i9 / ${DEPTH}) * ${k} + i6 + i9 % ${DEPTH}];
        s1[i7 + i9] = b1[(i6 + i9 / ${TILE}) * ${n} + i1 + i9 % ${TILE}];
      }
    }
    for (int i6 = 0; i6 < ${DEPTH}; i6++) {
      UNROLL
      for (int i7 = 0; i7 < 8; i7++) r1[i7] = s0[i5 + i6 * ${TILE} + i2 * 8 + i7];
      UNROLL
      for (int i7 = 0; i7 < 8; i7++) r2[i7] = s1[i5 + i6 * ${TILE} + i3 * 8 + i7];
      UNROLL
      for (int i7 = 0; i7 < 8; i7++) {
        UNROLL
        for (int i8 = 0; i8 < 8; i8++) r0[i7 * 8 + i8] = fmaf(r1[i7], r2[i8], r0[i7 * 8 + i8]);
      }
    }
    ${barrier ? "__syncthreads();" : ";"}
  }
  for (int i4 = 0; i4 < 8; i4++) {
    for (int i5 = 0; i5 < 8; i5++) b2[(i0 + i2 * 8 + i4) * ${n} + i1 + i3 * 8 + i5] = r0[i4 * 8 + i5];
  }
}`,
  );

export const grid = (m: number, n: number): number => (m / TILE) * (n / TILE);

/** b2[i] = 2·b0[i] + b1[i], one thread an element. */
export const axpy = (elements: number): EmulatedKernel =>
  kernel(
    "axpy",
    `KERNEL(256) axpy(Global<const float> b0, Global<const float> b1, Global<float> b2) {
  const int i0 = blockIdx.x * blockDim.x + threadIdx.x;
  if (i0 < ${elements}) b2[i0] = fmaf(b0[i0], 2.0f, b1[i0]);
}`,
  );

/** b1[row] = the sum of a row of b0, one block of 256 threads a row: shuffles in each warp, then shared memory. */
export const rowSums = (width: number): EmulatedKernel =>
  kernel(
    "rowSums",
    `KERNEL(256) rowSums(Global<const float> b0, Global<float> b1) {
  SHARED(float, s0, 8);
  const int t = threadIdx.x;
  float v = 0.0f;
  for (int i = t; i < ${width}; i += 256) v = v + b0[static_cast<int>(blockIdx.x) * ${width} + i];
  v = v + __shfl_xor_sync(0xffffffffu, v, 16);
  v = v + __shfl_xor_sync(0xffffffffu, v, 8);
  v = v + __shfl_xor_sync(0xffffffffu, v, 4);
  v = v + __shfl_xor_sync(0xffffffffu, v, 2);
  v = v + __shfl_xor_sync(0xffffffffu, v, 1);
  if (t % 32 == 0) s0[t / 32] = v;
  __syncthreads();
  if (t == 0) {
    float sum = 0.0f;
    for (int i = 0; i < 8; i++) sum = sum + s0[i];
    b1[blockIdx.x] = sum;
  }
}`,
  );

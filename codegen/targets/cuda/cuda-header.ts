/**
 * `cortado.h` as NVRTC sees it. Generated sources include it and use nothing else: with another file of this name
 * (native/emulator/cortado.h) the same sources run on a CPU. One block on a multiprocessor is enough: not told so,
 * ptxas spills a few registers to make room for one block more.
 */
export const CUDA_HEADER = `#pragma once
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads, 1)
#define HELPER static __device__ __forceinline__
#define SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define UNROLL _Pragma("unroll")
template <class T> using Global = T*;
`;

/**
 * What NVRTC is told beside the architecture. Products fuse with sums only where the kernel says \`fmaf\`: an expression
 * then has the same bits in whatever kernel it stands, fused or not.
 */
export const CUDA_OPTIONS: readonly string[] = ["--std=c++17", "--fmad=false", "-default-device"];

// The emulator's side of "cortado.h": what a generated CUDA kernel needs to compile, unchanged, as C++17 for the
// CPU. Blocks run in turn; the threads of a block are fibres that change places at __syncthreads and at shuffles,
// or, in a kernel without either, plain calls. See README.md beside this file for what is detected and how.
#ifndef CORTADO_EMULATOR_H
#define CORTADO_EMULATOR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__) && defined(__ELF__) && !defined(CORTADO_UCONTEXT)
#define CORTADO_OWN_SWITCH 1
#else
#include <ucontext.h>
#endif

#define CORTADO_EXPORT __attribute__((visibility("default")))
#define CORTADO_COLD __attribute__((noinline, cold))

// ---- What a kernel may call ------------------------------------------------------------------------------------

// Declared here because C++'s own <math.h> takes longer to read than a small program's kernels. The compiler knows
// these functions by name.
extern "C" {
float expf(float) noexcept;
float expm1f(float) noexcept;
float fabsf(float) noexcept;
float floorf(float) noexcept;
float fmaf(float, float, float) noexcept;
float log1pf(float) noexcept;
float logf(float) noexcept;
float powf(float, float) noexcept;
float sqrtf(float) noexcept;
float tanhf(float) noexcept;
}

static inline int min(int a, int b) { return b < a ? b : a; }
static inline int max(int a, int b) { return a < b ? b : a; }
static inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<uint64_t>(a) * b) >> 32);
}
static inline int __float_as_int(float value) {
  int bits;
  memcpy(&bits, &value, 4);
  return bits;
}
static inline float __int_as_float(int bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
static inline unsigned __float_as_uint(float value) { return static_cast<unsigned>(__float_as_int(value)); }
static inline float __uint_as_float(unsigned bits) { return __int_as_float(static_cast<int>(bits)); }

namespace cortado_emulator {

struct Index {
  unsigned x;
  enum : unsigned { y = 0, z = 0 };
};
struct Extent {
  unsigned x;
  enum : unsigned { y = 1, z = 1 };
};

}  // namespace cortado_emulator

static cortado_emulator::Index threadIdx, blockIdx;
static cortado_emulator::Extent blockDim, gridDim;

#include "fibres.h"
#include "checks.h"
#include "launch.h"

// ---- The words of the kernels ------------------------------------------------------------------------------------

#define KERNEL(threads)                     \
  static constexpr unsigned bound = threads; \
  static void

#define HELPER static inline
// Loops stay loops: unrolled a hundredfold, checked accesses would take the compiler longer than they save.
#define UNROLL

template <class T>
using Global = cortado_emulator::Argument<T>;

#ifdef CORTADO_UNCHECKED
#define SHARED(type, name, count)                                \
  alignas(64) static type name[count];                           \
  static ::cortado_emulator::Stamp name##_of;                    \
  ::cortado_emulator::poison<type, count>(name, name##_of)
#else
#define SHARED(type, name, count)                                \
  alignas(64) static ::cortado_emulator::Shared<type, count> name; \
  name.called = #name
#endif

static inline void __syncthreads(int line = __builtin_LINE()) {
  cortado_emulator::wait(cortado_emulator::Wait::barrier, line);
}
static inline float __shfl_xor_sync(unsigned mask, float value, int lane, int line = __builtin_LINE()) {
  return __uint_as_float(cortado_emulator::shuffle(mask, __float_as_uint(value), lane, line));
}
static inline int __shfl_xor_sync(unsigned mask, int value, int lane, int line = __builtin_LINE()) {
  return static_cast<int>(cortado_emulator::shuffle(mask, static_cast<uint32_t>(value), lane, line));
}
static inline unsigned __shfl_xor_sync(unsigned mask, unsigned value, int lane, int line = __builtin_LINE()) {
  return cortado_emulator::shuffle(mask, value, lane, line);
}

#endif

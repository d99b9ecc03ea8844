/**
 * The C++ text that all code in lanes stands on: what belongs to a vector type V (or to a single float or double, a vector of
 * one lane), and the operations for which GCC's vector types have no operator. C++17 without headers, for g++ from 12 and
 * clang++ from 16, to be compiled with `-ffp-contract=off`: then `fused` is the only multiply-add that is rounded once,
 * and bits depend on neither compiler nor width.
 */
export const LANE_TYPES = `#define LANES static inline __attribute__((always_inline))
#ifndef __has_builtin
#define __has_builtin(name) 0
#endif

template <int bytes> struct LaneInteger;
template <> struct LaneInteger<4> { using Signed = int; using Unsigned = unsigned; };
template <> struct LaneInteger<8> { using Signed = long long; using Unsigned = unsigned long long; };

/** What belongs to a vector V of reals: the type of a lane, integers of the same size, and how many lanes. */
template <class V> struct Lanes {
  using Real = decltype(V{}[0] + 0);
  typedef typename LaneInteger<sizeof(Real)>::Signed Int __attribute__((vector_size(sizeof(V))));
  typedef typename LaneInteger<sizeof(Real)>::Unsigned Unsigned __attribute__((vector_size(sizeof(V))));
  static constexpr int count = sizeof(V) / sizeof(Real);
};
template <> struct Lanes<float> {
  using Real = float;
  using Int = int;
  using Unsigned = unsigned;
  static constexpr int count = 1;
};
template <> struct Lanes<double> {
  using Real = double;
  using Int = long long;
  using Unsigned = unsigned long long;
  static constexpr int count = 1;
};

/** The same number in all lanes. */
template <class V> LANES V lanes_all(typename Lanes<V>::Real x) { return x - V{}; }
template <class V> LANES typename Lanes<V>::Unsigned lanes_bits(V x) {
  return __builtin_bit_cast(typename Lanes<V>::Unsigned, x);
}

/** a * b + c, rounded once where the machine has an instruction for it; elsewhere it would be a function's call, and rounds twice. */
#if defined __FMA__ || defined __ARM_FEATURE_FMA
LANES float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LANES double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
LANES float fused(float a, float b, float c) { return a * b + c; }
LANES double fused(double a, double b, double c) { return a * b + c; }
#endif
template <class V> LANES V fused(V a, V b, V c) {
#if __has_builtin(__builtin_elementwise_fma)
  return __builtin_elementwise_fma(a, b, c);
#else
  constexpr int bytes = sizeof(V);
  constexpr bool single = sizeof(a[0]) == 4;
#ifdef __FMA__
  if constexpr (bytes == 16 && single) return (V)__builtin_ia32_vfmaddps(a, b, c);
  else if constexpr (bytes == 32 && single) return (V)__builtin_ia32_vfmaddps256(a, b, c);
  else if constexpr (bytes == 16) return (V)__builtin_ia32_vfmaddpd(a, b, c);
  else if constexpr (bytes == 32) return (V)__builtin_ia32_vfmaddpd256(a, b, c);
  else
#endif
#ifdef __AVX512F__
  if constexpr (bytes == 64 && single)
    return (V)__builtin_ia32_vfmaddps512_mask(a, b, c, (unsigned short)-1, 4);
  else if constexpr (bytes == 64)
    return (V)__builtin_ia32_vfmaddpd512_mask(a, b, c, (unsigned char)-1, 4);
  else
#endif
  {
    V r;
    for (int i = 0; i < (int)(bytes / sizeof(a[0])); i++) r[i] = fused(a[i], b[i], c[i]);
    return r;
  }
#endif
}

template <class V> LANES V lanes_abs(V x) {
  return __builtin_bit_cast(V, lanes_bits(x) & (~typename Lanes<V>::Unsigned{} >> 1));
}
/** Signed integers as reals, to nearest. */
template <class V> LANES V lanes_real(typename Lanes<V>::Unsigned x) {
  if constexpr (Lanes<V>::count == 1) return (V)(typename Lanes<V>::Int)x;
  else return __builtin_convertvector((typename Lanes<V>::Int)x, V);
}

LANES float lanes_sqrt(float x) { return __builtin_sqrtf(x); }
LANES double lanes_sqrt(double x) { return __builtin_sqrt(x); }
template <class V> LANES V lanes_sqrt(V x) {
  V r;
  for (int i = 0; i < Lanes<V>::count; i++) r[i] = lanes_sqrt((typename Lanes<V>::Real)x[i]);
  return r;
}

/** The high halves of the products of unsigned 32-bit integers. */
template <class U> LANES U lanes_multiply_high(U a, U b) {
#if defined __AVX2__ && !defined __clang__
  // Products of every other integer, and of those between.
  if constexpr (sizeof(U) == 32) {
    typedef int I __attribute__((vector_size(32)));
    typedef unsigned long long Wide __attribute__((vector_size(32)));
    const Wide even = (Wide)__builtin_ia32_pmuludq256((I)a, (I)b);
    const Wide odd = (Wide)__builtin_ia32_pmuludq256((I)((Wide)a >> 32), (I)((Wide)b >> 32));
    return (U)(even >> 32 | (odd & ~0xffffffffull));
  } else if constexpr (sizeof(U) == 16) {
    typedef int I __attribute__((vector_size(16)));
    typedef unsigned long long Wide __attribute__((vector_size(16)));
    const Wide even = (Wide)__builtin_ia32_pmuludq128((I)a, (I)b);
    const Wide odd = (Wide)__builtin_ia32_pmuludq128((I)((Wide)a >> 32), (I)((Wide)b >> 32));
    return (U)(even >> 32 | (odd & ~0xffffffffull));
  }
#endif
  const U low = 0xffffu & ~U{}, al = a & low, ah = a >> 16, bl = b & low, bh = b >> 16;
  const U middle = ah * bl + (al * bl >> 16), carry = al * bh + (middle & low);
  return ah * bh + (middle >> 16) + (carry >> 16);
}
LANES unsigned lanes_multiply_high(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }`;

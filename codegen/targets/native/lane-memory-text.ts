/** How lanes that lie side by side, or a step apart, come from memory and get there: all of them, the first, or those of a mask. */
export const LANE_MEMORY = `template <class V> struct Unaligned { typedef V Type __attribute__((aligned(4), may_alias)); };
template <class V> INLINE V load(const typename Lanes<V>::Real* from) { return *(const typename Unaligned<V>::Type*)from; }
template <class V> INLINE void store(typename Lanes<V>::Real* to, V x) { *(typename Unaligned<V>::Type*)to = x; }
/** Lanes of a mask only: no other memory is touched. */
template <class V, class I> INLINE V loadWhere(const typename Lanes<V>::Real* from, I mask) {
#if defined __AVX512F__ && !defined __clang__
  typedef int Bits __attribute__((vector_size(64)));
  if constexpr (sizeof(V) == 64 && sizeof(mask[0]) == 4)
    return (V)__builtin_ia32_loadups512_mask(from, V{}, __builtin_ia32_ptestmd512((Bits)mask, (Bits)mask, (unsigned short)-1));
#endif
#ifdef __AVX2__
  if constexpr (sizeof(V) == 32 && sizeof(mask[0]) == 4) return (V)__builtin_ia32_maskloadps256((const V*)from, mask);
  else if constexpr (sizeof(V) == 32) return (V)__builtin_ia32_maskloadpd256((const V*)from, mask);
  else if constexpr (sizeof(V) == 16 && sizeof(mask[0]) == 4) return (V)__builtin_ia32_maskloadps((const V*)from, mask);
  else if constexpr (sizeof(V) == 16) return (V)__builtin_ia32_maskloadpd((const V*)from, mask);
#endif
  V x{};
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) x[l] = from[l];
  return x;
}
template <class V, class I> INLINE void storeWhere(typename Lanes<V>::Real* to, V x, I mask) {
#if defined __AVX512F__ && !defined __clang__
  typedef int Bits __attribute__((vector_size(64)));
  if constexpr (sizeof(V) == 64 && sizeof(mask[0]) == 4)
    return __builtin_ia32_storeups512_mask(to, x, __builtin_ia32_ptestmd512((Bits)mask, (Bits)mask, (unsigned short)-1));
#endif
#ifdef __AVX2__
  if constexpr (sizeof(V) == 32 && sizeof(mask[0]) == 4) return __builtin_ia32_maskstoreps256((V*)to, mask, x);
  else if constexpr (sizeof(V) == 32) return __builtin_ia32_maskstorepd256((V*)to, mask, x);
  else if constexpr (sizeof(V) == 16 && sizeof(mask[0]) == 4) return __builtin_ia32_maskstoreps((V*)to, mask, x);
  else if constexpr (sizeof(V) == 16) return __builtin_ia32_maskstorepd((V*)to, mask, x);
#endif
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) to[l] = x[l];
}
template <class V, int lanes> INLINE V loadFirst(const typename Lanes<V>::Real* from) {
  if constexpr (lanes <= 0) return V{};
  else if constexpr (lanes >= Lanes<V>::count) return load<V>(from);
  else return loadWhere<V>(from, first<V>(lanes));
}
template <class V, int lanes> INLINE void storeFirst(typename Lanes<V>::Real* to, V x) {
  if constexpr (lanes >= Lanes<V>::count) store<V>(to, x);
  else storeWhere<V>(to, x, first<V>(lanes));
}
template <int n> struct EveryOther { static constexpr int at(int lane) { return 2 * lane < n ? 2 * lane : 2 * lane + 1; } };
/** Every other element of two vectors, the second of which starts one element early: it ends at the last that is read. */
template <class V> INLINE V everyOther(V low, V high) {
  return shuffled<EveryOther<Lanes<V>::count>>(low, high);
}
/** Lanes that lie \`step\` apart. */
template <class V, long step> INLINE V loadApart(const typename Lanes<V>::Real* from) {
  constexpr int n = Lanes<V>::count;
  if constexpr (step == 2) return everyOther(load<V>(from), load<V>(from + n - 1));
  V x;
#pragma GCC unroll 16
  for (int l = 0; l < n; l++) x[l] = from[l * step];
  return x;
}
template <class V, long step, int lanes> INLINE V loadApartFirst(const typename Lanes<V>::Real* from) {
  constexpr int n = Lanes<V>::count, read = 2 * lanes - 1;
  if constexpr (step == 2) return everyOther(loadFirst<V, read>(from), loadFirst<V, read - (n - 1)>(from + n - 1));
  V x{};
  for (int l = 0; l < lanes; l++) x[l] = from[l * step];
  return x;
}
template <int from> struct HalfOf { static constexpr int at(int lane) { return (lane + from) / 2; } };
template <class V, long step, class I> INLINE V loadApartWhere(const typename Lanes<V>::Real* from, I mask) {
  constexpr int n = Lanes<V>::count;
  if constexpr (step == 2) {
    // The element at e is lane e / 2's where e is even.
    const I e = ramp<V>(0, 1), late = e + (whole<V>)(n - 1);
    const I low = shuffled<HalfOf<0>>(mask, mask) & -((e & 1) == 0 ? I{} + 1 : I{});
    const I high = shuffled<HalfOf<n - 1>>(mask, mask) & -((late & 1) == 0 ? I{} + 1 : I{});
    return everyOther(loadWhere<V>(from, low), loadWhere<V>(from + n - 1, high));
  }
  V x{};
  for (int l = 0; l < n; l++) if (mask[l]) x[l] = from[l * step];
  return x;
}

/** The same of integers, which are 32 bits wide in memory. */
template <class V> INLINE typename Lanes<V>::Int loadWholes(const int* from) {
  typedef typename Lanes<V>::Int I;
  if constexpr (sizeof(whole<V>) == 4) return (I)load<V>((const typename Lanes<V>::Real*)from);
  I x;
  for (int l = 0; l < Lanes<V>::count; l++) x[l] = from[l];
  return x;
}
template <class V, class I> INLINE I loadWholesWhere(const int* from, I mask) {
  if constexpr (sizeof(whole<V>) == 4) return (I)loadWhere<V>((const typename Lanes<V>::Real*)from, mask);
  I x{};
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) x[l] = from[l];
  return x;
}
template <class V, class I> INLINE void storeWholes(int* to, I x) {
  if constexpr (sizeof(whole<V>) == 4) return store<V>((typename Lanes<V>::Real*)to, (V)x);
  for (int l = 0; l < Lanes<V>::count; l++) to[l] = (int)x[l];
}
template <class V, class I> INLINE void storeWholesWhere(int* to, I x, I mask) {
  if constexpr (sizeof(whole<V>) == 4) return storeWhere<V>((typename Lanes<V>::Real*)to, (V)x, mask);
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) to[l] = (int)x[l];
}`;

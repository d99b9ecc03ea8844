import type { RealType } from "../../ir/real.js";
import { LANE_FUNCTIONS, type LaneFunctionName } from "../../lanes/functions/index.js";
import { laneFunctionText } from "./lane-functions-text.js";
import { LANE_MEMORY } from "./lane-memory-text.js";
import { LANE_TYPES } from "./lane-types-text.js";
import { NATIVE_SCALARS } from "./native-scalars.js";

/**
 * What stands in front of generated kernels: vectors of 4, 8 or 16 lanes and what the language lacks for them. No
 * header of the standard library is read, so a unit compiles in a fraction of a second.
 *
 * V: a vector of reals; I: one of integers of the same size, which is also what a comparison gives (−1 where it holds).
 */
const VECTORS = `${LANE_TYPES}
#if defined __FMA__ || defined __ARM_FEATURE_FMA
#define LANES_FUSED
#endif
#define INLINE LANES
template <class T, int count> struct VectorOf {
  typedef T V __attribute__((vector_size(count * sizeof(T))));
};

/** x in all lanes. */
template <class V> INLINE V all(typename Lanes<V>::Real x) { return x - V{}; }
template <class V> INLINE V all(V x) { return x; }
template <class V> using whole = decltype(typename Lanes<V>::Int{}[0] + 0);
template <class V> INLINE typename Lanes<V>::Int ramp(long from, long step) {
  typename Lanes<V>::Int x{};
#pragma GCC unroll 16
  for (int l = 0; l < Lanes<V>::count; l++) x[l] = l;
  return x * (whole<V>)step + (whole<V>)from;
}
template <class V> INLINE typename Lanes<V>::Int first(int lanes) {
  return ramp<V>(0, 1) < (whole<V>)lanes;
}
template <class V> INLINE typename Lanes<V>::Int wholes(long x) { return (whole<V>)x - typename Lanes<V>::Int{}; }
template <class V> INLINE typename Lanes<V>::Int truncated(V x) { return __builtin_convertvector(x, typename Lanes<V>::Int); }
template <class V> INLINE V real(typename Lanes<V>::Int x) { return __builtin_convertvector(x, V); }
template <class I> INLINE I least(I a, I b) { return a < b ? a : b; }
template <class I> INLINE I greatest(I a, I b) { return a > b ? a : b; }
template <class I> INLINE bool any(I mask) {
#if defined __AVX512F__ && !defined __clang__
  typedef int Bits __attribute__((vector_size(64)));
  if constexpr (sizeof(I) == 64) return __builtin_ia32_ptestmd512((Bits)mask, (Bits)mask, (unsigned short)-1) != 0;
#endif
  long long words[sizeof(I) / 8], found = 0;
  __builtin_memcpy(words, &mask, sizeof(I));
  for (unsigned i = 0; i < sizeof(I) / 8; i++) found |= words[i];
  return found != 0;
}

/** Lane numbers as a list of a template. */
template <int... lanes> struct Places {};
#ifdef __clang__
template <class T, T... lanes> struct PlacesOf { using Type = Places<lanes...>; };
template <int count> using AllPlaces = typename __make_integer_seq<PlacesOf, int, count>::Type;
#else
template <int count> using AllPlaces = Places<__integer_pack(count)...>;
#endif
template <class Rule, class V, int... lanes> INLINE V shuffledAt(V a, V b, Places<lanes...>) {
  return __builtin_shufflevector(a, b, Rule::at(lanes)...);
}
/** Lane l is that of the two vectors, one behind the other, whose number is \`Rule::at(l)\`. */
template <class Rule, class V> INLINE V shuffled(V a, V b) { return shuffledAt<Rule>(a, b, AllPlaces<Lanes<V>::count>{}); }

${LANE_MEMORY}
template <class V, class I> INLINE V gather(const typename Lanes<V>::Real* from, I at) {
  V x;
  for (int l = 0; l < Lanes<V>::count; l++) x[l] = from[at[l]];
  return x;
}
template <class V, class I> INLINE V gatherWhere(const typename Lanes<V>::Real* from, I at, I mask) {
  V x{};
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) x[l] = from[at[l]];
  return x;
}
template <class V, class I> INLINE void scatter(typename Lanes<V>::Real* to, I at, V x) {
  for (int l = 0; l < Lanes<V>::count; l++) to[at[l]] = x[l];
}
template <class V, class I> INLINE void scatterWhere(typename Lanes<V>::Real* to, I at, V x, I mask) {
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) to[at[l]] = x[l];
}
/** The same of integers, which are 32 bits wide in memory. */
template <class V, class I> INLINE I gatherWholes(const int* from, I at) {
  I x;
  for (int l = 0; l < Lanes<V>::count; l++) x[l] = from[at[l]];
  return x;
}
template <class V, class I> INLINE I gatherWholesWhere(const int* from, I at, I mask) {
  I x{};
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) x[l] = from[at[l]];
  return x;
}
template <class V, class I> INLINE void scatterWholes(int* to, I at, I x) {
  for (int l = 0; l < Lanes<V>::count; l++) to[at[l]] = (int)x[l];
}
template <class V, class I> INLINE void scatterWholesWhere(int* to, I at, I x, I mask) {
  for (int l = 0; l < Lanes<V>::count; l++) if (mask[l]) to[at[l]] = (int)x[l];
}
template <int bits> struct Exchanged { static constexpr int at(int lane) { return lane ^ bits; } };
/** The value of the lane whose number differs in these bits. */
template <int bits, class V> INLINE V exchanged(V x) { return shuffled<Exchanged<bits>>(x, x); }
template <int half, int n> struct FirstHalves { static constexpr int at(int lane) { return lane & half ? n + lane - half : lane; } };
template <int half, int n> struct LastHalves { static constexpr int at(int lane) { return lane & half ? n + lane : lane + half; } };
/** Rows become columns: each step exchanges squares of half the size. */
template <int half, class V, int n> INLINE void transpose(V (&block)[n]) {
#pragma GCC unroll 16
  for (int i = 0; i < n; i++)
    if (!(i & half)) {
      const V a = block[i], b = block[i + half];
      block[i] = shuffled<FirstHalves<half, n>>(a, b);
      block[i + half] = shuffled<LastHalves<half, n>>(a, b);
    }
  if constexpr (half > 1) transpose<half / 2>(block);
}
/**
 * Vectors as the rows of a matrix: lane l of the first \`lanes\` is stored at to + l · apart, one element from each. A function
 * that is called: written out at each place it would be half of what there is to compile. Vectors come in registers.
 */
template <int lanes, class V, class... Rows> static __attribute__((noinline)) void storeTransposed(typename Lanes<V>::Real* to, long apart, V row, Rows... rows) {
  constexpr int n = Lanes<V>::count, count = 1 + sizeof...(rows);
  V block[n] = {row, rows...};
  transpose<n / 2>(block);
#pragma GCC unroll 16
  for (int l = 0; l < lanes; l++) storeFirst<V, count>(to + l * apart, block[l]);
}
`;

/** A constant among reals of V. */
const CONSTANT = `template <class V> INLINE typename Lanes<V>::Real Real(double x) { return (typename Lanes<V>::Real)x; }`;

/** A function, with products and sums that round once where the processor has them: elsewhere each would be a function's call. */
const functionText = (name: LaneFunctionName, dtype: RealType): string => `#ifdef LANES_FUSED
${laneFunctionText(name, dtype, { fused: true })}
#else
${laneFunctionText(name, dtype, { fused: false })}
#endif`;

/** What may be left out, by the name that it is called by, in an order in which each comes after what it calls. */
const functionsOf = (dtype: RealType): ReadonlyMap<string, () => string> =>
  new Map([
    ...(Object.keys(LANE_FUNCTIONS) as LaneFunctionName[]).map(
      (name) => [`lanes_${name}`, () => functionText(name, dtype)] as const,
    ),
    ...Object.entries(NATIVE_SCALARS.helpers).map(([name, text]) => [name, () => text] as const),
  ]);

/** The texts of those functions that sources call, or that are called by those. */
function calledFunctions(sources: readonly string[], dtype: RealType): readonly string[] {
  const functions = functionsOf(dtype);
  const names = new RegExp(`\\b(?:${[...functions.keys()].join("|")})\\b`, "g");
  const texts = new Map<string, string>();
  const pending = [...sources];
  for (let text = pending.pop(); text !== undefined; text = pending.pop())
    for (const name of new Set(text.match(names)))
      if (!texts.has(name)) {
        const own = functions.get(name)?.() ?? "";
        texts.set(name, own);
        pending.push(own);
      }
  return [...functions.keys()].flatMap((name) => texts.get(name) ?? []);
}

/** What is an instruction, or nearly. */
const INSTRUCTIONS = `template <class V> INLINE V lanes_fabs(V x) { return lanes_abs(x); }
INLINE float lanes_floor(float x) { return __builtin_floorf(x); }
INLINE double lanes_floor(double x) { return __builtin_floor(x); }
template <class V> INLINE V lanes_floor(V x) {
  V r;
  for (int l = 0; l < Lanes<V>::count; l++) r[l] = lanes_floor((typename Lanes<V>::Real)x[l]);
  return r;
}`;

const UNIFORM = `/** Philox 4x32-10 with key (seed) and counter (element / 4, step, stream): uniform in [0, 1), 24 bits. */
INLINE float uniform(unsigned seed0, unsigned seed1, unsigned stream0, unsigned stream1, double step, long at) {
  const unsigned element = (unsigned)at;
  unsigned x0 = element >> 2, x1 = (unsigned)(int)step, x2 = stream0, x3 = stream1;
  for (int round = 0; round < 10; round++) {
    const unsigned long low = 0xd2511f53ul * x0, high = 0xcd9e8d57ul * x2;
    x0 = (unsigned)(high >> 32) ^ x1 ^ seed0;
    x1 = (unsigned)high;
    x2 = (unsigned)(low >> 32) ^ x3 ^ seed1;
    x3 = (unsigned)low;
    seed0 += 0x9e3779b9u;
    seed1 += 0xbb67ae85u;
  }
  const unsigned lane = element & 3u;
  const unsigned word = lane == 0u ? x0 : lane == 1u ? x1 : lane == 2u ? x2 : x3;
  return (float)(word >> 8) * 5.9604644775390625e-8f;
}
template <class V> INLINE V uniform(unsigned seed0, unsigned seed1, unsigned stream0, unsigned stream1, double step, typename Lanes<V>::Int at) {
  typedef typename VectorOf<unsigned, Lanes<V>::count>::V U;
  typedef typename VectorOf<int, Lanes<V>::count>::V I;
  const U element = __builtin_convertvector(at, U), none{};
  U x0 = element >> 2, x1 = none + (unsigned)(int)step, x2 = none + stream0, x3 = none + stream1;
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
    const U a = none + 0xd2511f53u, b = none + 0xcd9e8d57u;
    const U low = a * x0, high = b * x2;
    const U y0 = lanes_multiply_high(b, x2) ^ x1 ^ seed0, y2 = lanes_multiply_high(a, x0) ^ x3 ^ seed1;
    x0 = y0, x1 = high, x2 = y2, x3 = low;
    seed0 += 0x9e3779b9u;
    seed1 += 0xbb67ae85u;
  }
  const U lane = element & 3u;
  const U word = lane < 2u ? (lane == 0u ? x0 : x1) : (lane == 2u ? x2 : x3);
  return __builtin_convertvector((I)(word >> 8), V) * (typename Lanes<V>::Real)5.9604644775390625e-8;
}`;

/** What stands in front of kernels: the functions that their sources call, or all. */
export function nativePreamble(dtype: RealType, sources?: readonly string[]): string {
  const called = sources
    ? calledFunctions(sources, dtype)
    : [...functionsOf(dtype).values()].map((text) => text());
  return [VECTORS, CONSTANT, INSTRUCTIONS, ...called, UNIFORM].join("\n");
}

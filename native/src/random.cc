// The first values of parameters: Philox 4x32-10 and Box and Muller's transform, to the bit as runtime/random/ has them. log,
// sin and cos are fdlibm's, which JavaScript's engine has: the C library's differ in their last bits.
#include <cstring>

#include "common.h"

namespace {

struct Block {
  uint32_t word[4];
};

Block philox(uint64_t block, uint64_t stream, uint64_t seed) {
  uint32_t x0 = static_cast<uint32_t>(block), x1 = static_cast<uint32_t>(block >> 32);
  uint32_t x2 = static_cast<uint32_t>(stream), x3 = static_cast<uint32_t>(stream >> 32);
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t product0 = 0xd2511f53ULL * x0, product1 = 0xcd9e8d57ULL * x2;
    x0 = static_cast<uint32_t>(product1 >> 32) ^ x1 ^ key0;
    x1 = static_cast<uint32_t>(product1);
    x2 = static_cast<uint32_t>(product0 >> 32) ^ x3 ^ key1;
    x3 = static_cast<uint32_t>(product0);
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  return {{x0, x1, x2, x3}};
}

uint64_t bitsOf(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}

double ofBits(uint64_t bits) {
  double x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

uint32_t highWord(double x) { return static_cast<uint32_t>(bitsOf(x) >> 32); }

// The coefficients of fdlibm.
constexpr double ln2High = 6.93147180369123816490e-01, ln2Low = 1.90821492927058770002e-10;
constexpr double lg1 = 6.666666666666735130e-01, lg2 = 3.999999999940941908e-01, lg3 = 2.857142874366239149e-01,
                 lg4 = 2.222219843214978396e-01, lg5 = 1.818357216161805012e-01, lg6 = 1.531383769920937332e-01,
                 lg7 = 1.479819860511658591e-01;
constexpr double s1 = -1.66666666666666324348e-01, s2 = 8.33333333332248946124e-03, s3 = -1.98412698298579493134e-04,
                 s4 = 2.75573137070700676789e-06, s5 = -2.50507602534068634195e-08, s6 = 1.58969099521155010221e-10;
constexpr double c1 = 4.16666666666666019037e-02, c2 = -1.38888888888741095749e-03, c3 = 2.48015872894767294178e-05,
                 c4 = -2.75573143513906633035e-07, c5 = 2.08757232129817482790e-09, c6 = -1.13596475577881948265e-11;
constexpr double perHalfPi = 6.36619772367581382433e-01;
// π/2 in parts of 33 bits, and what is left behind each.
constexpr double first = 1.57079632673412561417e+00, firstTail = 6.07710050650619224932e-11,
                 second = 6.07710050630396597660e-11, secondTail = 2.02226624879595063154e-21,
                 third = 2.02226624871116645580e-21, thirdTail = 8.47842766036889956997e-32;

// fdlibm's __ieee754_log, for a normal number above 0.
double logarithm(double x) {
  int32_t high = static_cast<int32_t>(highWord(x));
  int32_t k = (high >> 20) - 1023;
  high &= 0x000fffff;
  int32_t i = (high + 0x95f64) & 0x100000;
  x = ofBits(static_cast<uint64_t>(static_cast<uint32_t>(high | (i ^ 0x3ff00000))) << 32 | (bitsOf(x) & 0xffffffffULL));
  k += i >> 20;
  const double f = x - 1.0;
  const double dk = static_cast<double>(k);
  if ((0x000fffff & (2 + high)) < 3) {
    if (f == 0) return k == 0 ? 0 : dk * ln2High + dk * ln2Low;
    const double r = f * f * (0.5 - 0.33333333333333333 * f);
    return k == 0 ? f - r : dk * ln2High - ((r - dk * ln2Low) - f);
  }
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double w = z * z;
  i = high - 0x6147a;
  const int32_t j = 0x6b851 - high;
  const double t1 = w * (lg2 + w * (lg4 + w * lg6));
  const double t2 = z * (lg1 + w * (lg3 + w * (lg5 + w * lg7)));
  const double r = t2 + t1;
  if ((i | j) > 0) {
    const double square = 0.5 * f * f;
    return k == 0 ? f - (square - s * (square + r))
                  : dk * ln2High - ((square - (s * (square + r) + dk * ln2Low)) - f);
  }
  return k == 0 ? f - s * (f - r) : dk * ln2High - ((s * (f - r) - dk * ln2Low) - f);
}

// fdlibm's __kernel_sin and __kernel_cos of x + y, |x| at most π/4. `whole`: y is 0.
double sine(double x, double y, bool whole) {
  if ((highWord(x) & 0x7fffffff) < 0x3e400000 && static_cast<int>(x) == 0) return x;
  const double z = x * x;
  const double v = z * x;
  const double r = s2 + z * (s3 + z * (s4 + z * (s5 + z * s6)));
  return whole ? x + v * (s1 + z * r) : x - ((z * (0.5 * y - v * r) - y) - v * s1);
}

double cosine(double x, double y) {
  const uint32_t size = highWord(x) & 0x7fffffff;
  if (size < 0x3e400000 && static_cast<int>(x) == 0) return 1;
  const double z = x * x;
  const double r = z * (c1 + z * (c2 + z * (c3 + z * (c4 + z * (c5 + z * c6)))));
  if (size < 0x3fd33333) return 1 - (0.5 * z - (z * r - x * y));
  const double quarter = size > 0x3fe90000 ? 0.28125 : ofBits(static_cast<uint64_t>(size - 0x00200000) << 32);
  const double half = 0.5 * z - quarter;
  return (1 - quarter) - (half - (z * r - x * y));
}

struct Reduced {
  int quadrant;
  double x, y;
};

// fdlibm's __ieee754_rem_pio2 for 0 ≤ angle ≤ 2π: what is left of the nearest multiple of π/2, in two parts.
Reduced reduced(double angle) {
  const uint32_t high = highWord(angle);
  if (high <= 0x3fe921fb) return {0, angle, 0};
  const int n = high < 0x4002d97c ? 1 : static_cast<int>(angle * perHalfPi + 0.5);
  const double times = static_cast<double>(n);
  double r = angle - times * first;
  double w = times * firstTail;
  double x = r - w;
  // The digits that were lost, where a multiple is as near as that.
  constexpr uint32_t multiples[] = {0x3ff921fb, 0x400921fb, 0x4012d97c, 0x401921fb};
  const auto lost = [&] { return static_cast<int>(high >> 20) - static_cast<int>((highWord(x) >> 20) & 0x7ff); };
  if (high == multiples[n - 1] && lost() > 16) {
    const double before = r;
    w = times * second;
    r = before - w;
    w = times * secondTail - ((before - r) - w);
    x = r - w;
    if (n > 1 && lost() > 49) {
      const double last = r;
      w = times * third;
      r = last - w;
      w = times * thirdTail - ((last - r) - w);
      x = r - w;
    }
  }
  return {n, x, (r - x) - w};
}

struct Pair {
  double cosine, sine;
};

Pair onCircle(double angle) {
  const Reduced part = reduced(angle);
  const double s = sine(part.x, part.y, part.quadrant == 0), c = cosine(part.x, part.y);
  switch (part.quadrant & 3) {
    case 0: return {c, s};
    case 1: return {-s, c};
    case 2: return {-c, -s};
    default: return {s, -c};
  }
}

constexpr double kWords = 4294967296.0;
constexpr double kTurn = 2 * 3.141592653589793;

Pair normalPair(uint32_t radiusWord, uint32_t angleWord) {
  const double radius = std::sqrt(-2 * logarithm((radiusWord + 1.0) / kWords));
  const Pair at = onCircle(kTurn * angleWord / kWords);
  return {radius * at.cosine, radius * at.sine};
}

// The same for many pairs of words at once: every case of the functions above is computed, without a branch, and the one that
// holds is chosen, so that a compiler makes vectors of it. Where a case is rare, near the ends of the others, the pair is computed
// as above.
constexpr size_t kPairs = 512;
struct Pairs {
  uint64_t radiusWord[kPairs], angleWord[kPairs], rare[kPairs];
  double cosine[kPairs], sine[kPairs];
};

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define IN_VECTORS __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define IN_VECTORS
#endif

// Whole numbers to 2^51 and doubles, by adding them to a number whose last bit is worth 1.
constexpr double kWhole = 0x1.8p52;
constexpr uint64_t kWholeBits = 0x4338000000000000ULL, kHalfWord = 0xffffffffULL;

IN_VECTORS void drawPairs(Pairs& pairs) {
  constexpr double perQuarterPi = 2 * perHalfPi;
  for (size_t i = 0; i < kPairs; i++) {
    const double given = ((ofBits(kWholeBits + pairs.radiusWord[i]) - kWhole) + 1.0) / kWords;
    const uint64_t bits = bitsOf(given), high = bits >> 32 & 0xfffff;
    const uint64_t up = (high + 0x95f64) & 0x100000;
    const double dk = ofBits(kWholeBits + (bits >> 52) - 1023 + (up >> 20)) - kWhole;
    const double f = ofBits((high | (up ^ 0x3ff00000)) << 32 | (bits & kHalfWord)) - 1.0;
    const double s = f / (2.0 + f), z = s * s, w = z * z;
    const double r = z * (lg1 + w * (lg3 + w * (lg5 + w * lg7))) + w * (lg2 + w * (lg4 + w * lg6));
    const double square = 0.5 * f * f;
    const double wide = dk * ln2High - ((square - (s * (square + r) + dk * ln2Low)) - f);
    const double near = dk * ln2High - ((s * (f - r) - dk * ln2Low) - f);
    // Both differences are above 0 where their union is, as signed words of 32 bits, and not 0.
    const bool isWide = high - 0x6147aULL <= 0x6b851ULL - 0x6147aULL;
    pairs.cosine[i] = -2 * (isWide ? wide : near);
    pairs.rare[i] = ((2 + high) & 0xfffff) < 3 ? 1 : 0;
  }
  for (size_t i = 0; i < kPairs; i++) {
    const double radius = std::sqrt(pairs.cosine[i]);
    const double angle = kTurn * (ofBits(kWholeBits + pairs.angleWord[i]) - kWhole) / kWords;
    const double quarters = angle * perQuarterPi;
    const double off = quarters - ((quarters + kWhole) - kWhole);
    const double nearest = angle * perHalfPi + kWhole;
    const uint64_t n = bitsOf(nearest);
    const double times = nearest - kWhole;
    const double left = angle - times * first, tail = times * firstTail;
    const double x = left - tail, y = (left - x) - tail;
    const double z = x * x, v = z * x;
    const double p = s2 + z * (s3 + z * (s4 + z * (s5 + z * s6)));
    const double whole = x + v * (s1 + z * p), parted = x - ((z * (0.5 * y - v * p) - y) - v * s1);
    const double sine = times == 0 ? whole : parted;
    const double q = z * (c1 + z * (c2 + z * (c3 + z * (c4 + z * (c5 + z * c6)))));
    const uint64_t size = bitsOf(x) >> 32 & 0x7fffffff;
    const double part = size > 0x3fe90000 ? 0.28125 : ofBits((size - 0x00200000) << 32);
    const double quarter = size < 0x3fd33333 ? 0.0 : part;
    const double cosine = (1 - quarter) - ((0.5 * z - quarter) - (z * q - x * y));
    const bool turned = (n & 1) != 0;
    const double along = turned ? sine : cosine, across = turned ? cosine : sine;
    pairs.cosine[i] = radius * ofBits(bitsOf(along) ^ ((n + 1) & 2) << 62);
    pairs.sine[i] = radius * ofBits(bitsOf(across) ^ (n & 2) << 62);
    pairs.rare[i] |= off < 0x1p-14 && off > -0x1p-14 ? 1 : 0;
  }
  for (size_t i = 0; i < kPairs; i++)
    if (pairs.rare[i] != 0) {
      const Pair pair =
          normalPair(static_cast<uint32_t>(pairs.radiusWord[i]), static_cast<uint32_t>(pairs.angleWord[i]));
      pairs.cosine[i] = pair.cosine;
      pairs.sine[i] = pair.sine;
    }
}

struct Drawn {
  uint64_t stream, seed;
  double first, second;
};

Drawn drawnFrom(const Arguments& args) {
  const auto number = [&](size_t index, const char* name) {
    if (!args.info[index].IsNumber()) throw args(index, name).wrong("a number");
    return args.info[index].As<Napi::Number>().DoubleValue();
  };
  const auto words = [&](size_t index, const char* name) {
    const View pair = args(index, name).array({napi_uint32_array}, "two words");
    if (pair.elements != 2) throw args(index, name).wrong("two words");
    const auto* const word = static_cast<const uint32_t*>(pair.data);
    return static_cast<uint64_t>(word[1]) << 32 | word[0];
  };
  return {words(1, "stream"), words(2, "seed"), number(3, "first"), number(4, "second")};
}

}  // namespace

Napi::Value fillUniform(const Arguments& args) {
  const View out = args(0, "out").array({napi_float32_array}, "a Float32Array");
  const auto [stream, seed, low, high] = drawnFrom(args);
  auto* const values = static_cast<float*>(out.data);
  for (size_t i = 0; i < out.elements; i += 4) {
    const Block block = philox(i / 4, stream, seed);
    for (size_t j = 0; j < 4 && i + j < out.elements; j++)
      values[i + j] = static_cast<float>(low + (high - low) * ((block.word[j] >> 8) * 0x1p-24));
  }
  return args.env.Undefined();
}

Napi::Value fillGaussian(const Arguments& args) {
  const View out = args(0, "out").array({napi_float32_array}, "a Float32Array");
  const auto [stream, seed, mean, deviation] = drawnFrom(args);
  auto* const values = static_cast<float*>(out.data);
  const auto pairs = std::make_unique<Pairs>();
  for (size_t from = 0; from < out.elements; from += 2 * kPairs) {
    for (size_t i = 0; i < kPairs; i += 2) {
      const Block block = philox((from + 2 * i) / 4, stream, seed);
      for (size_t j = 0; j < 2; j++) {
        pairs->radiusWord[i + j] = block.word[2 * j];
        pairs->angleWord[i + j] = block.word[2 * j + 1];
      }
    }
    drawPairs(*pairs);
    const size_t count = std::min(2 * kPairs, out.elements - from);
    for (size_t i = 0; i < count; i++)
      values[from + i] =
          static_cast<float>(mean + deviation * (i % 2 == 0 ? pairs->cosine[i / 2] : pairs->sine[i / 2]));
  }
  return args.env.Undefined();
}

import { exp, LN2 } from "./exponentials.js";
import type { LaneBuilder } from "./lane-builder.js";
import type { IntLane, RealLane } from "./lane-program.js";

/** log(1 + f) = f + f²·Q(f) for 2/3 ≤ 1 + f ≤ 4/3; error 2^-27 of the whole. */
const LOG_SINGLE = [
  -0.5000000074332448, 0.33333271401216236, -0.24999728965424564, 0.20007322628928678, -0.16683032317530486,
  0.14054207169649954, -0.12148506366864387, 0.1375659997308157, -0.13054155949002474,
];

/** log((1 + s) / (1 − s)) = 2s + s³·R(s²) for √½ ≤ (1 + s) / (1 − s) ≤ √2; error 2^-63 of the whole. */
const LOG_DOUBLE = [
  0.6666666666666666, 0.40000000000000885, 0.28571428570798235, 0.2222222239281932, 0.1818179553197728,
  0.15386245134414167, 0.1326863789110379, 0.13087949048394196,
];

/** Bits of the least mantissa m of x = 2ᵉ·m: 2/3 where the range of the polynomial is centred on 0, else √½. */
const LEAST = { float32: 0x3f2aaaabn, float64: 0x3fe6a09e667f3bcdn };
const LEAST_NORMAL = { float32: 2 ** -126, float64: 2 ** -1022 };

interface Parts {
  readonly exponent: IntLane;
  readonly mantissa: RealLane;
}

/** x = 2ᵉ·m of a positive normal number. */
function parts(b: LaneBuilder, x: RealLane, least: bigint): Parts {
  const bits = b.bitsOf(x);
  const { fraction } = b.format;
  const exponent = b.shiftSigned(b.intSub(bits, b.int(least)), fraction);
  return { exponent, mantissa: b.fromBits(b.intSub(bits, b.shiftLeft(exponent, fraction))) };
}

/** The parts of a positive number that may be too small to be normal; the exponent as real. */
export function partsOfAny(b: LaneBuilder, x: RealLane, least = LEAST[b.list.dtype]) {
  const more = b.format.fraction + 2;
  const isTiny = b.less(x, b.real(LEAST_NORMAL[b.list.dtype]));
  const { exponent, mantissa } = parts(b, b.select(isTiny, b.mul(x, b.real(2 ** more)), x), least);
  return { exponent: b.sub(b.smallToReal(exponent), b.select(isTiny, b.real(more), b.real(0))), mantissa };
}

/** e·ln 2 + log(1 + f); the sum of its two greatest terms is exact. */
function logOf(b: LaneBuilder, exponent: RealLane, f: RealLane): RealLane {
  const { high, low } = LN2[b.list.dtype];
  const sum = b.sum(b.mul(exponent, b.real(high)), f);
  const small = b.mulAdd(exponent, b.real(low), sum.low);
  const square = b.mul(f, f);
  if (b.single) return b.add(sum.high, b.mulAdd(square, b.polynomial(f, LOG_SINGLE), small));
  const half = b.mul(square, b.real(0.5));
  const s = b.div(f, b.add(f, b.real(2)));
  const t = b.mul(s, s);
  const beyond = b.mulAdd(s, b.mulAdd(t, b.polynomial(t, LOG_DOUBLE), half), small);
  return b.add(sum.high, b.sub(beyond, half));
}

/** −∞ where x is `zero`, NaN below, x where it is ∞ or NaN. */
function withEnds(b: LaneBuilder, x: RealLane, zero: number, value: RealLane): RealLane {
  const most = b.select(b.less(x, b.real(Number.POSITIVE_INFINITY)), value, x);
  const above = b.select(b.equal(x, b.real(zero)), b.real(Number.NEGATIVE_INFINITY), most);
  return b.select(b.less(x, b.real(zero)), b.real(Number.NaN), above);
}

/** ln x. */
export function log(b: LaneBuilder, x: RealLane): RealLane {
  const { exponent, mantissa } = partsOfAny(b, x);
  return withEnds(b, x, 0, logOf(b, exponent, b.sub(mantissa, b.real(1))));
}

/** ln(1 + x) for x > −1: 1 + x, rounded, only chooses e; f = x·2⁻ᵉ + (2⁻ᵉ − 1) is rounded once. */
function log1pWithin(b: LaneBuilder, x: RealLane): RealLane {
  const one = b.real(1);
  const { exponent, mantissa } = parts(b, b.add(one, x), LEAST[b.list.dtype]);
  const power = b.powerOfTwo(b.intSub(b.int(0), exponent));
  const near = b.mulAdd(x, power, b.sub(power, one));
  const f = b.select(b.less(x, b.real(2 ** b.format.fraction)), near, b.sub(mantissa, one));
  return logOf(b, b.smallToReal(exponent), f);
}

/** ln(1 + x). */
export function log1p(b: LaneBuilder, x: RealLane): RealLane {
  return b.withSignOf(withEnds(b, x, -1, log1pWithin(b, x)), x);
}

/** ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|). */
export function softplus(b: LaneBuilder, x: RealLane): RealLane {
  const small = log1pWithin(b, exp(b, b.neg(b.abs(x))));
  return b.add(b.max(b.real(0), x), small);
}

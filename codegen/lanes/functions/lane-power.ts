import type { LaneBuilder, Pair } from "./lane-builder.js";
import type { IntLane, MaskLane, RealLane } from "./lane-program.js";
import { partsOfAny } from "./logarithms.js";

/** 2ᶻ = 1 + z·Q(z) for |z| ≤ ½; errors 2^-28 and 2^-63 of the whole. */
const EXP2 = {
  float32: [
    0.693147188037284, 0.24022651084644123, 0.05550357064585389, 0.009618030698095848, 0.001339088916603566,
    0.00015469759796571947,
  ],
  float64: [
    Math.LN2,
    0.24022650695910072,
    0.055504108664821625,
    0.009618129107628487,
    0.0013333558146406432,
    0.00015403530393354731,
    1.5252733841605103e-5,
    1.3215486823336039e-6,
    1.0178057063067134e-7,
    7.054891451672409e-9,
    4.4558222663215656e-10,
    2.573783728096662e-11,
  ],
};

/** log₂((1 + s) / (1 − s)) = s·(C + s²·(C/3 + s²·R(s²))) with C = 2 / ln 2: R, its range as that of the logarithms. */
const LOG2 = {
  float32: [0.5770779550536203, 0.41221074433442995, 0.31975722978079874, 0.28586578797766254],
  float64: [
    0.5770780163555852, 0.41219858311123125, 0.32059889794097746, 0.26230819522773, 0.22195250004053707,
    0.1923926970999864, 0.16862188769861913, 0.17143888833033366,
  ],
};

/** C and C/3, rounded, and what was left. */
const LEADING = {
  float32: {
    first: { high: 2.885390043258667, low: 3.851925982253235e-8 },
    third: { high: 0.9617967009544373, low: -7.028461650952758e-9 },
  },
  float64: {
    first: { high: 2.8853900817779268, low: 4.0710547481862066e-17 },
    third: { high: 0.9617966939259756, low: 5.0577616648125907e-17 },
  },
};

/** Exponents whose power of any base but 1 is 0 or infinite, and powers of 2 that are: nothing beyond is needed. */
const BOUNDS = {
  float32: { exponent: 2 ** 40, zero: -155, infinite: 130 },
  float64: { exponent: 2 ** 80, zero: -1080, infinite: 1030 },
};

/** a·b of two pairs, without the product of their low parts. */
function pairProduct(b: LaneBuilder, x: Pair, y: Pair): Pair {
  const { high, low } = b.product(x.high, y.high);
  return { high, low: b.mulAdd(x.high, y.low, b.mulAdd(x.low, y.high, low)) };
}

/** A constant pair and a smaller one. */
function constantPlus(
  b: LaneBuilder,
  constant: { readonly high: number; readonly low: number },
  x: Pair,
): Pair {
  const { high, low } = b.sum(b.real(constant.high), x.high);
  return { high, low: b.add(low, b.add(x.low, b.real(constant.low))) };
}

/** log₂ x of a positive number to about twice the precision of its type. */
function log2(b: LaneBuilder, x: RealLane): Pair {
  const { first, third } = LEADING[b.list.dtype];
  const { exponent, mantissa } = partsOfAny(b, x);
  const f = b.sub(mantissa, b.real(1));
  const divisor = b.sum(b.real(2), f);
  const inverse = b.div(b.real(1), divisor.high);
  const quotient = b.mul(f, inverse);
  const back = b.product(quotient, divisor.high);
  const left = b.sub(b.sub(b.sub(f, back.high), back.low), b.mul(quotient, divisor.low));
  const s: Pair = { high: quotient, low: b.mul(left, inverse) };
  const square = pairProduct(b, s, s);
  const beyond = b.mul(square.high, b.polynomial(square.high, LOG2[b.list.dtype]));
  const inner = constantPlus(b, third, { high: beyond, low: b.real(0) });
  const outer = constantPlus(b, first, pairProduct(b, square, inner));
  const fraction = pairProduct(b, s, outer);
  const whole = b.sum(exponent, fraction.high);
  return b.sum(whole.high, b.add(whole.low, fraction.low));
}

/** 2 to a pair. */
function exp2(b: LaneBuilder, { high, low }: Pair): RealLane {
  const { zero, infinite } = BOUNDS[b.list.dtype];
  const within = b.both(b.less(b.real(zero), high), b.less(high, b.real(infinite)));
  const shifted = b.add(b.min(b.real(infinite), b.max(b.real(zero), high)), b.rounder);
  const near = b.sub(b.min(b.real(infinite), b.max(b.real(zero), high)), b.sub(shifted, b.rounder));
  const z = b.add(near, b.select(within, low, b.real(0)));
  return b.scale(b.mulAdd(z, b.polynomial(z, EXP2[b.list.dtype]), b.real(1)), b.roundedInt(shifted));
}

/** Whether a number is a fraction, and the sign bit where it is an odd integer. */
function parity(b: LaneBuilder, y: RealLane): { readonly isFraction: MaskLane; readonly oddSign: IntLane } {
  const magnitude = b.abs(y);
  const unit = b.real(2 ** b.format.fraction);
  const mayBeFraction = b.less(magnitude, unit);
  const shifted = b.add(magnitude, unit);
  const isWhole = b.equal(b.sub(shifted, unit), magnitude);
  const isFraction = b.both(mayBeFraction, b.notEqual(b.sub(shifted, unit), magnitude));
  const bits = b.intSelect(mayBeFraction, b.bitsOf(shifted), b.bitsOf(magnitude));
  const countsOnes = b.both(
    b.less(magnitude, b.real(2 ** (b.format.fraction + 1))),
    b.either(isWhole, b.lessOrEqual(unit, magnitude)),
  );
  return { isFraction, oddSign: b.intSelect(countsOnes, b.shiftLeft(bits, b.format.bits - 1), b.int(0)) };
}

/** |x|^y, y not NaN. */
function powerOfMagnitude(b: LaneBuilder, magnitude: RealLane, y: RealLane): RealLane {
  const { exponent } = BOUNDS[b.list.dtype];
  const infinity = b.real(Number.POSITIVE_INFINITY);
  const { high, low } = log2(b, magnitude);
  const finite = b.select(b.less(magnitude, infinity), high, infinity);
  const logarithm = b.select(b.equal(magnitude, b.real(0)), b.neg(infinity), finite);
  const bounded = b.min(b.real(exponent), b.max(b.real(-exponent), y));
  const product = b.product(bounded, logarithm);
  const value = exp2(b, { high: product.high, low: b.mulAdd(bounded, low, product.low) });
  return b.select(b.equal(magnitude, b.real(1)), b.real(1), value);
}

/** xʸ with C's special cases: 2^(y·log₂|x|), negative where x is and y is an odd integer. */
export function pow(b: LaneBuilder, x: RealLane, y: RealLane): RealLane {
  const [one, zero, nan] = [b.real(1), b.real(0), b.real(Number.NaN)];
  const { isFraction, oddSign } = parity(b, y);
  const magnitude = powerOfMagnitude(b, b.abs(x), y);
  const value = b.fromBits(b.xor(b.bitsOf(magnitude), b.and(oddSign, b.bitsOf(x))));
  const isNegative = b.both(b.less(x, zero), b.less(b.real(Number.NEGATIVE_INFINITY), x));
  const noRoot = b.either(b.both(isNegative, isFraction), b.either(b.isNaN(x), b.isNaN(y)));
  const isOne = b.either(b.equal(y, zero), b.equal(x, one));
  return b.select(isOne, one, b.select(noRoot, nan, value));
}

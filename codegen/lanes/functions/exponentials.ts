import type { LaneBuilder } from "./lane-builder.js";
import type { IntLane, RealLane } from "./lane-program.js";

/** eʳ = 1 + r + r²·Q(r) for |r| ≤ ln 2 / 2. Minimax, as all polynomials here; errors 2^-27 and 2^-56 of the whole. */
const EXP = {
  float32: [
    0.5000000026949538, 0.16666576974056926, 0.041666375133728076, 0.008363181000507914,
    0.0013941124080079558,
  ],
  float64: [
    0.5000000000000001, 0.16666666666666674, 0.04166666666662412, 0.008333333333322207, 0.0013888888917216744,
    0.00019841269886591959, 2.4801521291813e-5, 2.7557242335915927e-6, 2.7620090197565907e-7,
    2.5110050114931215e-8,
  ],
};

/** ln 2 in two parts; a multiple of the first by an exponent is exact. */
export const LN2 = {
  float32: { high: 0.693145751953125, low: 1.4286068203094173e-6 },
  float64: { high: 0.6931471803691238, low: 1.9082149292705877e-10 },
};

/** Where eˣ is 0 or infinite for sure, and eˣ − 1 is −1. */
const BOUNDS = {
  float32: { zero: -104, infinite: 89, minusOne: -20 },
  float64: { zero: -746, infinite: 710, minusOne: -40 },
};

interface Reduced {
  /** x = n·ln 2 + r + rest, |r| ≤ ln 2 / 2; `rest` is what rounding r left. */
  readonly n: IntLane;
  readonly r: RealLane;
  readonly rest: RealLane;
  /** eʳ − 1 − r. */
  readonly beyond: RealLane;
}

function reduced(b: LaneBuilder, x: RealLane): Reduced {
  const { high, low } = LN2[b.list.dtype];
  const shifted = b.mulAdd(x, b.real(Math.LOG2E), b.rounder);
  const n = b.sub(shifted, b.rounder);
  const near = b.mulAdd(n, b.real(-high), x);
  const r = b.mulAdd(n, b.real(-low), near);
  const rest = b.mulAdd(n, b.real(-low), b.sub(near, r));
  const beyond = b.mul(b.mul(r, r), b.polynomial(r, EXP[b.list.dtype]));
  return { n: b.roundedInt(shifted), r, rest, beyond };
}

/** x, no less and no more than the bounds; NaN stays. */
const clamped = (b: LaneBuilder, x: RealLane, least: number, most: number): RealLane =>
  b.min(b.real(most), b.max(b.real(least), x));

/** eˣ. */
export function exp(b: LaneBuilder, x: RealLane): RealLane {
  const { zero, infinite } = BOUNDS[b.list.dtype];
  const { n, r, beyond } = reduced(b, clamped(b, x, zero, infinite));
  return b.scale(b.add(b.real(1), b.add(r, beyond)), n);
}

/** eˣ for x whose result is a normal number, or NaN. */
function expWithin(b: LaneBuilder, x: RealLane): RealLane {
  const { n, r, beyond } = reduced(b, x);
  return b.mul(b.add(b.real(1), b.add(r, beyond)), b.powerOfTwo(n));
}

/** eˣ − 1 = (2ⁿ − 1 + 2ⁿ·r) + 2ⁿ·(eʳ − 1 − r), the first sum exact. */
export function expm1(b: LaneBuilder, x: RealLane): RealLane {
  const { minusOne, infinite } = BOUNDS[b.list.dtype];
  const { n, r, rest, beyond } = reduced(b, clamped(b, x, minusOne, infinite));
  // 2ⁿ must be finite.
  const isGreatest = b.intEqual(n, b.int(b.format.bias + 1));
  const power = b.powerOfTwo(b.intSelect(isGreatest, b.int(b.format.bias), n));
  const scaled = b.mul(power, r);
  const powerLess = b.sub(power, b.real(1));
  const lost = b.sub(b.sub(power, powerLess), b.real(1));
  const { high, low } = b.sum(powerLess, scaled);
  const value = b.add(high, b.mulAdd(power, b.add(beyond, rest), b.add(low, lost)));
  return b.withSignOf(b.select(isGreatest, b.add(value, value), value), x);
}

/** tanh x = x + x³·P(x²) for |x| ≤ 0.625. */
const TANH = {
  float32: [
    -0.3333333318337207, 0.13333304984131344, -0.05395955044389806, 0.02177099646338982,
    -0.008350009206289612, 0.002298941885209008,
  ],
  float64: [
    -0.3333333333333333, 0.13333333333333322, -0.053968253968236804, 0.021869488535176323,
    -0.0088632355008639, 0.003592127523038473, -0.0014558285421487267, 0.0005899826795118835,
    -0.00023889294306614863, 9.60504429150944e-5, -3.709692988791661e-5, 1.2225376472296577e-5,
    -2.4454204704524654e-6,
  ],
};

/** tanh x: a polynomial near 0, else 1 − 2 / (e²ˣ + 1). */
export function tanh(b: LaneBuilder, x: RealLane): RealLane {
  const [one, magnitude] = [b.real(1), b.abs(x)];
  const square = b.mul(x, x);
  const cubic = b.mul(b.mul(magnitude, square), b.polynomial(square, TANH[b.list.dtype]));
  const bounded = b.min(b.real(20), magnitude);
  const e = expWithin(b, b.add(bounded, bounded));
  const far = b.sub(one, b.div(b.real(2), b.add(e, one)));
  return b.withSignOf(b.select(b.less(magnitude, b.real(0.625)), b.add(magnitude, cubic), far), x);
}

/** 1 / (1 + e⁻ˣ), of e^−|x| so that nothing overflows: for x < 0 it is e^−|x| / (1 + e^−|x|). */
export function sigmoid(b: LaneBuilder, x: RealLane): RealLane {
  const one = b.real(1);
  const e = exp(b, b.neg(b.abs(x)));
  return b.div(b.select(b.less(x, b.real(0)), e, one), b.add(one, e));
}

import type { RealType } from "../../ir/real.js";
import {
  type IntLane,
  LANE_FORMATS,
  type LaneChoices,
  type LaneFormat,
  type MaskLane,
  NodeList,
  type RealLane,
} from "./lane-program.js";

/** A number as the unrounded sum of two, the second at most half a unit in the last place of the first. */
export interface Pair {
  readonly high: RealLane;
  readonly low: RealLane;
}

/** Writes programs of lanes: the operations of the language, and what several functions put together from them. */
export class LaneBuilder {
  readonly format: LaneFormat;
  readonly single: boolean;

  constructor(
    readonly list: NodeList,
    readonly choices: LaneChoices,
  ) {
    this.format = LANE_FORMATS[list.dtype];
    this.single = list.dtype === "float32";
  }

  real(value: number): RealLane {
    return this.list.real(value);
  }
  int(value: bigint | number): IntLane {
    return this.list.int(BigInt(value));
  }

  add(a: RealLane, b: RealLane): RealLane {
    return this.list.operation("add", [a, b]);
  }
  sub(a: RealLane, b: RealLane): RealLane {
    return this.list.operation("sub", [a, b]);
  }
  mul(a: RealLane, b: RealLane): RealLane {
    return this.list.operation("mul", [a, b]);
  }
  div(a: RealLane, b: RealLane): RealLane {
    return this.list.operation("div", [a, b]);
  }
  neg(a: RealLane): RealLane {
    return this.list.operation("neg", [a]);
  }
  abs(a: RealLane): RealLane {
    return this.list.operation("abs", [a]);
  }
  sqrt(a: RealLane): RealLane {
    return this.list.operation("sqrt", [a]);
  }
  /** a < b ? a : b. */
  min(a: RealLane, b: RealLane): RealLane {
    return this.list.operation("min", [a, b]);
  }
  /** a > b ? a : b. */
  max(a: RealLane, b: RealLane): RealLane {
    return this.list.operation("max", [a, b]);
  }
  less(a: RealLane, b: RealLane): MaskLane {
    return this.list.operation("less", [a, b]);
  }
  lessOrEqual(a: RealLane, b: RealLane): MaskLane {
    return this.list.operation("lessOrEqual", [a, b]);
  }
  equal(a: RealLane, b: RealLane): MaskLane {
    return this.list.operation("equal", [a, b]);
  }
  notEqual(a: RealLane, b: RealLane): MaskLane {
    return this.list.operation("notEqual", [a, b]);
  }
  isNaN(a: RealLane): MaskLane {
    return this.notEqual(a, a);
  }
  both(a: MaskLane, b: MaskLane): MaskLane {
    return this.list.operation("both", [a, b]);
  }
  either(a: MaskLane, b: MaskLane): MaskLane {
    return this.list.operation("either", [a, b]);
  }
  select(mask: MaskLane, then: RealLane, otherwise: RealLane): RealLane {
    return this.list.operation("select", [mask, then, otherwise]);
  }

  bitsOf(a: RealLane): IntLane {
    return this.list.operation("bitsOf", [a]);
  }
  fromBits(a: IntLane): RealLane {
    return this.list.operation("fromBits", [a]);
  }
  fromInt(a: IntLane): RealLane {
    return this.list.operation("fromInt", [a]);
  }
  intEqual(a: IntLane, b: IntLane): MaskLane {
    return this.list.operation("intEqual", [a, b]);
  }
  intSelect(mask: MaskLane, then: IntLane, otherwise: IntLane): IntLane {
    return this.list.operation("intSelect", [mask, then, otherwise]);
  }
  intAdd(a: IntLane, b: IntLane): IntLane {
    return this.list.operation("intAdd", [a, b]);
  }
  intSub(a: IntLane, b: IntLane): IntLane {
    return this.list.operation("intSub", [a, b]);
  }
  intMul(a: IntLane, b: IntLane): IntLane {
    return this.list.operation("intMul", [a, b]);
  }
  mulHigh(a: IntLane, b: IntLane): IntLane {
    return this.list.operation("mulHigh", [a, b]);
  }
  and(a: IntLane, b: IntLane): IntLane {
    return this.list.operation("and", [a, b]);
  }
  or(a: IntLane, b: IntLane): IntLane {
    return this.list.operation("or", [a, b]);
  }
  xor(a: IntLane, b: IntLane): IntLane {
    return this.list.operation("xor", [a, b]);
  }
  shiftLeft(a: IntLane, bits: number): IntLane {
    return this.list.operation("shiftLeft", [a], bits);
  }
  shiftRight(a: IntLane, bits: number): IntLane {
    return this.list.operation("shiftRight", [a], bits);
  }
  shiftSigned(a: IntLane, bits: number): IntLane {
    return this.list.operation("shiftSigned", [a], bits);
  }

  /** a·b + c: rounded once where the target can, else twice. */
  mulAdd(a: RealLane, b: RealLane, c: RealLane): RealLane {
    return this.choices.fused ? this.list.operation("fma", [a, b, c]) : this.add(this.mul(a, b), c);
  }

  /** Σ cᵢ·xⁱ by Horner's rule, the coefficients lowest first. */
  polynomial(x: RealLane, coefficients: readonly number[]): RealLane {
    return coefficients
      .map((value) => this.real(value))
      .reduceRight((sum, coefficient) => this.mulAdd(sum, x, coefficient));
  }

  /** a + b exactly, where a is 0 or |a| ≥ |b| (Dekker's fast two-sum). */
  sum(a: RealLane, b: RealLane): Pair {
    const high = this.add(a, b);
    return { high, low: this.sub(b, this.sub(high, a)) };
  }

  /** a·b exactly, unless it over- or underflows. Without a fused multiply-add: Dekker's product, from halves by Veltkamp. */
  product(a: RealLane, b: RealLane): Pair {
    const high = this.mul(a, b);
    if (this.choices.fused) return { high, low: this.list.operation("fma", [a, b, this.neg(high)]) };
    const [x, y] = [this.halves(a), this.halves(b)];
    const above = this.sub(this.mul(x.high, y.high), high);
    const middle = this.add(this.add(above, this.mul(x.high, y.low)), this.mul(x.low, y.high));
    return { high, low: this.add(middle, this.mul(x.low, y.low)) };
  }

  private halves(a: RealLane): Pair {
    const spread = this.mul(a, this.real(2 ** Math.ceil((this.format.fraction + 1) / 2) + 1));
    const high = this.sub(spread, this.sub(spread, a));
    return { high, low: this.sub(a, high) };
  }

  /** 1.5·2^fraction: added to a small number it rounds it to an integer, which then is in the low bits. */
  get rounder(): RealLane {
    return this.real(1.5 * 2 ** this.format.fraction);
  }

  /** The integer in the low bits of a number to which `rounder` was added, as int. */
  roundedInt(shifted: RealLane): IntLane {
    return this.intSub(this.bitsOf(shifted), this.bitsOf(this.rounder));
  }

  /** An integer of fewer bits than the fraction has, as real. */
  smallToReal(a: IntLane): RealLane {
    return this.sub(this.fromBits(this.intAdd(a, this.bitsOf(this.rounder))), this.rounder);
  }

  /** 2^n for the exponents of normal numbers. */
  powerOfTwo(n: IntLane): RealLane {
    return this.fromBits(this.intAdd(this.shiftLeft(n, this.format.fraction), this.bitsOf(this.real(1))));
  }

  /** x·2^n for |n| up to twice the greatest exponent: in two steps, so that a result too small for normal numbers is rounded once. */
  scale(x: RealLane, n: IntLane): RealLane {
    const half = this.shiftSigned(n, 1);
    return this.mul(this.mul(x, this.powerOfTwo(half)), this.powerOfTwo(this.intSub(n, half)));
  }

  /** |x| with the sign of another number. */
  withSignOf(magnitude: RealLane, sign: RealLane): RealLane {
    return this.fromBits(this.or(this.bitsOf(magnitude), this.signOf(sign)));
  }

  signOf(x: RealLane): IntLane {
    return this.and(this.bitsOf(x), this.bitsOf(this.real(-0)));
  }
}

/** A function of one or two reals. */
export type LaneDefinition = (b: LaneBuilder, ...operands: readonly RealLane[]) => RealLane;

/** The program of a function in a type, with or without fused multiply-adds. */
export function laneProgram(define: (b: LaneBuilder) => RealLane, dtype: RealType, choices: LaneChoices) {
  const b = new LaneBuilder(new NodeList(dtype), choices);
  return b.list.program(define(b));
}

import type { LaneBuilder } from "./lane-builder.js";
import type { IntLane, RealLane } from "./lane-program.js";

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;
/** Of the 32 bits of a word those that make a number. */
const UNIT = 2 ** -24;

/** One block of Philox 4×32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3): its four words. Low words first. */
export function philoxBlock(
  b: LaneBuilder,
  key: readonly [IntLane, IntLane],
  counter: readonly [IntLane, IntLane, IntLane, IntLane],
): readonly IntLane[] {
  const [m0, m1] = MULTIPLIERS.map((value) => b.int(value));
  let [k0, k1] = key;
  let x: readonly IntLane[] = counter;
  for (let round = 0; round < ROUNDS; round++) {
    const [x0, x1, x2, x3] = x;
    x = [
      b.xor(b.xor(b.mulHigh(m1, x2), x1), k0),
      b.intMul(m1, x2),
      b.xor(b.xor(b.mulHigh(m0, x0), x3), k1),
      b.intMul(m0, x0),
    ];
    [k0, k1] = [b.intAdd(k0, b.int(WEYL[0])), b.intAdd(k1, b.int(WEYL[1]))];
  }
  return x;
}

/**
 * Philox with key (seed) and counter (element / 4, step, stream): uniform in [0, 1), of 24 bits.
 *
 * @param seed the low word first, as of the stream
 */
export function philox(
  b: LaneBuilder,
  seed: readonly [IntLane, IntLane],
  stream: readonly [IntLane, IntLane],
  step: IntLane,
  element: IntLane,
): RealLane {
  const x = philoxBlock(b, seed, [b.shiftRight(element, 2), step, ...stream]);
  const place = b.and(element, b.int(3));
  const word = x
    .slice(0, -1)
    .reduceRight((rest, own, number) => b.intSelect(b.intEqual(place, b.int(number)), own, rest), x[3]);
  return b.mul(b.fromInt(b.shiftRight(word, 8)), b.real(UNIT));
}

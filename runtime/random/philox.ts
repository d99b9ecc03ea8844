/**
 * Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3" (SC 2011). A draw is a pure function of (seed, stream, counter): the same values on every
 * target, in any order, on any number of threads.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_32 = 4294967296;

/** The high 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/**
 * One block: writes four random 32-bit words to `out[at … at + 3]` from a 128-bit counter (c0 lowest) and a
 * 64-bit key (k0 lowest).
 */
export function philox4x32(
  out: Uint32Array,
  at: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  let x0 = c0 >>> 0;
  let x1 = c1 >>> 0;
  let x2 = c2 >>> 0;
  let x3 = c3 >>> 0;
  let key0 = k0 >>> 0;
  let key1 = k1 >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, x0);
    const low0 = Math.imul(MULTIPLIER_0, x0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, x2);
    const low1 = Math.imul(MULTIPLIER_1, x2) >>> 0;
    x0 = (high1 ^ x1 ^ key0) >>> 0;
    x1 = low1;
    x2 = (high0 ^ x3 ^ key1) >>> 0;
    x3 = low0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  out[at] = x0;
  out[at + 1] = x1;
  out[at + 2] = x2;
  out[at + 3] = x3;
}

/** The low and high 32 bits of an integer of up to 53 bits; a negative one as two's complement. */
export function splitWords(value: number): readonly [low: number, high: number] {
  return [(value % TWO_32) >>> 0, Math.floor(value / TWO_32) >>> 0];
}

/**
 * A sequence of draws. The 32-bit word with index n of stream s under seed k is word n mod 4 of the Philox
 * block with counter (floor(n / 4), s) and key k, so a stream can start anywhere.
 */
export interface RandomStream {
  /** The next 32 random bits, as an unsigned number. */
  word(): number;
  /** The next number in [0, 1), a multiple of 2^-24 (exact in float32). One word. */
  uniform(): number;
  /** The next integer in [0, below). One word; `below` at most 2^32. */
  integer(below: number): number;
  /** The next normally distributed number, by Box and Muller's transform. Two words for two numbers. */
  gaussian(): number;
  /** Index of the next word. */
  readonly position: number;
}

/**
 * Opens stream `stream` (0 … 2^53 - 1) of `seed` (any safe integer) at word `position`.
 */
export function randomStream(seed: number, stream: number, position = 0): RandomStream {
  const [key0, key1] = splitWords(seed);
  const [stream0, stream1] = splitWords(stream);
  const block = new Uint32Array(4);
  let next = position;
  let spare: number | undefined;
  const load = (): void => {
    const [low, high] = splitWords(Math.floor(next / 4));
    philox4x32(block, 0, low, high, stream0, stream1, key0, key1);
  };
  if (next % 4 !== 0) load();
  const word = (): number => {
    if (next % 4 === 0) load();
    return block[next++ % 4];
  };
  return {
    word,
    uniform: () => (word() >>> 8) * 2 ** -24,
    integer: (below) => Math.floor((word() * below) / TWO_32),
    gaussian: () => {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      // (word + 1) / 2^32 lies in (0, 1], so that the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log((word() + 1) / TWO_32));
      const angle = (2 * Math.PI * word()) / TWO_32;
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    get position() {
      return next;
    },
  };
}

/** A random order of 0 … count - 1 (Fisher and Yates). */
export function permutation(stream: RandomStream, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = stream.integer(i + 1);
    const kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  return order;
}

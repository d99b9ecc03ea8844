/**
 * Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3" (SC 2011). A draw is a pure function of (seed, stream, counter): the same values on every
 * target, in any order, on any number of threads.
 */

const MULTIPLIER_0 = 0xd2511f53 | 0;
const MULTIPLIER_1 = 0xcd9e8d57 | 0;
const WEYL_0 = 0x9e3779b9 | 0;
const WEYL_1 = 0xbb67ae85 | 0;
const ROUNDS = 10;
const TWO_32 = 4294967296;
/** Words from which on it pays to draw several blocks. */
const LEAST_IN_VECTORS = 64;

/** The high 32 bits of the 64-bit product of two unsigned 32-bit numbers. Sums and products of halves fit in 32 bits. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
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
  let x0 = c0 | 0;
  let x1 = c1 | 0;
  let x2 = c2 | 0;
  let x3 = c3 | 0;
  let key0 = k0 | 0;
  let key1 = k1 | 0;
  // Signed, since the engine keeps those in registers; they become unsigned in `out`.
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, x0);
    const low0 = Math.imul(MULTIPLIER_0, x0);
    const high1 = multiplyHigh(MULTIPLIER_1, x2);
    const low1 = Math.imul(MULTIPLIER_1, x2);
    x0 = high1 ^ x1 ^ key0;
    x1 = low1;
    x2 = high0 ^ x3 ^ key1;
    x3 = low0;
    key0 = (key0 + WEYL_0) | 0;
    key1 = (key1 + WEYL_1) | 0;
  }
  out[at] = x0;
  out[at + 1] = x1;
  out[at + 2] = x2;
  out[at + 3] = x3;
}

/** Draws several blocks at once. */
export interface VectorBlocks {
  /** Blocks that are drawn at once at most. */
  readonly most: number;
  /**
   * Writes blocks, a multiple of four, to `out` from `at` on, from the counter on, whose lowest word does not wrap round on the way.
   */
  draw(
    out: Uint32Array,
    at: number,
    blocks: number,
    ...counterAndKey: Parameters<typeof philox4x32> extends [unknown, unknown, ...infer Rest] ? Rest : never
  ): void;
}

let vectors: VectorBlocks | undefined;

/** Who draws several blocks, from now on. */
export const useVectors = (given: VectorBlocks): void => {
  vectors = given;
};

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
  /** The next words, as many as `out` has. */
  words(out: Uint32Array): void;
  /** The next number in [0, 1), a multiple of 2^-24 (exact in float32). One word. */
  uniform(): number;
  /** The next integer in [0, below). One word; `below` at most 2^32. */
  integer(below: number): number;
  /** The next normally distributed number, by Box and Muller's transform. Two words for two numbers. */
  gaussian(): number;
  /** Index of the next word. */
  readonly position: number;
}

/** A number in [0, 1) of a word. */
export const uniformOf = (word: number): number => (word >>> 8) * 2 ** -24;

/** The radius of Box and Muller's pair. (word + 1) / 2^32 lies in (0, 1], so that the logarithm is finite. */
export const radiusOf = (word: number): number => Math.sqrt(-2 * Math.log((word + 1) / TWO_32));

/** Its angle: the pair is radius · cos(angle), radius · sin(angle). */
export const angleOf = (word: number): number => (2 * Math.PI * word) / TWO_32;

/**
 * Opens stream `stream` (0 … 2^53 - 1) of `seed` (any safe integer) at word `position`.
 */
export function randomStream(seed: number, stream: number, position = 0): RandomStream {
  const [key0, key1] = splitWords(seed);
  const [stream0, stream1] = splitWords(stream);
  const block = new Uint32Array(4);
  /** The number of the next block, in two words; the word of the current one that is next. */
  let [low, high] = splitWords(Math.floor(position / 4));
  let at = 4;
  let blocks = Math.floor(position / 4);
  let spare: number | undefined;
  const advance = (by = 1): void => {
    blocks += by;
    low = (low + by) | 0;
    if (low === 0) high = (high + 1) | 0;
  };
  const load = (): void => {
    philox4x32(block, 0, low, high, stream0, stream1, key0, key1);
    advance();
    at = 0;
  };
  if (position % 4 !== 0) {
    load();
    at = position % 4;
  }
  const word = (): number => {
    if (at === 4) load();
    return block[at++];
  };
  return {
    word,
    words(out) {
      let i = 0;
      while (at < 4 && i < out.length) out[i++] = word();
      while (vectors && out.length - i >= LEAST_IN_VECTORS) {
        const wanted = Math.min(Math.floor((out.length - i) / 4), vectors.most, TWO_32 - (low >>> 0));
        const drawn = wanted - (wanted % 4);
        if (drawn === 0) break;
        vectors.draw(out, i, drawn, low, high, stream0, stream1, key0, key1);
        advance(drawn);
        i += 4 * drawn;
      }
      for (; i + 4 <= out.length; i += 4) {
        philox4x32(out, i, low, high, stream0, stream1, key0, key1);
        advance();
      }
      while (i < out.length) out[i++] = word();
    },
    uniform: () => uniformOf(word()),
    integer: (below) => Math.floor((word() * below) / TWO_32),
    gaussian: () => {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = radiusOf(word());
      const angle = angleOf(word());
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    get position() {
      return 4 * blocks + at - 4;
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

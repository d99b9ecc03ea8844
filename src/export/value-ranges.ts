/** The least and the greatest of many numbers, or of all but the rarest. */
export interface ValueRange {
  readonly least: number;
  readonly greatest: number;
}

/** What the numbers that were looked at lie between. */
export interface RangeFinder {
  add(values: Float32Array): void;
  /** Whether all of them were finite. */
  readonly finite: boolean;
  range(): ValueRange;
}

/** Classes on each side of 0. */
const CLASSES = 4096;

/**
 * Looks for the range of numbers.
 *
 * @param percentile how many in a hundred must not lie above it, and how many not below; of 100 it is from the least number to the
 * greatest, else to within a class of 4096 on each side
 */
export function findRange(percentile = 100): RangeFinder {
  let [least, greatest, finite, total] = [0, 0, true, 0];
  /** Of a class, from −4096 · width on. */
  let counts = new Float64Array(2 * CLASSES);
  let width = 0;
  /** Makes classes so many times as wide, a power of two, that a number has one. */
  const widen = (size: number): void => {
    const wanted = 2 ** (Math.floor(Math.log2(size)) + 1) / CLASSES;
    const wider = new Float64Array(2 * CLASSES);
    for (const [i, count] of counts.entries())
      if (count > 0) wider[Math.floor(((i - CLASSES) * width) / wanted) + CLASSES] += count;
    [counts, width] = [wider, wanted];
  };
  const sort = (x: number): void => {
    if (x !== 0 && Math.abs(x) >= width * CLASSES) widen(Math.abs(x));
    counts[width === 0 ? CLASSES : Math.max(0, Math.floor(x / width) + CLASSES)]++;
  };
  /** The first class, counted from one end, at which so many numbers lie behind. */
  const classAt = (order: readonly number[]): number => {
    let behind = 0;
    return (
      order.find((at) => {
        behind += counts[at];
        return behind > (1 - percentile / 100) * total;
      }) ?? CLASSES
    );
  };
  return {
    add(values) {
      for (const x of values) {
        finite &&= Number.isFinite(x);
        least = Math.min(least, x);
        greatest = Math.max(greatest, x);
      }
      if (percentile === 100 || !finite) return;
      total += values.length;
      for (const x of values) sort(x);
    },
    get finite() {
      return finite;
    },
    range() {
      if (percentile === 100 || total === 0) return { least, greatest };
      const all = Array.from(counts.keys());
      const [low, high] = [classAt(all), classAt(all.toReversed())];
      return {
        least: Math.max(least, Math.min(0, (low - CLASSES) * width)),
        greatest: Math.min(greatest, Math.max(0, (high - CLASSES + 1) * width)),
      };
    },
  };
}

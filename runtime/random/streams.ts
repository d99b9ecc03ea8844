/** What random numbers are drawn for: each purpose has 2^32 streams of its own under one seed. */
const PURPOSES = {
  parameter: 1,
  dropout: 2,
  transform: 3,
  shuffle: 4,
  skip: 5,
  dummy: 6,
  digits: 7,
  window: 8,
} as const;

/**
 * The number of a stream for `randomStream`: the purpose in the high 21 bits, an index (of a parameter, a layer, a
 * record) in the low 32, so that nothing that draws ever repeats what something else drew.
 */
export function streamOf(purpose: keyof typeof PURPOSES, index: number): number {
  return PURPOSES[purpose] * 2 ** 32 + (index >>> 0);
}

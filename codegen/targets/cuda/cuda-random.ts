/** The text of the random numbers, for kernels that draw. */
export const UNIFORM = `/** Philox 4x32-10 with key (seed) and counter (element / 4, step, stream): uniform in [0, 1), 24 bits. */
HELPER float uniform(unsigned seed0, unsigned seed1, unsigned stream0, unsigned stream1, float step, unsigned element) {
  unsigned x0 = element >> 2, x1 = static_cast<unsigned>(static_cast<int>(step)), x2 = stream0, x3 = stream1;
  UNROLL
  for (int round = 0; round < 10; round++) {
    const unsigned high0 = __umulhi(0xd2511f53u, x0), low0 = 0xd2511f53u * x0;
    const unsigned high1 = __umulhi(0xcd9e8d57u, x2), low1 = 0xcd9e8d57u * x2;
    x0 = high1 ^ x1 ^ seed0;
    x1 = low1;
    x2 = high0 ^ x3 ^ seed1;
    x3 = low0;
    seed0 += 0x9e3779b9u;
    seed1 += 0xbb67ae85u;
  }
  const unsigned lane = element & 3u;
  const unsigned word = lane == 0u ? x0 : lane == 1u ? x1 : lane == 2u ? x2 : x3;
  return static_cast<float>(word >> 8) * 5.9604644775390625e-8f;
}`;

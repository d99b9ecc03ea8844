/** The text of the random numbers, for kernels that draw. */
export const UNIFORM = `/** High 32 bits of a 64-bit product, from 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16);
  const unsigned = middle < 0 ? middle + 4294967296 : middle;
  const carry = (Math.imul(aLow, bHigh) >>> 0) + (unsigned & 0xffff);
  return (Math.imul(aHigh, bHigh) + Math.floor(unsigned / 65536) + Math.floor(carry / 65536)) | 0;
}

/** The last block of random words, and what it was drawn for. */
const block = new Uint32Array(4);
let blockStream = -1;
let blockStep = -1;
let blockCounter = -1;
let blockSeed = -1;

/** Philox 4x32-10 with key (seed) and counter (element / 4, step, stream): uniform in [0, 1), 24 bits. */
function uniform(seed: number, stream: number, step: number, element: number): number {
  const counter = element >>> 2;
  if (counter !== blockCounter || stream !== blockStream || step !== blockStep || seed !== blockSeed) {
    let x0 = counter;
    let x1 = step | 0;
    let x2 = (stream % 4294967296) | 0;
    let x3 = Math.floor(stream / 4294967296) | 0;
    let key0 = (seed % 4294967296) | 0;
    let key1 = Math.floor(seed / 4294967296) | 0;
    for (let round = 0; round < 10; round++) {
      const high0 = multiplyHigh(0xd2511f53, x0);
      const low0 = Math.imul(0xd2511f53, x0);
      const high1 = multiplyHigh(0xcd9e8d57, x2);
      const low1 = Math.imul(0xcd9e8d57, x2);
      x0 = high1 ^ x1 ^ key0;
      x1 = low1;
      x2 = high0 ^ x3 ^ key1;
      x3 = low0;
      key0 = (key0 + 0x9e3779b9) | 0;
      key1 = (key1 + 0xbb67ae85) | 0;
    }
    block[0] = x0;
    block[1] = x1;
    block[2] = x2;
    block[3] = x3;
    blockCounter = counter;
    blockStream = stream;
    blockStep = step;
    blockSeed = seed;
  }
  return (block[element & 3] >>> 8) * 5.9604644775390625e-8;
}`;

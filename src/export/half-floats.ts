/** The greatest number of 16 bits. */
export const GREATEST_HALF = 65504;

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** The nearest number of 16 bits (IEEE 754, ties to even), as its bits; what is beyond the greatest is infinite. */
function halfOf(value: number): number {
  single[0] = value;
  const [all] = bits;
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fffffff;
  // NaN stays one, whatever bits it has.
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below the least normal number: a multiple of 2⁻²⁴, ties to even.
    const scaled = Math.abs(single[0]) * 2 ** 24;
    const low = Math.floor(scaled);
    const rest = scaled - low;
    return sign | (low + (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? 1 : 0));
  }
  // What is cut off is rounded; it may carry into the exponent.
  const rounded = magnitude + 0x0fff + ((magnitude >>> 13) & 1);
  return sign | Math.min((rounded - 0x38000000) >>> 13, 0x7c00);
}

/** Numbers as numbers of 16 bits. */
export const halfFloats = (values: Float32Array): Uint16Array => Uint16Array.from(values, halfOf);

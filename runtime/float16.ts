/** Numbers of few bits as float32 holds them: all are exact there. */

/** The parts of a binary floating-point number with a hidden first bit, from the sign down. */
export interface FloatLayout {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
}

export const FLOAT16: FloatLayout = { exponentBits: 5, mantissaBits: 10, bias: 15 };
export const BFLOAT16: FloatLayout = { exponentBits: 8, mantissaBits: 7, bias: 127 };

/** The value of a number's bits, as IEEE 754 has it: an exponent of all ones is infinity or NaN. */
export function floatOfBits(bits: number, { exponentBits, mantissaBits, bias }: FloatLayout): number {
  const unit = 2 ** mantissaBits;
  const most = 2 ** exponentBits - 1;
  const mantissa = bits % unit;
  const exponent = Math.floor(bits / unit) % (most + 1);
  const sign = bits >= unit * (most + 1) ? -1 : 1;
  if (exponent === most) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * (mantissa / unit) * 2 ** (1 - bias)
    : sign * (1 + mantissa / unit) * 2 ** (exponent - bias);
}

/** Little-endian numbers of two bytes each as float32. */
export function float32OfHalves(bytes: Uint8Array, layout: FloatLayout): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength >> 1 }, (_, i) =>
    floatOfBits(view.getUint16(2 * i, true), layout),
  );
}

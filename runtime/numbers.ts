/** Numbers as files hold them, and as float32. */

import { LITTLE_ENDIAN } from "../proto/words/text-bytes.js";

/** The parts of a binary floating-point number with a hidden first bit, from the sign down. */
export interface FloatLayout {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
}

export const FLOAT64: FloatLayout = { exponentBits: 11, mantissaBits: 52, bias: 1023 };
export const FLOAT32: FloatLayout = { exponentBits: 8, mantissaBits: 23, bias: 127 };
export const FLOAT16: FloatLayout = { exponentBits: 5, mantissaBits: 10, bias: 15 };
export const BFLOAT16: FloatLayout = { exponentBits: 8, mantissaBits: 7, bias: 127 };

/** How one kind of number lies in its bytes. */
export type NumberLayout =
  | { readonly is: "integer"; readonly bytes: 1 | 2 | 4 | 8; readonly signed: boolean }
  | { readonly is: "float"; readonly bytes: 1 | 2 | 4 | 8; readonly layout: FloatLayout };

/** The value of a number's bits, as IEEE 754 has it: an exponent of all ones is infinity or NaN. */
function floatOfBits(bits: number, { exponentBits, mantissaBits, bias }: FloatLayout): number {
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

const same = (a: FloatLayout, b: FloatLayout): boolean =>
  a.exponentBits === b.exponentBits && a.mantissaBits === b.mantissaBits && a.bias === b.bias;

/** What numbers can be read, for messages. */
export const READABLE_NUMBERS = "float16, bfloat16, float32, float64 and integers of 8 to 64 bits";

/**
 * Numbers as float32, rounded where it holds fewer digits.
 *
 * @param bytes little-endian; the result may share their memory
 * @returns undefined for a layout that is none of `READABLE_NUMBERS`
 */
export function float32Of(bytes: Uint8Array, numbers: NumberLayout): Float32Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / numbers.bytes;
  const each = (value: (at: number) => number): Float32Array => {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = value(i * numbers.bytes);
    return values;
  };
  if (numbers.is === "float") {
    const { layout } = numbers;
    if (same(layout, FLOAT32) && LITTLE_ENDIAN && bytes.byteOffset % 4 === 0)
      return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    if (same(layout, FLOAT32)) return each((at) => view.getFloat32(at, true));
    if (same(layout, FLOAT64)) return each((at) => view.getFloat64(at, true));
    if (same(layout, FLOAT16) || same(layout, BFLOAT16))
      return each((at) => floatOfBits(view.getUint16(at, true), layout));
    return undefined;
  }
  switch (numbers.bytes) {
    case 1:
      return each((at) => (numbers.signed ? view.getInt8(at) : view.getUint8(at)));
    case 2:
      return each((at) => (numbers.signed ? view.getInt16(at, true) : view.getUint16(at, true)));
    case 4:
      return each((at) => (numbers.signed ? view.getInt32(at, true) : view.getUint32(at, true)));
    case 8:
      return each((at) => Number(numbers.signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true)));
    default:
      return numbers.bytes satisfies never;
  }
}

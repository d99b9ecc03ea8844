/** Bytes as numbers and as text, by what Node and browsers both have. */

/** Whether this machine's numbers lie as those of files do, the lowest byte first. */
export const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Turns the bytes of each number round, in place, and gives them back. */
export function turnNumbers(bytes: Uint8Array, width: number): Uint8Array {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return bytes;
}

/** The bytes of numbers as files hold them: the array's own, or a copy on a machine that has them the other way round. */
export function littleEndianBytes(
  values: Float32Array | Float64Array | Uint8Array | Int8Array | Uint16Array | Int32Array | BigInt64Array,
): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return LITTLE_ENDIAN ? bytes : turnNumbers(bytes.slice(), values.BYTES_PER_ELEMENT);
}

/** The text that bytes are in UTF-8; a mark of the byte order stays, and what is no UTF-8 becomes U+FFFD. */
export const textOfBytes = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** The bytes of a text in UTF-8. */
export const bytesOfText = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A character for each byte: of the beginning of a file, some hundred. */
export const charactersOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** The order of texts by their bytes in UTF-8. */
export function compareByBytes(a: string, b: string): number {
  const [left, right] = [a, b].map(bytesOfText);
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at < 0 || at >= right.length ? left.length - right.length : left[at] - right[at];
}

/** Several pieces as one. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

import { FLOAT32, FLOAT64, type NumberLayout } from "./numbers.js";

/**
 * The library's interface tells class and size of a dataset's numbers only, so that float16 and bfloat16, or an integer
 * of 12 bits in two bytes, look alike: here the dataset's own header is read for it.
 */

/** Reads bytes of the file, from where its addresses are counted. */
type Read = (offset: number, length: number) => Uint8Array;

const DATATYPE = 0x03;
const CONTINUATION = 0x10;
const SHARED = 0x02;
const INTEGER = 0;
const FLOAT = 1;
const HIDDEN_BIT = 2;
/** No sound header of a dataset has more: what points in a circle ends here. */
const MOST_BLOCKS = 64;
const LARGEST_BLOCK = 1 << 20;

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const addressAt = (bytes: Uint8Array, offset: number): number =>
  Number(viewOf(bytes).getBigUint64(offset, true));
const isText = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((letter, i) => bytes[i] === letter.charCodeAt(0));

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/**
 * The layout of a dataset's numbers, by the address of its object header.
 *
 * @returns "other" for what is no number or one of another make, undefined where the header cannot be followed
 */
export function numberLayout(read: Read, address: number): NumberLayout | "other" | undefined {
  try {
    const message = datatypeMessage(read, address, 0);
    return message && (layoutOf(message) ?? "other");
  } catch {
    // It ends, or points outside: the library will say so.
    return undefined;
  }
}

function datatypeMessage(read: Read, address: number, depth: number): Uint8Array | undefined {
  for (const { type, flags, data } of messagesOf(read, address)) {
    if (type !== DATATYPE) continue;
    if ((flags & SHARED) === 0) return data;
    // A named datatype: an object of its own. Its address follows the version and the kind of sharing.
    return depth === 0 ? datatypeMessage(read, addressAt(data, data[0] === 1 ? 8 : 2), 1) : undefined;
  }
  return undefined;
}

/** The messages of an object header of either version, through its continuations. */
function messagesOf(read: Read, address: number): readonly Message[] {
  const head = read(address, 40);
  const isNew = isText(head, "OHDR");
  const flags = isNew ? head[5] : 0;
  const blocks: { at: number; length: number }[] = [];
  if (isNew) {
    const sizeAt = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const width = 1 << (flags & 3);
    let length = 0;
    for (let i = width - 1; i >= 0; i--) length = length * 256 + head[sizeAt + i];
    blocks.push({ at: address + sizeAt + width, length });
  } else {
    if (head[0] !== 1) return [];
    blocks.push({ at: address + 16, length: viewOf(head).getUint32(8, true) });
  }
  const messages: Message[] = [];
  for (let i = 0; i < blocks.length && i < MOST_BLOCKS; i++) {
    const { at, length } = blocks[i];
    if (length > LARGEST_BLOCK) return messages;
    for (const message of messagesIn(read(at, length), isNew, (flags & 0x04) !== 0)) {
      messages.push(message);
      if (message.type !== CONTINUATION) continue;
      const next = { at: addressAt(message.data, 0), length: addressAt(message.data, 8) };
      // In a new header a continuation begins with its name and ends with a checksum.
      blocks.push(isNew ? { at: next.at + 4, length: next.length - 8 } : next);
    }
  }
  return messages;
}

function messagesIn(block: Uint8Array, isNew: boolean, isOrdered: boolean): readonly Message[] {
  const headLength = isNew ? (isOrdered ? 6 : 4) : 8;
  const view = viewOf(block);
  const messages: Message[] = [];
  for (let at = 0; at + headLength <= block.length; ) {
    const size = view.getUint16(at + (isNew ? 1 : 2), true);
    messages.push({
      type: isNew ? block[at] : view.getUint16(at, true),
      flags: block[at + (isNew ? 3 : 4)],
      data: block.subarray(at + headLength, at + headLength + size),
    });
    at += headLength + size;
  }
  return messages;
}

function layoutOf(message: Uint8Array): NumberLayout | undefined {
  const view = viewOf(message);
  const kind = message[0] & 0x0f;
  const [low, middle] = [message[1], message[2]];
  const bytes = view.getUint32(4, true);
  if (bytes !== 1 && bytes !== 2 && bytes !== 4 && bytes !== 8) return undefined;
  const fills = view.getUint16(8, true) === 0 && view.getUint16(10, true) === 8 * bytes;
  if (!fills) return undefined;
  if (kind === INTEGER) return { is: "integer", bytes, signed: (low & 0x08) !== 0 };
  if (kind !== FLOAT) return undefined;
  const [exponentAt, exponentBits, mantissaAt, mantissaBits] = message.subarray(12, 16);
  const isPlain =
    ((low >> 4) & 3) === HIDDEN_BIT &&
    mantissaAt === 0 &&
    exponentAt === mantissaBits &&
    middle === exponentAt + exponentBits &&
    middle === 8 * bytes - 1;
  const layout = { exponentBits, mantissaBits, bias: view.getUint32(16, true) };
  return isPlain ? { is: "float", bytes, layout } : undefined;
}

/** The layout that numbers of a class and size usually have; undefined where more than one is usual. */
export function usualLayout(type: number, bytes: number, signed: boolean): NumberLayout | undefined {
  if (type === INTEGER && (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8))
    return { is: "integer", bytes, signed };
  if (type === FLOAT && (bytes === 4 || bytes === 8))
    return { is: "float", bytes, layout: bytes === 4 ? FLOAT32 : FLOAT64 };
  return undefined;
}

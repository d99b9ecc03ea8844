import type { FileHandle } from "node:fs/promises";
import { openAddon } from "../native/addon.js";

/** Bytes in memory that is given back to the system when they are released, not when it is collected. */
export interface HeldBytes {
  readonly bytes: Uint8Array;
  /** Nothing may look at the bytes any longer: arrays over them are empty. */
  release(): void;
}

/** A buffer that can become shorter; what lay behind its new end goes back at once. The library that types know has none yet. */
type Shrinkable = ArrayBuffer & { resize(bytes: number): void };
const ShrinkableBuffer = ArrayBuffer as unknown as new (
  bytes: number,
  options: { readonly maxByteLength: number },
) => Shrinkable;

/** From here on it is worth asking the system for large pages: memory that is new then costs a third. */
const LARGE = 2 ** 22;

/** Read at once, so that no read is larger than systems allow. */
const PIECE = 2 ** 28;

/**
 * The first `size` bytes of a file, or all where it has fewer. A collector knows a large array by a few bytes, and may
 * leave it for minutes after its last use, while what comes next takes memory beside it.
 */
export async function readHeldBytes(file: FileHandle, size: number): Promise<HeldBytes> {
  const buffer = new ShrinkableBuffer(size, { maxByteLength: size });
  const bytes = new Uint8Array(buffer, 0, size);
  if (size >= LARGE) openAddon().addon?.hugePages(bytes);
  let end = 0;
  while (end < size) {
    const { bytesRead } = await file.read(bytes, end, Math.min(PIECE, size - end), end);
    if (bytesRead === 0) break;
    end += bytesRead;
  }
  return { bytes: bytes.subarray(0, end), release: () => buffer.resize(0) };
}

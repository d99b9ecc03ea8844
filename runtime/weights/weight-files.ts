/** Weights in files: read, held and written. */

import { type FileHandle, open, readFile } from "node:fs/promises";
import { fileError } from "../../proto/errors/index.js";
import { writeFileAtomically } from "../atomic-file.js";
import { type HeldBytes, readHeldBytes } from "../held-bytes.js";
import { HEAD_BYTES, markedFormat } from "./weight-formats.js";
import type { WeightSet } from "./weight-set.js";

/** Reads the bytes of a file, which nobody else reads where they are owned. */
type Decode = (bytes: Uint8Array, what: string, owned: boolean) => Promise<WeightSet>;

/**
 * The weights of a file, read by a format's own library where that reads files.
 *
 * @param hold reads a file, in whose bytes the values stay
 */
export async function readWeightFileOf(
  path: string,
  what: string,
  decode: Decode,
  hold?: (file: FileHandle, size: number) => Promise<Uint8Array>,
): Promise<WeightSet> {
  let bytes: Uint8Array | undefined;
  let readInPlace: ((path: string, what: string) => Promise<WeightSet>) | undefined;
  try {
    const file = await open(path, "r");
    try {
      const head = new Uint8Array(HEAD_BYTES);
      const about = await file.stat();
      if (about.isFile()) {
        const { bytesRead } = await file.read(head, 0, head.length, 0);
        readInPlace = markedFormat(head.subarray(0, bytesRead))?.read;
        // Some files say that they are empty and are not.
        if (!readInPlace)
          bytes = hold && about.size > 0 ? await hold(file, about.size) : await readFile(path);
      } else bytes = await readFile(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(`cannot read the weights ${what}`, error);
  }
  return readInPlace ? readInPlace(path, what) : decode(bytes ?? new Uint8Array(), what, true);
}

/** Hands on the set that a file is, which is there until `use` has resolved: its memory is then given back. */
export async function holdWeightFile<T>(
  path: string,
  what: string,
  decode: Decode,
  use: (weights: WeightSet) => Promise<T>,
): Promise<T> {
  let held: HeldBytes | undefined;
  const hold = async (file: FileHandle, size: number): Promise<Uint8Array> => {
    held = await readHeldBytes(file, size);
    return held.bytes;
  };
  try {
    return await use(await readWeightFileOf(path, what, decode, hold));
  } finally {
    held?.release();
  }
}

/** Writes a file whole or not at all. @throws CortadoError when it cannot be written */
export async function writeWholeFile(
  path: string,
  what: string,
  pieces: readonly Uint8Array[],
): Promise<void> {
  try {
    await writeFileAtomically(path, pieces);
  } catch (error) {
    throw fileError(`cannot write the weights ${what}`, error);
  }
}

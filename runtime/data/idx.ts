import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { constants, gunzip } from "node:zlib";
import { type CortadoError, userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quotedPath, visible } from "../../proto/words/names.js";
import { openBlockFile } from "./blockfile.js";
import type { RecordCursor } from "./records.js";
import { openFile, readWhole } from "./whole-file.js";

const inflate = promisify(gunzip);
const UNSIGNED_BYTE = 0x08;
/** Deflate cannot do better than 1032 : 1, so a header that promises more lies. */
const DEFLATE_LIMIT = 1032;
/** A gzipped file is unpacked in memory, as a whole. */
const MOST_UNPACKED = 2 ** 31 - 1;

/** An idx file: `shape`, and its bytes by position. */
interface IdxFile {
  readonly path: string;
  readonly shape: readonly number[];
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** True for a file of MNIST's idx format, plain or gzipped. */
export async function isIdx(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  const head = await headOf(path);
  return isGzip(head) ? /idx|ubyte/.test(basename(path)) : isIdxHead(head);
}

/**
 * Opens MNIST-like data: a file of images (N × height × width, or N × channels × height × width, bytes) and the
 * file of labels that lies beside it under the same name with `images` for `labels` and `idx3` for `idx1`;
 * each may be gzipped. A file that is not gzipped is read by position.
 *
 * @throws CortadoError when a file is missing, cut short, or the counts differ
 */
export async function openIdx(path: string): Promise<RecordCursor> {
  const images = await openIdxFile(path);
  try {
    if (images.shape.length !== 3 && images.shape.length !== 4) {
      throw userError(
        `${quotedPath(path)} has ${images.shape.length} axes; images have 3 (count, height, width) or 4`,
        images.shape.length === 1 ? "this looks like the file of labels: name the file of images" : undefined,
      );
    }
    const labels = await readLabels(path, images.shape[0]);
    return cursorOver(images, labels);
  } catch (error) {
    await images.close();
    throw error;
  }
}

function cursorOver(images: IdxFile, labels: Uint8Array): RecordCursor {
  const [count = 0, ...rest] = images.shape;
  const [channels, height, width] = rest.length === 3 ? rest : [1, ...rest];
  const size = channels * height * width;
  let at = 0;
  return {
    name: images.path,
    count,
    async next() {
      if (at >= count) return undefined;
      const index = at++;
      const data = (await images.read(index * size, size)).slice();
      return { channels: channels, height: height, width: width, label: labels[index], data };
    },
    skip: async () => at++ < count,
    async rewind() {
      at = 0;
    },
    close: images.close,
  };
}

async function readLabels(imagesPath: string, count: number): Promise<Uint8Array> {
  const plain = basename(imagesPath).replace(/\.gz$/, "");
  const name = plain.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1");
  const tried = [name, `${name}.gz`].map((file) => join(dirname(imagesPath), file));
  for (const path of tried) {
    if (name === plain || !(await exists(path))) continue;
    const labels = await openIdxFile(path);
    try {
      if (labels.shape.length !== 1 || labels.shape[0] !== count) {
        throw userError(`${quotedPath(path)} has ${showShape(labels.shape)} labels for ${count} images`);
      }
      return (await labels.read(0, count)).slice();
    } finally {
      await labels.close();
    }
  }
  throw userError(
    `no labels beside ${quotedPath(imagesPath)}`,
    name === plain
      ? "call the images …-images-idx3-ubyte and the labels …-labels-idx1-ubyte"
      : `looked for ${tried.map(quotedPath).join(" and ")}`,
  );
}

async function openIdxFile(path: string): Promise<IdxFile> {
  return isGzip(await headOf(path)) ? openZipped(path) : openPlain(path);
}

async function openPlain(path: string): Promise<IdxFile> {
  const file = await openBlockFile(path);
  try {
    const { shape, header, size } = parseHeader(path, await file.read(0, Math.min(64, file.size)));
    if (header + size !== file.size) throw sizeDiffers(path, shape, header + size, file.size);
    return { path, shape, read: (offset, length) => file.read(header + offset, length), close: file.close };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openZipped(path: string): Promise<IdxFile> {
  const zipped = await readWhole(path, quotedPath(path), MOST_UNPACKED);
  try {
    const start = await inflate(zipped.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
    if (start.length === 0)
      throw userError(`${quotedPath(path)} is cut short: nothing in it can be unpacked`);
    const { shape, header, size } = parseHeader(path, start);
    if (header + size > zipped.length * DEFLATE_LIMIT + 4096) {
      throw userError(`${quotedPath(path)} is cut short: ${showShape(shape)} bytes are declared`);
    }
    if (header + size > MOST_UNPACKED) {
      throw userError(
        `${quotedPath(path)} is too large to unpack in memory: ${showShape(shape)} bytes`,
        "unpack it with gunzip",
      );
    }
    // One byte more than is declared, so that a longer file shows.
    const unpacked = await inflate(zipped, { maxOutputLength: header + size + 1 });
    // A Buffer's slice would share its memory; that of a Uint8Array is a copy.
    const bytes = new Uint8Array(unpacked.buffer, unpacked.byteOffset, unpacked.length);
    if (bytes.length !== header + size) throw sizeDiffers(path, shape, header + size, bytes.length);
    return {
      path,
      shape,
      read: async (offset, length) => bytes.subarray(header + offset, header + offset + length),
      close: async () => {},
    };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === "ERR_BUFFER_TOO_LARGE")
      throw userError(`${quotedPath(path)} holds more than its header declares`);
    throw userError(`cannot unpack ${quotedPath(path)}: ${visible(message)}`);
  }
}

function sizeDiffers(path: string, shape: readonly number[], wanted: number, found: number): CortadoError {
  const values = `${showShape(shape)} values`;
  return found < wanted
    ? userError(
        `${quotedPath(path)} is cut short: its header declares ${values}, and ${wanted - found} bytes are missing`,
      )
    : userError(`${quotedPath(path)} holds more than its header declares, which is ${values}`);
}

/** Two zero bytes, the type of the values, the number of axes, then the extents, big-endian. */
function parseHeader(
  path: string,
  bytes: Uint8Array,
): { shape: readonly number[]; header: number; size: number } {
  if (!isIdxHead(bytes))
    throw userError(
      `${quotedPath(path)} is not an idx file of bytes: it begins with ${hex(bytes.subarray(0, 4))}`,
    );
  const axes = bytes[3];
  const header = 4 + 4 * axes;
  if (bytes.length < header)
    throw userError(`${quotedPath(path)} is cut short: its header takes ${header} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (!Number.isSafeInteger(size) || shape.slice(1).includes(0)) {
    throw userError(`${quotedPath(path)} declares ${showShape(shape)} values`);
  }
  return { shape, header, size };
}

function isIdxHead(head: Uint8Array): boolean {
  return (
    head.length >= 4 &&
    head[0] === 0 &&
    head[1] === 0 &&
    head[2] === UNSIGNED_BYTE &&
    head[3] > 0 &&
    head[3] < 8
  );
}

function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ") || "nothing";
}

async function headOf(path: string): Promise<Uint8Array> {
  const { handle } = await openFile(path, quotedPath(path));
  try {
    const head = new Uint8Array(4);
    const { bytesRead } = await handle.read(head, 0, 4, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

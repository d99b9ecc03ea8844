import { open } from "node:fs/promises";
import type { Metadata } from "h5wasm/node";
import { fileError, userError } from "../proto/errors/index.js";
import { quoted, quotedPath } from "../proto/words/names.js";
import { type FileKind, kindOfFile, looksLikeHdf5 } from "./file-kind.js";
import { numberLayout, usualLayout } from "./hdf5-datatype.js";
import { Hdf5Failure, type Hdf5Session, openSession } from "./hdf5-library.js";
import { float32Of, READABLE_NUMBERS } from "./numbers.js";

/** One dataset of an HDF5 file. `read` converts whatever number type it has to float32. */
export interface Hdf5Dataset {
  /** From the root, without a leading slash: `data/conv1/0`. */
  readonly path: string;
  /** @throws CortadoError where the path leads into another file */
  readonly shape: readonly number[];
  read(): Float32Array;
  /** The value of a dataset that holds one string or one number, exactly; undefined for any other. */
  single(): string | number | undefined;
}

/** An HDF5 file's datasets, open for reading. After a read that failed for damage nothing of it can be read any more. */
export interface Hdf5File {
  readonly datasets: readonly Hdf5Dataset[];
  close(): void;
}

/** What a file of values is to hold: float32, int32, or a string (of fixed length, as Caffe writes them). */
export interface Hdf5Entry {
  readonly path: string;
  /** Of a string: []. */
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | string;
}

/** Deeper groups than this are not walked: a file may link a group into itself. */
export const DEEPEST_GROUP = 64;
/** The library walks every path from the root, and looks at each of its beginnings: this is counted, in steps. */
const MOST_STEPS = 1_000_000;
const HEAD_BYTES = 512;
/** The filters that are part of HDF5 itself, as they are numbered. */
const BUILT_IN_FILTERS: readonly number[] = [1, 2, 3, 4, 5, 6];
/** What the classes of types are to people, as they are numbered. */
const CLASSES: readonly string[] = [
  "integers",
  "floating-point numbers",
  "times",
  "strings",
  "bit fields",
  "opaque bytes",
  "compounds",
  "references",
  "an enumeration (as h5py writes booleans)",
  "lists of varying length",
  "arrays",
];
const STRING = 3;

/**
 * How much may be read from a file: what its bytes can hold at the greatest ratio of deflate (1032), and something for
 * datasets of one repeated value, which take no room. A damaged shape asks for more.
 */
const mostBytes = (fileSize: number): number => 64 * 2 ** 20 + 1100 * fileSize;

/**
 * Opens an HDF5 file for reading. Nothing outside of this one file is read, and nothing stays open after a failure.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when there is no such file or it is damaged or something else
 */
export async function openHdf5(path: string, what: string): Promise<Hdf5File> {
  const { size, base } = await lookAt(path, what);
  const told = (error: unknown, which: string): unknown => {
    if (!(error instanceof Hdf5Failure)) return error;
    const { elsewhere } = error;
    return elsewhere === undefined
      ? userError(
          `cannot read ${which}: damaged, or of a kind of HDF5 that cannot be read (${error.message})`,
        )
      : elsewhereError(which, elsewhere);
  };
  const guarded = <T>(which: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw told(error, which);
    }
  };
  let session: Hdf5Session;
  try {
    session = await openSession(path, "r");
  } catch (error) {
    throw told(error, what);
  }
  const close = (): void => {
    try {
      session.close();
    } catch {
      // Whatever was read is whole.
    }
  };
  const reading: Reading = { session, base, left: mostBytes(size) };
  const datasets: Hdf5Dataset[] = [];
  let steps = 0;
  const { library, id } = session;
  const walk = (group: string, depth: number): void => {
    for (const key of session.run(() => library.get_names(id, group === "" ? "/" : group, false))) {
      steps += (depth + 1) ** 2;
      if (steps > MOST_STEPS)
        throw userError(`${what} has too many groups and datasets, or groups that link in a circle`);
      const at = group === "" ? key : `${group}/${key}`;
      const which = `${what}: dataset ${quoted(at)}`;
      const { kind, elsewhere } = session.kindOf(at);
      if (kind === library.H5G_DATASET) {
        const about = session.run(() => library.get_dataset_metadata(id, at));
        datasets.push({
          path: at,
          shape: about.shape ?? [0],
          read: () => guarded(which, () => numbersOf(reading, at, about, which)),
          single: () => guarded(which, () => singleOf(reading, at, about, which)),
        });
      } else if (elsewhere !== undefined) datasets.push(linkOut(at, which, elsewhere));
      else if (kind === library.H5G_GROUP && depth < DEEPEST_GROUP) walk(at, depth + 1);
    }
  };
  try {
    guarded(what, () => walk("", 0));
  } catch (error) {
    close();
    throw error;
  }
  return { datasets, close };
}

const elsewhereError = (which: string, file: string): Error =>
  userError(
    `${which} leads into another file, ${quotedPath(file)}: only the file itself is read`,
    "copy what it refers to into it (h5repack, or h5py)",
  );

/** A link into another file stands for a dataset that cannot be had: it matters only where it is asked for. */
function linkOut(path: string, which: string, elsewhere: string): Hdf5Dataset {
  const refuse = (): never => {
    throw elsewhereError(which, elsewhere);
  };
  return {
    path,
    get shape() {
      return refuse();
    },
    read: refuse,
    single: refuse,
  };
}

/** The size of a file, and where HDF5 begins in it: a block of the user's own may stand before. */
async function lookAt(path: string, what: string): Promise<{ size: number; base: number }> {
  let kind: FileKind | undefined;
  try {
    const file = await open(path, "r");
    try {
      const found = await file.stat();
      if (found.isDirectory()) throw userError(`cannot read ${what}: it is a folder`);
      const head = new Uint8Array(HEAD_BYTES);
      for (let base = 0; base < Math.max(1, found.size); base = base === 0 ? 512 : 2 * base) {
        const { bytesRead } = await file.read(head, 0, head.length, base);
        const bytes = head.subarray(0, bytesRead);
        if (looksLikeHdf5(bytes)) return { size: found.size, base };
        if (base === 0) kind = kindOfFile(bytes);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && error.name === "CortadoError") throw error;
    throw fileError(`cannot read ${what}`, error);
  }
  throw userError(`cannot read ${what}: it is ${kind ? `${kind.words}, ` : ""}not an HDF5 file`);
}

/** A file that is being read. */
interface Reading {
  readonly session: Hdf5Session;
  /** Where its addresses are counted from. */
  readonly base: number;
  /** Bytes that it may still give. */
  left: number;
}

/** The bytes of a dataset, little-endian. */
function bytesOf(reading: Reading, at: string, about: Metadata, which: string): Uint8Array {
  const { session } = reading;
  const { library, id, run } = session;
  const [source] = about.virtual_sources ?? [];
  if (about.virtual_sources)
    throw userError(
      `${which} is virtual: its values lie in ${source ? `other datasets, of ${quotedPath(source.file_name)}` : "other datasets"}`,
      "copy the values into it (h5repack, or h5py)",
    );
  const filter = run(() => library.get_dataset_filters(id, at)).find(
    ({ id: number }) => !BUILT_IN_FILTERS.includes(number),
  );
  if (filter)
    throw userError(
      `${which} is compressed by ${quoted(filter.name)} (filter ${filter.id}), which is not part of HDF5`,
      "compress it with gzip, or not at all (h5repack, or h5py)",
    );
  const length = about.size * about.total_size;
  if (!(length <= reading.left)) throw userError(`${which} is larger than the file can hold: it is damaged`);
  reading.left -= length;
  return run(() => {
    const place = library._malloc(Math.max(1, length));
    if (place === 0) throw new Hdf5Failure("it does not fit into memory");
    const status = library.get_dataset_data(id, at, null, null, null, BigInt(place));
    const bytes = library.HEAPU8.slice(place, place + length);
    library._free(place);
    if (status < 0) throw new Hdf5Failure("its values cannot be read");
    return bytes;
  });
}

function numbersOf(reading: Reading, at: string, about: Metadata, which: string): Float32Array {
  const { session, base } = reading;
  const { library, id, run } = session;
  if (about.shape === null) throw userError(`${which} holds no values`);
  const reference = run(() => library.create_object_reference(id, at));
  const address = Number(Buffer.from(reference).readBigUInt64LE());
  const numbers =
    (about.type === 0 || about.type === 1
      ? numberLayout((offset, length) => session.readAt(base + offset, length), address)
      : "other") ?? usualLayout(about.type, about.size, about.signed);
  const values =
    numbers === undefined || numbers === "other"
      ? undefined
      : float32Of(bytesOf(reading, at, about, which), numbers);
  if (values) return values;
  const held = about.type > 1 ? CLASSES[about.type] : undefined;
  throw userError(
    held === undefined
      ? `${which} holds numbers of ${8 * about.size} bits in a layout that cannot be read`
      : `${which} does not hold numbers, but ${held}`,
    `${READABLE_NUMBERS} are read`,
  );
}

function singleOf(reading: Reading, at: string, about: Metadata, which: string): string | number | undefined {
  if (about.total_size !== 1) return undefined;
  const { library, run } = reading.session;
  const bytes = bytesOf(reading, at, about, which);
  if (about.type === STRING) {
    if (!about.vlen) return Buffer.from(bytes).toString("utf8").split("\0")[0];
    return run(() => library.UTF8ToString(Buffer.from(bytes).readUInt32LE()));
  }
  const numbers = usualLayout(about.type, about.size, about.signed);
  if (!numbers) return undefined;
  if (numbers.is === "float") return float32Of(bytes, numbers)?.[0];
  return numbers.bytes === 8
    ? Number(Buffer.from(bytes)[numbers.signed ? "readBigInt64LE" : "readBigUInt64LE"]())
    : Buffer.from(bytes)[numbers.signed ? "readIntLE" : "readUIntLE"](0, numbers.bytes);
}

/**
 * Writes datasets into a new file at `path`, with the groups that their paths need.
 *
 * @throws Error with the library's reason: a path that it cannot hold, a full disk
 */
export async function writeHdf5(path: string, entries: readonly Hdf5Entry[]): Promise<void> {
  const session = await openSession(path, "w");
  const { library, id, run } = session;
  try {
    const groups = new Set<string>();
    for (const { path: at, shape, data } of entries) {
      const parts = at.split("/");
      for (let depth = 1; depth < parts.length; depth++) {
        const group = parts.slice(0, depth).join("/");
        if (!groups.has(group)) run(() => library.create_group(id, `/${group}`, false));
        groups.add(group);
      }
      run(() => createDataset(session, `/${at}`, shape, data));
    }
  } finally {
    session.close();
  }
}

function createDataset(
  { library, id }: Hdf5Session,
  at: string,
  shape: readonly number[],
  data: Hdf5Entry["data"],
): void {
  const bytes =
    typeof data === "string"
      ? Buffer.from(`${data}\0`, "utf8")
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const place = library._malloc(Math.max(1, bytes.length));
  if (place === 0) throw new Hdf5Failure("it does not fit into memory");
  library.HEAPU8.set(bytes, place);
  const isText = typeof data === "string";
  const about = {
    type: isText ? STRING : data instanceof Int32Array ? 0 : 1,
    size: isText ? bytes.length : data.BYTES_PER_ELEMENT,
    signed: !isText,
    littleEndian: true,
    vlen: false,
    cset: isText ? 1 : -1,
    shape: shape.map(BigInt),
    maxshape: shape.map(BigInt),
    total_size: 0,
    chunks: null,
    compression: 0,
    compression_opts: [],
    track_order: false,
  };
  const status = library.create_dataset(id, at, BigInt(place), about);
  library._free(place);
  if (status < 0) throw new Hdf5Failure("it cannot be written");
}

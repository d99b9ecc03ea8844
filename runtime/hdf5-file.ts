import { open } from "node:fs/promises";
import { CortadoError, fileError, userError } from "../proto/errors/index.js";
import { showShape } from "../proto/words/amounts.js";
import { quoted } from "../proto/words/names.js";
import { messageOf } from "../proto/words/trouble.js";

/** One dataset of an HDF5 file. `read` converts whatever number type it has to float32. */
export interface Hdf5Dataset {
  /** From the root, without a leading slash: `data/conv1/0`. */
  readonly path: string;
  readonly shape: readonly number[];
  read(): Float32Array;
  /** The value of a dataset that holds one string or one number, exactly; undefined for any other. */
  single(): string | number | undefined;
}

/** An HDF5 file's datasets, open for reading. */
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

/**
 * How much may be read from a file: what its bytes can hold at the greatest ratio of deflate (1032), and something for
 * datasets of one repeated value, which take no room. A damaged shape asks for more.
 */
const mostBytes = (fileSize: number): number => 64 * 2 ** 20 + 1100 * fileSize;

/** Loaded on first use: it takes some 0.1 s, and most nets never see HDF5. */
async function library() {
  const { default: h5wasm } = await import("h5wasm/node");
  const module = await h5wasm.ready;
  // Without this the library writes its own traces to the terminal.
  module.activate_throwing_error_handler();
  return { h5: h5wasm, system: (module as unknown as { readonly FS: FileSystem }).FS };
}

/** What is used of the library's view of the file system. */
interface FileSystem {
  readonly streams: readonly ({ readonly path: string } | null | undefined)[];
  close(stream: { readonly path: string }): void;
}

/** The library collects the text of an error in a temporary file and, throwing, leaves it open. */
function closeErrorTexts(system: FileSystem): void {
  for (const stream of system.streams)
    if (stream && /^\/tmp\/tmpfile_[^/]*$/.test(stream.path)) system.close(stream);
}

/**
 * Opens an HDF5 file for reading.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when there is no such file or it is damaged or something else
 */
export async function openHdf5(path: string, what: string): Promise<Hdf5File> {
  const size = await sizeOfFile(path, what);
  const { h5, system } = await library();
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      closeErrorTexts(system);
      if (error instanceof CortadoError) throw error;
      throw userError(`cannot read ${what}: damaged, or not an HDF5 file (${reasonOf(error)})`);
    }
  };
  let left = mostBytes(size);
  const readWithin = (dataset: InstanceType<typeof h5.Dataset>, which: string): unknown => {
    const { size: width, total_size: count } = dataset.metadata;
    left -= width * count;
    if (!(left >= 0)) throw userError(`${which} is larger than the file can hold: it is damaged`);
    return dataset.value;
  };
  const file = guarded(() => new h5.File(path, "r"));
  // A close that fails has nothing to tell: whatever was read is whole.
  const close = (): void => {
    try {
      file.close();
    } catch {
      closeErrorTexts(system);
    }
  };
  const datasets: Hdf5Dataset[] = [];
  let steps = 0;
  const walk = (group: InstanceType<typeof h5.Group>, prefix: string, depth: number): void => {
    for (const key of group.keys()) {
      steps += (depth + 1) ** 2;
      if (steps > MOST_STEPS)
        throw userError(`${what} has too many groups and datasets, or groups that link in a circle`);
      const entity = group.get(key);
      const at = prefix === "" ? key : `${prefix}/${key}`;
      if (entity instanceof h5.Dataset) {
        const shape = entity.shape ?? [];
        const which = `${what}: dataset ${quoted(at)}`;
        datasets.push({
          path: at,
          shape,
          read: () => guarded(() => toFloat32(readWithin(entity, which), shape, which)),
          single: () => guarded(() => toSingle(readWithin(entity, which))),
        });
      } else if (entity instanceof h5.Group && depth < DEEPEST_GROUP) walk(entity, at, depth + 1);
    }
  };
  try {
    guarded(() => walk(file, "", 0));
  } catch (error) {
    close();
    throw error;
  }
  return { datasets, close };
}

async function sizeOfFile(path: string, what: string): Promise<number> {
  try {
    const file = await open(path, "r");
    try {
      const found = await file.stat();
      if (!found.isDirectory()) return found.size;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(`cannot read ${what}`, error);
  }
  throw userError(`cannot read ${what}: it is a folder`);
}

/**
 * Writes datasets into a new file at `path`, with the groups that their paths need.
 *
 * @throws Error with the library's reason: a path that it cannot hold, a full disk
 */
export async function writeHdf5(path: string, entries: readonly Hdf5Entry[]): Promise<void> {
  const { h5, system } = await library();
  let file: InstanceType<typeof h5.File> | undefined;
  try {
    file = new h5.File(path, "w");
    const groups = new Set<string>();
    for (const { path: at, shape, data } of entries) {
      const parts = at.split("/");
      for (let depth = 1; depth < parts.length; depth++) {
        const group = parts.slice(0, depth).join("/");
        if (!groups.has(group)) file.create_group(group);
        groups.add(group);
      }
      if (typeof data === "string") {
        const length = Buffer.byteLength(data, "utf8") + 1;
        file.create_dataset({ name: at, data, shape: [], dtype: `S${length}` });
      } else {
        const dtype = data instanceof Int32Array ? "<i" : "<f";
        file.create_dataset({ name: at, data, shape: [...shape], dtype });
      }
    }
  } catch (error) {
    closeErrorTexts(system);
    throw new Error(reasonOf(error));
  } finally {
    file?.close();
  }
}

function toFloat32(value: unknown, shape: readonly number[], which: string): Float32Array {
  const values: unknown = typeof value === "number" || typeof value === "bigint" ? [value] : value;
  if (!isNumbers(values)) throw userError(`${which} does not hold numbers`);
  if (values.length !== shape.reduce((product, extent) => product * extent, 1))
    throw userError(`${which} has ${values.length} values for its shape ${showShape(shape)}`);
  return values instanceof Float32Array ? values : Float32Array.from(values, Number);
}

function isNumbers(values: unknown): values is ArrayLike<number | bigint> {
  if (ArrayBuffer.isView(values)) return !(values instanceof DataView);
  return (
    Array.isArray(values) && values.every((item) => typeof item === "number" || typeof item === "bigint")
  );
}

function toSingle(value: unknown): string | number | undefined {
  const single = ArrayBuffer.isView(value) ? (value as Float64Array | BigInt64Array) : undefined;
  const only: unknown = single?.length === 1 ? single[0] : value;
  if (typeof only === "string") return only;
  return typeof only === "number" || typeof only === "bigint" ? Number(only) : undefined;
}

/** What the system said, or else the innermost reason of the library's trace, which gives one for each of its functions on the way. */
function reasonOf(error: unknown): string {
  const text = messageOf(error);
  const innermost =
    /error message = '([^']+)'/.exec(text)?.[1] ?? [...text.matchAll(/ in \w+\(\): (.*)/g)].at(-1)?.[1];
  return (innermost ?? text.split("\n")[0]).slice(0, 200);
}

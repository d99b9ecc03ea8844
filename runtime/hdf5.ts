import { access, constants } from "node:fs/promises";
import { userError } from "../src/errors/index.js";

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

/** Deeper groups than this are not walked: a damaged file may link a group into itself. */
const DEEPEST = 16;
const MOST_DATASETS = 100_000;

/** Loaded on first use: it takes some 0.1 s, and most nets never see HDF5. */
async function library() {
  const { default: h5wasm } = await import("h5wasm/node");
  const module = await h5wasm.ready;
  // Without this the library writes its own traces to the terminal.
  module.activate_throwing_error_handler();
  return h5wasm;
}

/**
 * Opens an HDF5 file for reading.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when there is no such file or it is damaged or something else
 */
export async function openHdf5(path: string, what: string): Promise<Hdf5File> {
  try {
    await access(path, constants.R_OK);
  } catch {
    throw userError(`cannot read ${what}: there is no such file, or no permission`);
  }
  const h5 = await library();
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw userError(`cannot read ${what}: damaged, or not an HDF5 file (${firstLine(error)})`);
    }
  };
  const file = guarded(() => new h5.File(path, "r"));
  const datasets: Hdf5Dataset[] = [];
  const walk = (group: InstanceType<typeof h5.Group>, prefix: string, depth: number): void => {
    for (const key of group.keys()) {
      if (datasets.length >= MOST_DATASETS || depth > DEEPEST) return;
      const entity = group.get(key);
      const at = prefix === "" ? key : `${prefix}/${key}`;
      if (entity instanceof h5.Dataset) {
        const shape = entity.shape ?? [];
        datasets.push({
          path: at,
          shape,
          read: () => guarded(() => toFloat32(entity.value, shape, `${what}: dataset ${JSON.stringify(at)}`)),
          single: () => guarded(() => toSingle(entity.value)),
        });
      } else if (entity instanceof h5.Group) walk(entity, at, depth + 1);
    }
  };
  guarded(() => walk(file, "", 0));
  return { datasets, close: () => void file.close() };
}

/** Writes datasets into a new file at `path`, with the groups that their paths need. */
export async function writeHdf5(path: string, entries: readonly Hdf5Entry[]): Promise<void> {
  const h5 = await library();
  const file = new h5.File(path, "w");
  try {
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
  } finally {
    file.close();
  }
}

function toFloat32(value: unknown, shape: readonly number[], what: string): Float32Array {
  const values = typeof value === "number" ? [value] : value;
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (!(Array.isArray(values) || ArrayBuffer.isView(values)) || values instanceof DataView)
    throw userError(`${what} does not hold numbers`);
  const array = values as ArrayLike<number | bigint>;
  if (array.length !== count) throw userError(`${what} has ${array.length} values for its shape [${shape}]`);
  return array instanceof Float32Array ? array : Float32Array.from(array, Number);
}

function toSingle(value: unknown): string | number | undefined {
  const single = ArrayBuffer.isView(value) ? (value as Float64Array | BigInt64Array) : undefined;
  const only: unknown = single?.length === 1 ? single[0] : value;
  if (typeof only === "string") return only;
  return typeof only === "number" || typeof only === "bigint" ? Number(only) : undefined;
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0].slice(0, 200);

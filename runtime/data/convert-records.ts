import { join } from "node:path";
import { argumentsOf, callback, integer, optional, optionsOf } from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { workingFolder } from "../host-process.js";
import { openCifar10 } from "./cifar10.js";
import { encodeDatum } from "./datum.js";
import { openIdx } from "./idx.js";
import { writeLmdb } from "./lmdb-writer.js";
import { locateSource } from "./locate.js";
import { openRecords } from "./record-sources.js";
import type { KeyValue, RecordCursor } from "./records.js";

/** How far the making of a database has come. */
export interface ConvertProgress {
  /** Records that are written, and how many there are, where that is known. */
  readonly done: number;
  readonly total?: number;
}

/** Options of `convertRecords`, `convertMnist` and `convertCifar10`. */
export interface ConvertOptions {
  /** Where a relative path of the source starts. Default: the working directory. */
  readonly root?: string | URL;
  /** Is told after each thousand records. */
  readonly progress?: (state: ConvertProgress) => void;
}

/** Options of `convertRecords`. */
export interface ConvertRecordsOptions extends ConvertOptions {
  /** Records to write, from the first on. Default: all. */
  readonly records?: number;
}

/** A database that was made. */
export interface ConvertedDatabase {
  readonly out: string;
  readonly records: number;
}

export type WithRoot<O> = Omit<O, "root"> & { readonly root?: string };

export const CONVERT_RULES = { root: path, progress: callback<(state: ConvertProgress) => void>() };
const CONVERT_RECORDS = argumentsOf("convertRecords", {
  source: path,
  out: path,
  options: optional(
    optionsOf<WithRoot<ConvertRecordsOptions>>("convertRecords", { ...CONVERT_RULES, records: integer(1) }),
  ),
});
const folderArguments = (name: string) =>
  argumentsOf(name, {
    folder: path,
    out: path,
    options: optional(optionsOf<WithRoot<ConvertOptions>>(name, CONVERT_RULES)),
  });
const CONVERT_MNIST = folderArguments("convertMnist");
const CONVERT_CIFAR10 = folderArguments("convertCifar10");

/**
 * Writes records as an LMDB that Caffe and Python read: a folder with `data.mdb`, whole or not at all. Keys are eight digits.
 *
 * @param source as for `openDataset`: an LMDB or LevelDB folder, MNIST's idx images, or `builtin:digits/train` and `/test`
 * @param out a folder that is not there yet, or empty
 * @throws CortadoError for a wrong argument, and when the source cannot be read or the database cannot be written
 */
export async function convertRecords(
  source: string | URL,
  out: string | URL,
  options?: ConvertRecordsOptions,
): Promise<ConvertedDatabase> {
  const given = CONVERT_RECORDS(source, out, options);
  const { root = workingFolder(), ...rest } = given.options ?? {};
  return write(await openRecords(given.source, root), given.out, { digits: 8, ...rest });
}

/**
 * Makes MNIST's databases from its four idx files, plain or gzipped, as Caffe's `create_mnist.sh` does: `mnist_train_lmdb` and
 * `mnist_test_lmdb`.
 *
 * @param folder where `train-images-idx3-ubyte` and the others lie
 * @param out the folder that the databases are made in
 * @throws CortadoError as `convertRecords` does
 */
export async function convertMnist(
  folder: string | URL,
  out: string | URL,
  options?: ConvertOptions,
): Promise<readonly ConvertedDatabase[]> {
  const given = CONVERT_MNIST(folder, out, options);
  return convertParts(given, 8, "mnist", async (part, find) => {
    const name = `${part === "train" ? "train" : "t10k"}-images-idx3-ubyte`;
    return openIdx(await find([name, `${name}.gz`]));
  });
}

/**
 * Makes CIFAR-10's databases from its binary version, as Caffe's `create_cifar10.sh` does: `cifar10_train_lmdb` and
 * `cifar10_test_lmdb`.
 *
 * @param folder where `data_batch_1.bin` and the others lie, or where their folder `cifar-10-batches-bin` does
 * @param out the folder that the databases are made in
 * @throws CortadoError as `convertRecords` does
 */
export async function convertCifar10(
  folder: string | URL,
  out: string | URL,
  options?: ConvertOptions,
): Promise<readonly ConvertedDatabase[]> {
  const given = CONVERT_CIFAR10(folder, out, options);
  return convertParts(given, 5, "cifar10", async (part, find) => {
    const names = part === "test" ? ["test_batch"] : [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`);
    const paths: string[] = [];
    for (const name of names) paths.push(await find([`${name}.bin`, `cifar-10-batches-bin/${name}.bin`]));
    return openCifar10(paths);
  });
}

type Part = "train" | "test";
/** The first of these that is there. @throws CortadoError where none is */
type Find = (names: readonly string[]) => Promise<string>;

async function convertParts(
  { folder, out, options = {} }: ReturnType<typeof CONVERT_MNIST>,
  digits: number,
  name: string,
  open: (part: Part, find: Find) => Promise<RecordCursor>,
): Promise<readonly ConvertedDatabase[]> {
  const { root = workingFolder(), progress } = options;
  const find: Find = async (names) => {
    for (const one of names.slice(1).reverse()) {
      const there = await locateSource(join(folder, one), [root], "the file").catch(() => undefined);
      if (there !== undefined) return there;
    }
    return locateSource(join(folder, names[0]), [root], "the file");
  };
  const made: ConvertedDatabase[] = [];
  // What is missing is said before anything is written.
  for (const part of ["train", "test"] as const) await (await open(part, find)).close();
  for (const part of ["train", "test"] as const) {
    const target = join(out, `${name}_${part}_lmdb`);
    made.push(await write(await open(part, find), target, { digits, progress }));
  }
  return made;
}

interface Writing extends Pick<ConvertRecordsOptions, "records" | "progress"> {
  /** Of a key. */
  readonly digits: number;
}

/** Records after which somebody is told. */
export const TOLD_AFTER = 1000;

async function write(cursor: RecordCursor, out: string, writing: Writing): Promise<ConvertedDatabase> {
  try {
    const records = await writeLmdb(out, datums(cursor, writing));
    return { out, records };
  } finally {
    await cursor.close();
  }
}

async function* datums(
  cursor: RecordCursor,
  { digits, records = Number.POSITIVE_INFINITY, progress }: Writing,
): AsyncGenerator<KeyValue> {
  const total = cursor.count === undefined ? undefined : Math.min(records, cursor.count);
  let done = 0;
  for (; done < records; done++) {
    const record = await cursor.next();
    if (!record) break;
    yield { key: Buffer.from(String(done).padStart(digits, "0")), value: encodeDatum(record) };
    if ((done + 1) % TOLD_AFTER === 0) progress?.({ done: done + 1, total });
  }
  if (done === 0) throw userError(`${quotedPath(cursor.name)} has no records`);
}

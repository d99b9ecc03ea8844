import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { type BlockFile, openBlockFile } from "./blockfile.js";
import type { RecordCursor } from "./records.js";

/** A picture of CIFAR-10: its label, then red, green and blue, row by row. */
const [CHANNELS, SIDE] = [3, 32];
const PIXELS = CHANNELS * SIDE * SIDE;
const RECORD = 1 + PIXELS;
const CLASSES = 10;

/**
 * Opens CIFAR-10's binary batches, one after the other. Colours stay in their order, as in Caffe's database.
 *
 * @param paths of `data_batch_1.bin` and so on
 * @throws CortadoError when one is missing, or no whole number of pictures
 */
export async function openCifar10(paths: readonly string[]): Promise<RecordCursor> {
  const files: BlockFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    for (const path of paths) files.push(await openBatch(path));
  } catch (error) {
    await close();
    throw error;
  }
  let [at, place] = [0, 0];
  const step = (): { readonly file: BlockFile; readonly offset: number } | undefined => {
    while (at < files.length && place >= files[at].size) [at, place] = [at + 1, 0];
    if (at === files.length) return undefined;
    const offset = place;
    place += RECORD;
    return { file: files[at], offset };
  };
  return {
    name: paths.join(", "),
    count: files.reduce((sum, { size }) => sum + size / RECORD, 0),
    async next() {
      const found = step();
      if (!found) return undefined;
      const bytes = (await found.file.read(found.offset, RECORD)).slice();
      const [label] = bytes;
      if (label >= CLASSES)
        throw userError(
          `${quotedPath(found.file.path)}: picture ${found.offset / RECORD} has label ${label}, and there are ${CLASSES} classes`,
          "is it of CIFAR-100? its records begin with two labels",
        );
      return { channels: CHANNELS, height: SIDE, width: SIDE, label, data: bytes.subarray(1) };
    },
    skip: async () => step() !== undefined,
    async rewind() {
      [at, place] = [0, 0];
    },
    close,
  };
}

async function openBatch(path: string): Promise<BlockFile> {
  const file = await openBlockFile(path);
  if (file.size > 0 && file.size % RECORD === 0) return file;
  await file.close();
  throw userError(
    `${quotedPath(path)} is no batch of CIFAR-10: its ${file.size} bytes are no whole number of pictures of ${RECORD}`,
    "the binary version is meant, cifar-10-binary.tar.gz, not that for Python or MATLAB",
  );
}

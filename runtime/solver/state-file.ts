import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CortadoError, fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { writeFileAtomically } from "../atomic-file.js";
import { type FileKind, kindOfFile, looksLikeHdf5 } from "../file-kind.js";
import { openHdf5, writeHdf5 } from "../hdf5-file.js";
import { inTemporaryFolder } from "../leftovers.js";
import { decodeState, encodeState, type SavedBlob, type SavedState } from "./state-message.js";

/** Bytes that tell HDF5 from the binary form. */
const HEAD_BYTES = 16;

const isHdf5 = (file: string): boolean => file.endsWith(".h5");

/**
 * Writes a state as Caffe does, whole or not at all: binary protobuf, or HDF5 under a name that ends in `.h5`.
 *
 * @throws CortadoError when it cannot be written
 */
export async function writeState(file: string, state: SavedState): Promise<void> {
  try {
    await writeFileAtomically(file, isHdf5(file) ? await encodeHdf5(state) : encodeState(state));
  } catch (error) {
    throw fileError(`cannot write the solver state ${quotedPath(file)}`, error);
  }
}

/**
 * Reads a state of either form: its content says which.
 *
 * @throws CortadoError when it cannot be read, or is damaged, or is something else
 */
export async function readState(file: string): Promise<SavedState> {
  const what = `the solver state ${quotedPath(file)}`;
  let bytes: Uint8Array;
  try {
    const handle = await open(file, "r");
    try {
      bytes = new Uint8Array(HEAD_BYTES);
      const { bytesRead } = await handle.read(bytes, 0, HEAD_BYTES, 0);
      if (bytesRead < HEAD_BYTES || !looksLikeHdf5(bytes)) bytes = await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(`${what} cannot be read`, error);
  }
  if (looksLikeHdf5(bytes)) return readHdf5(file, what);
  const kind = kindOfFile(bytes);
  if (kind && kind.is !== "state") throw wrongKind(file, kind);
  // Its reader says what is wrong with it.
  if (!kind && isHdf5(file)) return readHdf5(file, what);
  return decodeState(bytes, what);
}

const wrongKind = (file: string, { is, words }: Pick<FileKind, "is" | "words">): CortadoError =>
  userError(
    `${quotedPath(file)} is ${words}, not a solver state`,
    is === "weights"
      ? "--weights starts from it (in code: weights); to go on, give the .solverstate that was written with it"
      : undefined,
  );

/** The library works on files: what it writes goes through a temporary folder. */
const encodeHdf5 = ({ iteration, currentStep, model, history }: SavedState): Promise<Uint8Array> =>
  inTemporaryFolder("state", async (folder) => {
    const file = join(folder, "state.h5");
    await writeHdf5(file, [
      { path: "iter", shape: [1], data: Int32Array.of(iteration) },
      { path: "learned_net", shape: [], data: model },
      { path: "current_step", shape: [1], data: Int32Array.of(currentStep) },
      ...history.map(({ shape, data }, i) => ({ path: `history/${i}`, shape, data })),
    ]);
    return readFile(file);
  });

async function readHdf5(path: string, what: string): Promise<SavedState> {
  const file = await openHdf5(path, what);
  try {
    const datasets = new Map(file.datasets.map((dataset) => [dataset.path, dataset]));
    if (!datasets.has("iter") && file.datasets.some(({ path: at }) => at.startsWith("data/")))
      throw wrongKind(path, { is: "weights", words: "a weight file (.caffemodel.h5)" });
    const wholeNumber = (name: string): number => {
      const value = datasets.get(name)?.single();
      if (typeof value === "number") return value;
      throw userError(`${what} is not a solver state: it has no number ${name}`);
    };
    const history: SavedBlob[] = [];
    for (let at = datasets.get("history/0"); at; at = datasets.get(`history/${history.length}`))
      history.push({ shape: at.shape, data: at.read() });
    const model = datasets.get("learned_net")?.single();
    return {
      iteration: wholeNumber("iter"),
      currentStep: wholeNumber("current_step"),
      model: typeof model === "string" ? model : "",
      history,
    };
  } finally {
    file.close();
  }
}

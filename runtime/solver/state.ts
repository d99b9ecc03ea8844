import { CortadoError, type Diagnostic, userError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import type { Param } from "../net-types.js";
import type { SnapshotContent } from "./events.js";
import { besideState } from "./paths.js";
import type { SolverPosition } from "./solver.js";
import { readState } from "./state-file.js";
import { decodeState, type SavedBlob, type SavedState } from "./state-message.js";

/** The names that Caffe gives a snapshot's files. */
export function snapshotNames(
  prefix: string,
  iteration: number,
  format: SolverParameter["snapshot_format"],
): { readonly model: string; readonly state: string } {
  const ending = format === "HDF5" ? ".h5" : "";
  const stem = `${prefix}_iter_${iteration}`;
  return { model: `${stem}.caffemodel${ending}`, state: `${stem}.solverstate${ending}` };
}

/** What a `.solverstate` of now holds. */
export async function currentState(
  position: SolverPosition,
  model: string,
  history: readonly Param[],
): Promise<SavedState> {
  const blobs: SavedBlob[] = [];
  for (const slot of history) blobs.push({ shape: slot.shape, data: await slot.read() });
  return { ...position, model, history: blobs };
}

/**
 * Reads a `.solverstate` or `.solverstate.h5`, or what a snapshot gave: hands the weights it names to `loadWeights`, fills the history, and
 * returns the position. Weights that are not where the state says are looked for beside it. Nothing is changed by a
 * state that does not fit.
 *
 * @throws CortadoError when the file cannot be read, is something else, or belongs to another net or solver type
 */
export async function restoreState(
  from: string | SnapshotContent,
  history: readonly Param[],
  loadWeights: (weights: string | Uint8Array) => Promise<void>,
): Promise<SolverPosition> {
  const file = typeof from === "string" ? quotedPath(from) : "the solver state";
  const state = typeof from === "string" ? await readState(from) : decodeState(from.state, file);
  const mistakes = misfits(state.history, history);
  if (mistakes.length > 0)
    throw new CortadoError([
      {
        severity: "error",
        message: `${file} does not fit this solver`,
        hint: "it was written by another solver type, or for another net",
        related: mistakes.map((message) => ({ message })),
      } satisfies Diagnostic,
    ]);
  const { iteration, currentStep } = state;
  for (const count of [iteration, currentStep])
    if (!Number.isSafeInteger(count) || count < 0)
      throw userError(`${file} is damaged: it says iteration ${iteration}, step ${currentStep}`);
  if (typeof from !== "string") await loadWeights(from.model);
  else if (state.model !== "") await loadWeights(await besideState(state.model, from));
  for (const [i, slot] of history.entries()) await slot.write(state.history[i].data);
  return { iteration, currentStep };
}

function misfits(given: readonly SavedBlob[], wanted: readonly Param[]): readonly string[] {
  if (given.length !== wanted.length)
    return [`it holds ${given.length} history blobs; this solver has ${wanted.length}`];
  return wanted.flatMap(({ shape }, i) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const found = given[i].data.length;
    return found === length
      ? []
      : [`history blob ${i} has ${found} elements; this solver's has ${length}, shape ${showShape(shape)}`];
  });
}

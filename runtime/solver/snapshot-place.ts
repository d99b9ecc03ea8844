import type { SolverParameter } from "../../proto/index.js";
import { checkHdf5Names } from "../weights/hdf5-weights.js";
import { writeWeightSet } from "../weights/index.js";
import type { SnapshotPlace } from "./parts.js";
import { checkPrefix, clearPrefix, snapshotPrefix } from "./paths.js";
import { currentState, snapshotNames } from "./state.js";
import { writeState } from "./state-file.js";

/**
 * Files beside the solver's, or where its prefix says. What earlier trainings left unfinished there is removed.
 *
 * @param file the solver's own, if it has one
 * @param folders that a relative prefix may count from
 */
export async function snapshotPlaceOf(
  { snapshot_prefix, snapshot_format }: SolverParameter,
  file: string | undefined,
  folders: readonly string[],
): Promise<SnapshotPlace> {
  const prefix = await snapshotPrefix(snapshot_prefix, file, folders);
  await clearPrefix(prefix);
  return {
    check: () => checkPrefix(prefix),
    checkNames(layers) {
      if (snapshot_format !== "HDF5") return;
      const learning = layers.filter(({ params }) => params.length > 0);
      checkHdf5Names(learning.map(({ name, params }) => ({ name, blobs: params })));
    },
    async save(position, { history, weights }) {
      const names = snapshotNames(prefix, position.iteration, snapshot_format);
      await writeWeightSet(names.model, await weights());
      await writeState(names.state, await currentState(position, names.model, history));
      return { iteration: position.iteration, ...names };
    },
  };
}

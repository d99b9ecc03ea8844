import { userError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import { encodeWeightSet } from "../weights/index.js";
import type { SnapshotPlace } from "./parts.js";
import { currentState, snapshotNames } from "./state.js";
import { encodeState } from "./state-message.js";

/**
 * Into the hands of whoever asks for them.
 *
 * @throws CortadoError for snapshots in HDF5, which a page does not write
 */
export async function snapshotPlaceOf(
  { snapshot_prefix, snapshot_format }: SolverParameter,
  _file: string | undefined,
  _folders: readonly string[],
): Promise<SnapshotPlace> {
  if (snapshot_format === "HDF5")
    throw userError("snapshots in HDF5 are not made in a browser", "snapshot_format: BINARYPROTO");
  return {
    async check() {},
    checkNames() {},
    async save(position, { history, weights }) {
      const names = snapshotNames(snapshot_prefix || "snapshot", position.iteration, snapshot_format);
      const state = encodeState(await currentState(position, names.model, history));
      const model = await encodeWeightSet(await weights(), "caffemodel");
      return { iteration: position.iteration, ...names, content: { model, state } };
    },
  };
}

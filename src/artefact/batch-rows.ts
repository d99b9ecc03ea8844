import { sizeOf } from "../../codegen/ir/graph.js";
import { rowDependence } from "../../codegen/ir/row-dependence.js";
import { present } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import type { BatchTable } from "../../runtime/net/batch-table.js";
import { INPUT } from "../../runtime/net/tables.js";
import type { LoweredNet } from "../layers/index.js";

/**
 * Whether forward may be given fewer rows than the inputs have: where each row of all that can be read depends on the same row of
 * the inputs alone.
 *
 * @param read blobs that can be read
 * @param learns whether the build has backward, or a step
 * @returns undefined where the inputs have no first extent in common, or it is 1
 */
export function batchTable(
  lowered: LoweredNet,
  read: readonly string[],
  learns: boolean,
): BatchTable | undefined {
  const names = [...lowered.inputs.keys()];
  const extents = new Set([...lowered.inputs.values()].map((shape) => shape.at(0)));
  const [rows] = extents;
  if (rows === undefined || extents.size !== 1 || rows < 2) return undefined;
  if (learns) return { rows, whole: "a net that learns does so from all" };
  if (lowered.updates.length > 0) return { rows, whole: "forward keeps statistics of all" };
  const blobs = [...new Set([...read, ...names])].map((name) => ({
    name,
    ...present(lowered.blobs.get(name), "a blob of the net"),
  }));
  const dependence = rowDependence(
    blobs.map(({ last }) => last),
    rows,
    new Set(names.map(INPUT.blob)),
  );
  for (const { name, shape, last } of blobs) {
    const found = dependence(last);
    if (found === "none") return { rows, whole: `blob ${quoted(name)} does not depend on them` };
    if (found === "mixed") return { rows, whole: `blob ${quoted(name)} may depend on several together` };
    if (found.inner * rows !== sizeOf(shape))
      return { rows, whole: `blob ${quoted(name)} does not have them one after the other` };
  }
  return { rows };
}

import { sizeOf } from "../../codegen/ir/graph.js";
import type { Blobs } from "../../runtime/net-types.js";
import type { LoweredNet } from "../layers/index.js";
import type { CompileOptions } from "./compile-options.js";

/** Inputs that no data layer feeds: those of Input layers, and tops of data layers whose shapes were given. */
export function unfedInputs(
  lowered: Pick<LoweredNet, "inputs" | "feeds">,
  shapes: CompileOptions["shapes"] = {},
): readonly string[] {
  const fed = new Set(
    lowered.feeds
      .map(({ layer }) => layer.top)
      .filter((tops) => !tops.every((top) => Object.hasOwn(shapes, top)))
      .flat(),
  );
  return [...lowered.inputs.keys()].filter((blob) => !fed.has(blob));
}

/**
 * Values to time a net on: the same each time, from 0 to below 1, so that they can stand for pixels and, cut to
 * integers, for the label 0.
 */
export function standInValues(lowered: Pick<LoweredNet, "inputs">, blobs: readonly string[]): Blobs {
  const values: Blobs = Object.create(null);
  for (const blob of blobs)
    values[blob] = Float32Array.from(
      { length: sizeOf(lowered.inputs.get(blob) ?? []) },
      (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 8) / 2 ** 24,
    );
  return values;
}

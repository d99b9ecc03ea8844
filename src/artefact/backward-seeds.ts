import { CortadoError, userError } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { quoted } from "../../proto/words/names.js";
import type { LoweredNet } from "../layers/index.js";
import { hasGradient } from "../net/objective.js";

/**
 * What backward of a built net starts from: see `BuildOptions.backward`.
 *
 * @throws CortadoError for names that the net does not have, and where nothing can be differentiated
 */
export function backwardSeeds(
  lowered: LoweredNet,
  backward: boolean | readonly string[] | undefined,
): readonly string[] | undefined {
  if (backward === undefined || backward === false) return undefined;
  if (lowered.wanted.params.length + lowered.wanted.inputs.length === 0)
    throw userError(
      "the net has nothing to differentiate: no parameter with lr_mult above 0 and no force_backward",
    );
  if (backward === true) return hasGradient(lowered) ? [] : lowered.outputs;
  const unknown = backward.filter((blob) => !lowered.blobs.has(blob));
  if (unknown.length > 0)
    throw new CortadoError(
      unknown.map((blob) => ({
        severity: "error",
        message: `backward names ${quoted(blob)}, a blob that the net does not have`,
        hint: didYouMean(blob, lowered.blobs.keys()),
      })),
    );
  return [...new Set(backward)];
}

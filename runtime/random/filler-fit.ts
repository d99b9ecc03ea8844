import { type CortadoError, userError } from "../../proto/errors/index.js";
import type { FillerParameter } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";

/** Why a filler that is right by itself cannot fill a blob of this shape, or undefined. */
export function fillerMisfit(
  { type, sparse }: FillerParameter,
  shape: readonly number[],
): CortadoError | undefined {
  if (type === "bilinear" && (shape.length !== 4 || shape[2] !== shape[3]))
    return userError(
      `the bilinear filler needs a blob of 4 axes with square kernels, not ${showShape(shape)}`,
      "use it for the weights of a Deconvolution with kernel_size (not kernel_h and kernel_w)",
    );
  if (type === "gaussian" && sparse >= 0 && shape.length === 0)
    return userError("a sparse gaussian filler needs a blob with at least one axis");
  return undefined;
}

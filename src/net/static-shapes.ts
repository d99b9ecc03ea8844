import { CortadoError } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import type { LoweredNet } from "../layers/index.js";

/**
 * Refuses nets whose shapes depend on values where one program must do for every batch.
 *
 * @param what what needs that: `training`
 * @throws CortadoError at each layer that picks rows by value
 */
export function requireStaticShapes({ rowCounts }: Pick<LoweredNet, "rowCounts">, what: string): void {
  if (rowCounts.length > 0)
    throw new CortadoError(
      rowCounts.map(({ layer, span }) => ({
        severity: "error",
        message: `${layer}: its tops have as many rows as the values say, and ${what} needs shapes that stay`,
        span,
        hint: "compile and run the net with forward and backward, or multiply by the selector instead",
      })),
    );
}

/**
 * Refuses nets that read a constant from a file, where a file of ours is to stand alone.
 *
 * @param what that file: `a build`
 *
 * @throws CortadoError at each setting that names a file
 */
export function requireNoFiles({ files }: Pick<LoweredNet, "files">, what: string): void {
  if (files.length > 0)
    throw new CortadoError(
      files.map(({ layer, what: of, source, span }) => ({
        severity: "error",
        message: `${layer}: ${what} does not carry ${of} ${quoted(source)}`,
        span,
        hint: "give it as a bottom of the layer: an input of the net",
      })),
    );
}

import { sizeOf } from "../../codegen/ir/graph.js";
import { CortadoError, type Diagnostic } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { readBlobFile } from "../../runtime/data/blob-file.js";
import type { LoweredNet } from "../layers/index.js";

/** A constant of a net that came from a file, by the graph's name for it. */
export interface NetConstant {
  readonly input: string;
  readonly values: ArrayLike<number>;
}

/**
 * Reads the files that a net's layers take constants from.
 *
 * @param root the folder that relative paths start from
 * @throws CortadoError that names every file that cannot be used, at the setting that names it
 */
export async function readConstants(
  { files }: Pick<LoweredNet, "files">,
  root: string,
): Promise<readonly NetConstant[]> {
  const mistakes: Diagnostic[] = [];
  const constants: NetConstant[] = [];
  for (const { input, shape, source, what, layer, span } of files) {
    const refuse = (message: string, hint?: string): void =>
      void mistakes.push({ severity: "error", message: `${layer}: ${message}`, span, hint });
    try {
      const { data, title } = await readBlobFile(source, root, what);
      if (data.length === sizeOf(shape)) constants.push({ input, values: data });
      else refuse(`${title} has ${data.length} values, and ${showShape(shape)} are needed`);
    } catch (error) {
      if (!(error instanceof CortadoError)) throw error;
      for (const { message, hint } of error.diagnostics) refuse(message, hint);
    }
  }
  if (mistakes.length > 0) throw new CortadoError(mistakes);
  return constants;
}

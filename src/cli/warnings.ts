import { type Diagnostic, formatDiagnostics } from "../../proto/errors/index.js";
import { visible } from "../../proto/words/names.js";
import { paintDiagnostics } from "./faults.js";
import { type Io, painter } from "./io.js";

export function showWarnings(warnings: readonly Diagnostic[], io: Io): void {
  if (warnings.length > 0)
    io.stderr.write(`${paintDiagnostics(formatDiagnostics(warnings), painter(io.stderr, io.env))}\n`);
}

/** What a person may want to know, and need not. */
export const showNote = (text: string, io: Io): void => void io.stderr.write(`note: ${visible(text)}\n`);

/** `-gpu` of Caffe's scripts. */
export function warnGpu({ gpu }: { readonly gpu?: string }, io: Io): void {
  if (gpu !== undefined)
    showWarnings([{ severity: "warning", message: "--gpu is ignored: --target says where a net runs" }], io);
}

import { type Diagnostic, formatDiagnostics } from "../../proto/errors/index.js";
import { paintDiagnostics } from "./faults.js";
import { type Io, painter } from "./io.js";

export function showWarnings(warnings: readonly Diagnostic[], io: Io): void {
  if (warnings.length > 0)
    io.stderr.write(`${paintDiagnostics(formatDiagnostics(warnings), painter(io.stderr, io.env))}\n`);
}

/** `-gpu` of Caffe's scripts. */
export function warnGpu({ gpu }: { readonly gpu?: string }, io: Io): void {
  if (gpu !== undefined)
    showWarnings([{ severity: "warning", message: "--gpu is ignored: the target of this run is a CPU" }], io);
}

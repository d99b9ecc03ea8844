import type { Command } from "commander";
import { type Diagnostic, formatDiagnostic, lineAndColumn } from "../../proto/errors/index.js";
import { showCount } from "../../proto/words/amounts.js";
import { unquoted } from "../../proto/words/names.js";
import { checkFile, type FileReport } from "../tools.js";
import {
  anyPhaseOption,
  type End,
  jsonOption,
  rootOption,
  type StateOptions,
  withShapes,
  withState,
} from "./command-options.js";
import { EXIT, exitOf, paintDiagnostics } from "./faults.js";
import { type Io, painter } from "./io.js";
import { loadLayers } from "./layers.js";
import type { Shapes } from "./option-values.js";
import { json, pathOf } from "./text.js";

interface CheckOptions extends StateOptions {
  readonly phase?: "TRAIN" | "TEST";
  readonly root?: string;
  readonly shape?: Shapes;
  readonly json?: true;
}

/** A file with more mistakes than this has its first ones written out. */
const MOST_SHOWN = 100;

/** `cortado check`: every mistake of every file. */
export function addCheck(program: Command, io: Io, end: End): void {
  const command = program
    .command("check")
    .summary("find every mistake in nets, solvers and weight files")
    .description(
      "Checks files without running anything: nets (in phase TRAIN and in phase TEST), solvers and the nets they name, " +
        "binary weights and solver states. What a file is, is seen from its content. Data sources need not be there. " +
        "Exits with 2 when there is any mistake; warnings are none.",
    )
    .argument("<files...>", "prototxt, caffemodel, solverstate")
    .addOption(anyPhaseOption("both, of which TRAIN yields notes where nothing in the net trains"))
    .addOption(rootOption());
  withShapes(withState(command))
    .addOption(jsonOption("one JSON document on stdout"))
    .action(async (files: string[], options: CheckOptions) => end(await check(files, options, io)));
}

async function check(files: readonly string[], options: CheckOptions, io: Io): Promise<number> {
  const reports: FileReport[] = [];
  const seen = new Set<string>();
  const paint = painter(io.stdout, io.env);
  const layers = await loadLayers(options.layers, io);
  for (const file of files) {
    const report = unseen(
      await checkFile(pathOf(io, file), {
        phases: options.phase && [options.phase],
        level: options.level,
        stages: options.stage,
        root: options.root === undefined ? undefined : pathOf(io, options.root),
        shapes: options.shape,
        layers,
      }),
      seen,
    );
    reports.push(report);
    if (!options.json) for (const line of reportLines(file, report, paint)) io.stdout.write(`${line}\n`);
  }
  const diagnostics = reports.flatMap((report) => report.diagnostics);
  const mistakes = errorsOf(diagnostics).length;
  const warnings = diagnostics.length - mistakes;
  if (options.json)
    io.stdout.write(
      `${json({ files: reports.map((report, i) => ({ file: files[i], ...report, diagnostics: report.diagnostics.map(plain) })), mistakes, warnings }, 2)}\n`,
    );
  else {
    const tail = warnings > 0 ? `, ${showCount(warnings, "warning")}` : "";
    io.stdout.write(
      `${paint(`${showCount(files.length, "file")}, ${showCount(mistakes, "mistake")}${tail}`, mistakes > 0 ? "red" : "green", "bold")}\n`,
    );
  }
  return mistakes > 0 ? exitOf(diagnostics) : EXIT.done;
}

const errorsOf = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.filter(({ severity }) => severity === "error");

/** A net that a solver names may be among the files itself: its mistakes are reported and counted once. */
function unseen(report: FileReport, seen: Set<string>): FileReport {
  const diagnostics = report.diagnostics.filter((diagnostic) => {
    if (!diagnostic.span) return true;
    const key = formatDiagnostic(diagnostic);
    const known = seen.has(key);
    seen.add(key);
    return !known;
  });
  return { ...report, diagnostics };
}

function reportLines(file: string, report: FileReport, paint: ReturnType<typeof painter>): readonly string[] {
  const { kind, diagnostics, notes } = report;
  const mistakes = errorsOf(diagnostics).length;
  const warnings = diagnostics.length - mistakes;
  const verdict = [
    mistakes > 0 ? paint(showCount(mistakes, "mistake"), "red", "bold") : paint("ok", "green", "bold"),
    ...(warnings > 0 ? [paint(showCount(warnings, "warning"), "yellow")] : []),
  ].join(", ");
  const shown = diagnostics
    .slice(0, MOST_SHOWN)
    .flatMap((diagnostic) => [...paintDiagnostics(formatDiagnostic(diagnostic), paint).split("\n"), ""]);
  const rest = diagnostics.length - MOST_SHOWN;
  return [
    `${paint(unquoted(file, 200), "bold")}: ${kind}: ${verdict}`,
    ...notes.map((note) => paint(`  ${note}`, "dim")),
    ...(shown.length > 0 ? ["", ...shown] : []),
    ...(rest > 0 ? [`… and ${rest} more`, ""] : []),
  ];
}

/** A diagnostic as JSON: places by line and column, from 1. */
function plain(diagnostic: Diagnostic): object {
  const { severity, message, span, hint, related } = diagnostic;
  return {
    severity,
    message,
    ...placeOf(span),
    ...(hint !== undefined && { hint }),
    ...(related?.length && {
      related: related.map((other) => ({ message: other.message, ...placeOf(other.span) })),
    }),
  };
}

function placeOf(span: Diagnostic["span"]): object {
  if (!span) return {};
  return { file: span.source.name, ...lineAndColumn(span.source, span.start) };
}

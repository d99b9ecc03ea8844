/** Errors to what a person reads and what a script sees. */

import { constants } from "node:os";
import { CommanderError } from "commander";
import { CortadoError, type Diagnostic, InternalError } from "../../proto/errors/index.js";
import { visibleLines } from "../../proto/words/names.js";
import { type Io, type Paint, painter, type Signal } from "./io.js";
import { sourceFrames } from "./source-frames.js";

/** How a command ended. */
export const EXIT = {
  done: 0,
  /** Something that the user gave cannot be used. */
  mistake: 2,
  /** Cortado broke one of its own rules. */
  fault: 70,
  /** The system refused to read or write. */
  system: 74,
} as const;

/** As a shell says of a program that a signal ended. */
export const exitOfSignal = (signal: Signal): number => 128 + constants.signals[signal];

/** Writes an error to stderr and gives the exit code it means. */
export function reportFault(error: unknown, io: Io): number {
  const paint = painter(io.stderr, io.env);
  const say = (text: string): void =>
    void io.stderr.write(`${paintDiagnostics(visibleLines(text), paint)}\n`);
  // Commander has written its own message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.mistake;
  if (error instanceof CortadoError) {
    say(error.message);
    return exitOf(error.diagnostics);
  }
  if (isSystemError(error)) {
    say(`error: ${error.message}`);
    return EXIT.system;
  }
  if (error instanceof RangeError && /allocation failed|invalid (typed )?array/i.test(error.message)) {
    say(
      "error: there is not enough memory for this net\n  `cortado summary` shows what it takes; a smaller batch takes less",
    );
    return EXIT.mistake;
  }
  const known = error instanceof InternalError;
  say(
    known
      ? `error: ${error.message}`
      : `error: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}\nThis is a fault in Cortado itself. Please report it with the net that caused it.`,
  );
  const stack = error instanceof Error ? error.stack : undefined;
  if (stack) io.stderr.write(`\n${paint(visibleLines(sourceFrames(framesOf(stack))), "dim")}\n`);
  return EXIT.fault;
}

/** Mistakes are the user's to mend; where the system refused, and nothing else is wrong, they are not. */
export function exitOf(diagnostics: readonly Diagnostic[]): number {
  const mistakes = diagnostics.filter(({ severity }) => severity === "error");
  return mistakes.length > 0 && mistakes.every(({ refused }) => refused) ? EXIT.system : EXIT.mistake;
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error && typeof (error as NodeJS.ErrnoException).code === "string";

/** The stack without the message that stands above it. */
const framesOf = (stack: string): string =>
  stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");

/** Formatted diagnostics with their places, severities, carets and hints told apart by colour. */
export function paintDiagnostics(text: string, paint: Paint): string {
  return text
    .split("\n")
    .map((line) => {
      const [, place, severity, message] = /^(\S.*?:\d+:\d+: )?(error|warning): (.*)$/.exec(line) ?? [];
      if (severity !== undefined)
        return `${paint(place ?? "", "bold")}${paint(`${severity}:`, severity === "error" ? "red" : "yellow", "bold")} ${message}`;
      const [, margin, caret] = /^(\s+\| \s*)(\^+)$/.exec(line) ?? [];
      if (caret !== undefined) return `${paint(margin, "dim")}${paint(caret, "green", "bold")}`;
      const [, label, source] = /^(\s+\d+ \| )(.*)$/.exec(line) ?? [];
      if (label !== undefined) return `${paint(label, "dim")}${source}`;
      return /^ {2}\S/.test(line) ? paint(line, "cyan") : line;
    })
    .join("\n");
}

import { visible, visibleColumns, visibleLines } from "../words/names.js";
import { type Diagnostic, lineAndColumn, type Span } from "./diagnostic.js";

/** At most this many diagnostics are written out in full; the rest is counted. */
const MOST_SHOWN = 50;
const WIDEST_EXCERPT = 120;

/** `file:line:column`, 1-based. */
export function formatPlace(span: Span): string {
  const { line, column } = lineAndColumn(span.source, span.start);
  return `${visible(span.source.name)}:${line}:${column}`;
}

/** The line a span starts on, and a caret line under it; long lines are cut around the caret. */
function excerpt(span: Span): string {
  const { text } = span.source;
  const { line, column } = lineAndColumn(span.source, span.start);
  const lineStart = span.start - (column - 1);
  const newline = text.indexOf("\n", span.start);
  const lineEnd = newline === -1 ? text.length : newline;
  const from = column > WIDEST_EXCERPT - 20 ? column - 40 : 0;
  const shown = visibleColumns(
    text.slice(lineStart + from, Math.min(lineEnd, lineStart + from + WIDEST_EXCERPT)),
  );
  const width = Math.max(1, Math.min(Math.min(span.end, lineEnd) - span.start, WIDEST_EXCERPT));
  const label = String(line);
  return [
    `  ${label} | ${shown}`,
    `  ${" ".repeat(label.length)} | ${" ".repeat(column - 1 - from)}${"^".repeat(width)}`,
  ].join("\n");
}

/** One diagnostic for a person: place, message, excerpt with caret, related places, hint. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { severity, message, span, hint, related = [] } = diagnostic;
  const parts = [`${span ? `${formatPlace(span)}: ` : ""}${severity}: ${message}`];
  if (span) parts.push(excerpt(span));
  for (const other of related) {
    parts.push(other.span ? `  ${formatPlace(other.span)}: ${other.message}` : `  ${other.message}`);
    if (other.span) parts.push(excerpt(other.span));
  }
  if (hint) parts.push(`  ${hint}`);
  // Most texts in it are safe already; a message of a library, or of a layer of the user's own, need not be.
  return visibleLines(parts.join("\n"));
}

/** All diagnostics, in the order found. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const shown = diagnostics.slice(0, MOST_SHOWN).map(formatDiagnostic);
  const rest = diagnostics.length - shown.length;
  if (rest > 0) shown.push(`… and ${rest} more`);
  return shown.join("\n\n");
}

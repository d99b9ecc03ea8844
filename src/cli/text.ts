/** Tables, paths and JSON as the command line writes them. */

import { isAbsolute, relative, resolve } from "node:path";
import { visibleLines } from "../../proto/words/names.js";
import type { Io } from "./io.js";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Columns two spaces apart, under their titles and a line; no trailing spaces. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = columns.map(({ title }, i) =>
    rows.reduce((width, row) => Math.max(width, (row[i] ?? "").length), title.length),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) =>
        align === "right" ? (cells[i] ?? "").padStart(widths[i]) : (cells[i] ?? "").padEnd(widths[i]),
      )
      .join("  ")
      .trimEnd();
  return [
    line(columns.map(({ title }) => title)),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map(line),
  ];
}

/** A path of the arguments, as it can be opened; one that works as it is written stays so, for messages. */
export const pathOf = (io: Pick<Io, "cwd">, path: string): string =>
  io.cwd === process.cwd() ? path : resolve(io.cwd, path);

/** A path for people: relative where it lies below the working directory. */
export function shownPath(io: Pick<Io, "cwd">, path: string): string {
  const short = relative(io.cwd, path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}

/**
 * JSON for machines, and safe on a terminal: in its strings what would not show is escaped. Numbers that JSON does not
 * have are written as "NaN", "Infinity" and "-Infinity".
 */
export const json = (value: unknown, indent?: number): string =>
  visibleLines(
    JSON.stringify(
      value,
      (_, item: unknown) => (typeof item === "number" && !Number.isFinite(item) ? String(item) : item),
      indent,
    ),
  );

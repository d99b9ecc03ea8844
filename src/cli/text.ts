/** Numbers, names and tables as people read them. */
import { isAbsolute, relative, resolve } from "node:path";
import type { Io } from "./io.js";

/** 431080 → "431,080". */
export const grouped = (count: number): string =>
  String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

const scaled = (value: number, base: number, units: readonly string[]): string => {
  let unit = 0;
  let rest = value;
  while (rest >= base * 0.9995 && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  const digits = unit === 0 ? 0 : rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0;
  return `${rest.toFixed(digits)} ${units[unit]}`.trim();
};

/** 2293000 → "2.29 M". */
export const thousands = (count: number): string => scaled(count, 1000, ["", "k", "M", "G", "T", "P"]);

/** 1536 → "1.50 KiB". */
export const bytes = (count: number): string => scaled(count, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);

/** 102.4 → "1m 42s"; 3.21 → "3.2s". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60);
  if (hours > 0) return `${hours}h ${String(minutes).padStart(2, "0")}m`;
  return minutes > 0 ? `${minutes}m ${rest.padStart(2, "0")}s` : `${rest}s`;
}

/** "1 file", "2 files". */
export const count = (n: number, what: string): string => `${grouped(n)} ${what}${n === 1 ? "" : "s"}`;

/** `64×1×28×28`; `scalar` for a blob of no axes. */
export const shapeText = (shape: readonly number[]): string =>
  shape.length === 0 ? "scalar" : shape.join("×");

/** Whatever could steer a terminal or break a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get through
const UNSAFE = /[\u0000-\u001f\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A text of a user's file, fit for one line of a terminal: at most `most` long. */
export function safe(name: string, most = 60): string {
  const shown = name.replace(UNSAFE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return shown.length > most ? `${shown.slice(0, most - 1)}…` : shown;
}

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

/** JSON for machines: numbers that JSON does not have are written as "NaN", "Infinity" and "-Infinity". */
export const json = (value: unknown, indent?: number): string =>
  JSON.stringify(
    value,
    (_, item: unknown) => (typeof item === "number" && !Number.isFinite(item) ? String(item) : item),
    indent,
  );

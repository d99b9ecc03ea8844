/** Options of benchmarks: what stands behind their names on the command line. */
import { type ParseArgsConfig, parseArgs } from "node:util";

/** The words of a command line: names of benchmarks, then options from the first word that starts with a dash. */
export function splitWords(words: readonly string[]): {
  readonly names: readonly string[];
  readonly options: readonly string[];
} {
  const first = words.findIndex((word) => word.startsWith("-"));
  const from = first < 0 ? words.length : first;
  return { names: words.slice(0, from), options: words.slice(from) };
}

/**
 * The options of the running benchmark, each with one value.
 *
 * @param defaults by name; undefined where an option need not be given
 * @throws TypeError with a message for people
 */
export function readOptions<D extends Readonly<Record<string, string | undefined>>>(defaults: D): D {
  const options: ParseArgsConfig["options"] = Object.fromEntries(
    Object.keys(defaults).map((name) => [name, { type: "string" }]),
  );
  const args = [...splitWords(process.argv.slice(2)).options];
  return { ...defaults, ...parseArgs({ args, options, allowPositionals: false }).values };
}

/** The words of a list: `a,b`. @throws Error that names the choices */
export function wordsOf<W extends string>(list: string, choices: readonly W[], option: string): readonly W[] {
  const words = list.split(",").filter(Boolean);
  const wrong = words.filter((word) => !choices.includes(word as W));
  if (wrong.length > 0 || words.length === 0)
    throw new Error(`${option} takes some of ${choices.join(", ")}, not ${wrong.join(", ") || "nothing"}`);
  return words as W[];
}

/** A whole number of at least 1. @throws Error that says so */
export function countOf(text: string, option: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new Error(`${option} takes whole numbers of at least 1, not ${text}`);
  return count;
}

/** Whole numbers of at least 1: `1,2`. @throws Error that says so */
export const countsOf = (list: string, option: string): readonly number[] =>
  list.split(",").map((count) => countOf(count, option));

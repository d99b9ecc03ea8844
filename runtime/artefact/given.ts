import { didYouMean } from "../../proto/errors/suggest.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";

/** Values the caller gives, by blob. */
export type Given = Readonly<Record<string, ArrayLike<number>>>;

export const elementsOf = (shape: readonly number[]): number =>
  shape.reduce((product, extent) => product * extent, 1);

/** What there is instead of an unknown name. */
export function instead(name: string, known: Iterable<string>): string {
  const names = [...known];
  const listed = names.length === 0 ? "there is none" : `there is ${names.map(quoted).join(", ")}`;
  const near = didYouMean(name, names);
  return near ? `${near} (${listed})` : listed;
}

/** What is wrong with values given by name, one sentence each: unknown names, wrong lengths, things that are no arrays. */
export function mistakesIn(
  given: unknown,
  known: ReadonlyMap<string, readonly number[]>,
  what: string,
): string[] {
  if (typeof given !== "object" || given === null)
    return [`${what}s are given as an object: { name: Float32Array }`];
  return Object.entries(given as Readonly<Record<string, unknown>>).flatMap(([name, values]) => {
    const shape = known.get(name);
    if (!shape) return [`the net has no ${what} ${quoted(name)}: ${instead(name, known.keys())}`];
    const { length } = (values ?? {}) as { readonly length?: unknown };
    if (typeof values !== "object" || typeof length !== "number")
      return [`${what} ${quoted(name)} is not an array of numbers`];
    const wanted = elementsOf(shape);
    return length === wanted
      ? []
      : [`${what} ${quoted(name)} has shape ${showShape(shape)}, ${wanted} numbers; ${length} were given`];
  });
}

/** @throws Error with all mistakes, a line each */
export function refuse(mistakes: readonly string[]): void {
  if (mistakes.length > 0) throw new Error(mistakes.join("\n"));
}

import { sizeOf } from "../../codegen/ir/graph.js";
import {
  type GivenNumbers,
  isByName,
  isNumbers,
  type TakenByName,
} from "../../proto/arguments/given-numbers.js";
import type { Diagnostic } from "../../proto/errors/diagnostic.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import { shownValue } from "../../proto/words/shown-value.js";
import type { CheckTable } from "./tables.js";

/** Values that the caller gave, by blob: copies, without mistakes. */
export type Given = Readonly<Record<string, GivenNumbers>>;

/** One mistake of whoever calls a net: the sentences are the same wherever it runs. */
export type Mistake = Omit<Diagnostic, "severity">;

/** How a net reports mistakes of its caller. */
export interface ErrorStyle {
  /** What the caller did to have the net, for hints: `compile with keep: …`. */
  readonly made: "compile" | "build";
  /** All mistakes of a call as one error. */
  error(mistakes: readonly Mistake[]): Error;
  /** What a device throws, as the caller is to see it. Default: as it is. */
  readonly thrown?: (reason: unknown) => unknown;
}

/** A mistake as plain text. */
export const mistakeText = ({ message, hint }: Mistake): string => (hint ? `${message}\n  ${hint}` : message);

const listed = (names: Iterable<string>): string => [...names].map(quoted).join(", ") || "none";

/** What is wrong with values taken by name: unknown names, wrong lengths, things that are no arrays. */
export function mistakesIn(
  given: TakenByName,
  allowed: ReadonlyMap<string, readonly number[]>,
  what: "input" | "blob",
): Mistake[] {
  if (!isByName(given))
    return [
      {
        message: `${what}s are given as an object: { name: Float32Array }`,
        hint: `the net has: ${listed(allowed.keys())}`,
      },
    ];
  return Object.entries(given).flatMap(([name, values]): Mistake[] => {
    const shape = allowed.get(name);
    if (!shape)
      return [
        {
          message: `The net has no ${what} ${quoted(name)}`,
          hint: didYouMean(name, allowed.keys()) ?? `it has: ${listed(allowed.keys())}`,
        },
      ];
    if (!isNumbers(values)) return [{ message: `${quoted(name)} ${values.wrong}` }];
    const { length } = values;
    const wanted = sizeOf(shape);
    return length === wanted
      ? []
      : [
          {
            message: `${quoted(name)} has shape ${showShape(shape)}, ${wanted} numbers; ${length} were given`,
          },
        ];
  });
}

/** A value of a check that is out of range; a label that names no class. */
export function outOfRange(
  { min, max, except, message, span }: CheckTable,
  values: ArrayLike<number>,
): Mistake[] {
  for (let at = 0; at < values.length; at++) {
    const whole = Math.trunc(values[at]);
    if (!(whole >= min && whole <= max) && whole !== except)
      return [{ message: `${message}: element ${at} is ${values[at]}`, span }];
  }
  return [];
}

export const unknownBlob = (blob: unknown, known: Iterable<string>): Mistake => ({
  message: `The net has no blob ${shownValue(blob)}`,
  hint: typeof blob === "string" ? didYouMean(blob, known) : `it has: ${listed(known)}`,
});

export const notKept = (blob: string, made: ErrorStyle["made"]): Mistake => ({
  message: `${quoted(blob)} is not kept: its memory is used again`,
  hint: `${made} with keep: [${quoted(blob)}] or keep: "all"`,
});

export const diffNotKept = (layer: string, made: ErrorStyle["made"]): Mistake => ({
  message: `a step does not keep the diffs of layer ${quoted(layer)}'s parameters: they are used up in the update`,
  hint: `${made} with keepDiffs: [${quoted(layer)}] or keepDiffs: "all"`,
});

/** A build has the backward that it was made with; a compiled net makes another. */
export const takesNoDiff = (blob: string, seeds: readonly string[]): Mistake => ({
  message: `${quoted(blob)} takes no diff in this build: ${seeds.length === 0 ? "no blob does" : `${listed(seeds)} do`}`,
  hint: `build with backward: [${quoted(blob)}]`,
});

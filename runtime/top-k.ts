import {
  argumentsOf,
  integer,
  listOf,
  optional,
  optionsOf,
  text,
} from "../proto/arguments/argument-rules.js";
import { numbers } from "../proto/arguments/number-rules.js";

/** A class, and what a net says of it. */
export interface RankedClass {
  readonly index: number;
  readonly score: number;
  /** Of the labels that were given. */
  readonly label?: string;
}

const TOP_K = argumentsOf("topK", {
  scores: numbers,
  options: optional(
    optionsOf<{ readonly k?: number; readonly labels?: readonly string[] }>("topK", {
      k: integer(1),
      labels: listOf("an array of strings", text()),
    }),
  ),
});

/**
 * The greatest of a net's scores, the greatest first, of equal ones the first.
 *
 * @param options `k`: how many, 5 unless told otherwise; `labels`: names by index, the lines of `synset_words.txt`
 */
export function topK(
  scores: ArrayLike<number>,
  options?: { readonly k?: number; readonly labels?: readonly string[] },
): readonly RankedClass[] {
  const given = TOP_K(scores, options);
  const { k = 5, labels } = given.options ?? {};
  // What is no number comes last.
  const of = (index: number): number =>
    Number.isNaN(given.scores[index]) ? Number.NEGATIVE_INFINITY : given.scores[index];
  return Array.from(given.scores.keys())
    .sort((a, b) => (of(a) === of(b) ? a - b : of(b) - of(a)))
    .slice(0, k)
    .map((index) => ({
      index,
      score: given.scores[index],
      ...(labels?.[index] !== undefined && { label: labels[index] }),
    }));
}

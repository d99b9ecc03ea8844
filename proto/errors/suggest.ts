import { quoted } from "../words/names.js";

/** "did you mean …" by edit distance. */

/** Longer names get no suggestion: nobody mistypes them, and the distance costs time. */
const LONGEST_NAME = 64;

/**
 * The candidates nearest to a name, best first, at most `most`. Near means an edit distance of at most a third (one in
 * `share`) of the longer one's length, upper and lower case and `-` and `_` counting as one.
 */
export function nearest(name: string, candidates: Iterable<string>, most = 3, share = 3): string[] {
  if (name.length > LONGEST_NAME) return [];
  const shared = name.endsWith(COMMON_ENDING) ? COMMON_ENDING : "";
  const wanted = plain(name.slice(0, name.length - shared.length));
  const scored: { readonly candidate: string; readonly distance: number }[] = [];
  for (const candidate of candidates) {
    if (!candidate.endsWith(shared) || candidate.length > LONGEST_NAME) continue;
    const found = plain(candidate.slice(0, candidate.length - shared.length));
    const limit = Math.floor(Math.max(wanted.length, found.length) / share);
    if (Math.abs(found.length - wanted.length) > limit) continue;
    const distance = editDistance(wanted, found);
    if (distance <= limit) scored.push({ candidate, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
  const best = scored[0]?.distance ?? 0;
  // What differs in upper and lower case only is what was meant.
  const worst = best === 0 ? 0 : best + 1;
  return scored
    .filter(({ distance }) => distance <= worst)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** `did you mean "a" or "b"?`, or undefined where nothing is near. */
export function didYouMean(
  name: string,
  candidates: Iterable<string>,
  show: (candidate: string) => string = quoted,
  share?: number,
): string | undefined {
  const near = nearest(name, candidates, undefined, share);
  return near.length === 0 ? undefined : `did you mean ${orList(near.map(show))}?`;
}

/** `a`, `a or b`, `a, b or c`. */
export function orList(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
}

/** The ending that most fields of a layer share; it would make all of them look alike. */
const COMMON_ENDING = "_param";

const plain = (name: string): string => name.toLowerCase().replaceAll("-", "_");

/** Edit distance in which a swap of two neighbours counts as one step. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2] + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length];
}

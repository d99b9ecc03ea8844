const LONGEST = 64;

/** Edits (insert, delete, change, swap neighbours) between two short texts, letter case aside. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(change, rows[i - 1]![j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** The candidates that a mistyped name may have meant, best first, at most `most`. */
export function suggestions(given: string, candidates: Iterable<string>, most = 3): readonly string[] {
  if (given.length > LONGEST) return [];
  const wanted = given.toLowerCase();
  const limit = Math.max(1, Math.floor(given.length * 0.4));
  return [...new Set(candidates)]
    .filter((name) => Math.abs(name.length - given.length) <= limit)
    .map((name) => ({ name, edits: distance(wanted, name.toLowerCase()) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
}

/** `did you mean "a" or "b"?`, or undefined when nothing is near. */
export function didYouMean(given: string, candidates: Iterable<string>): string | undefined {
  const near = suggestions(given, candidates).map((name) => JSON.stringify(name));
  if (near.length === 0) return undefined;
  const last = near.pop()!;
  return `did you mean ${near.length > 0 ? `${near.join(", ")} or ` : ""}${last}?`;
}

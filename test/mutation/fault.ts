/** A small fault, as a hand makes it, and the quick tests of which one must fail. */
export interface Fault {
  readonly file: string;
  /** Stands just once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Files, and `-t` with a pattern, for vitest. */
  readonly tests: readonly string[];
  /** Why no test can see it, where none can. */
  readonly unseen?: string;
}

type Change = readonly [find: string, replace: string, tests?: readonly string[], unseen?: string];

export const faultsIn = (
  file: string,
  tests: readonly string[],
  ...changes: readonly Change[]
): readonly Fault[] =>
  changes.map(([find, replace, own = tests, unseen]) => ({ file, find, replace, tests: own, unseen }));

/** The oracle's cases of some layer types. */
export const oracle = (types: string): readonly string[] => ["test/oracle/layers.test.ts", "-t", types];

/** Tests that more than one floor has. */
export const OPS: readonly string[] = [
  "test/codegen/lower/ops.test.ts",
  "test/codegen/lower/random-graphs.test.ts",
];
export const UPDATES: readonly string[] = ["test/src/solvers/updates.test.ts"];
export const WEIGHTS: readonly string[] = [
  "test/runtime/weights/round-trip.test.ts",
  "test/runtime/weights/caffemodel.test.ts",
  "test/runtime/weights/wrong-files.test.ts",
];
export const WIDTH: readonly string[] = ["test/codegen/kernel/index-width.test.ts"];

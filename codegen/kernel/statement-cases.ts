import type { Statement } from "./kernel.js";

type Of<K extends Statement["kind"]> = Extract<Statement, { readonly kind: K }>;

/** For each kind of statement, what is done with it; `given` is handed on to those that stand in it. */
export type StatementCases<Given> = {
  readonly [K in Statement["kind"]]: (statement: Of<K>, given: Given) => void;
};

/** Statements one after the other. */
export function eachStatement<Given>(
  statements: readonly Statement[],
  cases: StatementCases<Given>,
  given: Given,
): void {
  // The case of a kind takes the statements of that kind.
  for (const statement of statements)
    (cases[statement.kind] as (statement: Statement, given: Given) => void)(statement, given);
}

import type { Statement, Variable } from "./kernel.js";
import { rewriteInside } from "./rewrite-forms.js";
import { visit } from "./visit-forms.js";

/** Without locals that nothing reads. */
export function dropUnused(statements: readonly Statement[]): readonly Statement[] {
  const used = new Set<Variable>();
  visit(statements, (form) => {
    if (form.kind === "var" || form.kind === "local") used.add(form.variable);
  });
  let dropped = false;
  const block = (all: readonly Statement[]): readonly Statement[] => {
    const kept = all.filter((x) => x.kind !== "declare" || x.mutable || used.has(x.variable));
    if (kept.length < all.length) dropped = true;
    return kept.map((statement) => rewriteInside(statement, { block, ...UNCHANGED }));
  };
  const kept = block(statements);
  // What only a dropped local read is unused now.
  return dropped ? dropUnused(kept) : statements;
}

/** Locals are declared by statements: nothing of an expression is rewritten. */
const UNCHANGED = {
  index: <T>(form: T) => form,
  value: <T>(form: T) => form,
  condition: <T>(form: T) => form,
};

import { type Form, fieldsOf, shapeOf } from "./children.js";
import type { Condition, Index, Statement, Value } from "./kernel.js";

/**
 * What takes the place of a form of a sort, and of the statements of a body; where there is no such function,
 * `rewriteInside` does. A function that has nothing to say of a form calls that as well.
 */
export interface Rewriter {
  readonly index?: (form: Index) => Index;
  readonly value?: (form: Value) => Value;
  readonly condition?: (form: Condition) => Condition;
  readonly statement?: (form: Statement) => Statement;
  readonly block?: (block: readonly Statement[], of: Statement) => readonly Statement[];
}

/** The form with what stands in it rewritten; itself where nothing changed. */
export function rewriteInside<F extends Form>(form: F, rewriter: Rewriter): F {
  const fields = fieldsOf(form);
  let changed: Record<string, unknown> | undefined;
  for (const field of shapeOf(form).children) {
    const held = fields[field];
    const rewritten = "kind" in held ? rewrite(held, rewriter) : rewriteList(held, form, rewriter);
    if (rewritten === held) continue;
    changed ??= copyOf(form);
    changed[field] = rewritten;
  }
  // Fields are replaced by forms of their own sort: the copy is of the form's type.
  return (changed as F | undefined) ?? form;
}

function rewrite(form: Form, rewriter: Rewriter): Form {
  // The function of a sort takes any form of it.
  const own = rewriter[shapeOf(form).sort] as ((form: Form) => Form) | undefined;
  return own ? own(form) : rewriteInside(form, rewriter);
}

function rewriteList(forms: readonly Form[], of: Form, rewriter: Rewriter): readonly Form[] {
  if (rewriter.block && (of.kind === "for" || of.kind === "if"))
    return rewriter.block(forms as readonly Statement[], of);
  const rewritten = forms.map((form) => rewrite(form, rewriter));
  return rewritten.some((form, i) => form !== forms[i]) ? rewritten : forms;
}

/** What was derived of a form is kept with it under symbols: of a copy that changes it is not true. */
function copyOf(form: Form): Record<string, unknown> {
  const fields = fieldsOf(form);
  const copy: Record<string, unknown> = {};
  for (const field in fields) copy[field] = fields[field];
  return copy;
}

import { shapeOf } from "./children.js";
import { boundsOf, sub } from "./indices.js";
import type { Index, Kernel, Statement, Value, Variable } from "./kernel.js";
import { type Rewriter, rewriteInside } from "./rewrite-forms.js";
import { firstFree, visit } from "./visit-forms.js";

/**
 * Computes reals that a loop does not change in front of it: a channel's scale is loaded and its root drawn once, not at
 * each pixel. Compilers of C cannot, as far as they know: what a loop stores might be what it loads. But a buffer that
 * a kernel only reads shares memory with one that it writes in place alone, element by element, so what is read at a
 * place that the loop does not move is nothing that the loop writes.
 *
 * Only what every turn computes is moved, and of loops that surely turn.
 */
export function hoistValues(kernel: Kernel): Kernel {
  let fresh = firstFree(kernel);

  const block = (statements: readonly Statement[]): readonly Statement[] =>
    statements.flatMap((statement) => {
      if (statement.kind === "if")
        return [{ ...statement, whenTrue: block(statement.whenTrue), otherwise: block(statement.otherwise) }];
      return statement.kind === "for" ? loop({ ...statement, body: block(statement.body) }) : [statement];
    });

  const loop = (statement: Loop): readonly Statement[] => {
    if (boundsOf(sub(statement.to, statement.from))[0] <= 0) return [statement];
    const inside = definedIn(statement);
    const isFixed = (x: Value | Index): boolean => isInvariant(x, inside, kernel);
    const front: Statement[] = [];
    const known = new Map<string, Value>();
    const rewriter: Rewriter = {
      index: (form) => form,
      value(form) {
        if (form.kind === "local" || form.kind === "const") return form;
        if (isFixed(form) && isWorth(form)) {
          const key = JSON.stringify(form, exactly);
          let local = known.get(key);
          if (!local) {
            local = { kind: "local", variable: fresh };
            front.push({ kind: "declare", variable: fresh++, mutable: false, type: "real", value: form });
            known.set(key, local);
          }
          return local;
        }
        // What a guard protects is not computed in every turn.
        return form.kind === "guard" ? form : rewriteInside(form, rewriter);
      },
    };
    const body = statement.body.flatMap((one): readonly Statement[] => {
      if (one.kind === "declare" && !one.mutable && isFixed(one.value)) {
        front.push(one);
        inside.delete(one.variable);
        return [];
      }
      return one.kind === "for" || one.kind === "if" ? [one] : [rewriteInside(one, rewriter)];
    });
    return [...front, { ...statement, body }];
  };
  return { ...kernel, prologue: block(kernel.prologue), body: block(kernel.body) };
}

type Loop = Statement & { readonly kind: "for" };

/** Variables that a loop defines or changes. */
function definedIn(loop: Loop): Set<Variable> {
  const defined = new Set<Variable>();
  visit(loop, (form) => {
    if (form.kind === "for" || form.kind === "declare" || form.kind === "assign") defined.add(form.variable);
    // Statements stand in statements only.
    return shapeOf(form).sort === "statement";
  });
  return defined;
}

function isInvariant(x: Value | Index, inside: ReadonlySet<Variable>, { buffers }: Kernel): boolean {
  let fixed = true;
  visit(x, (form) => {
    if (form.kind === "var" || form.kind === "local") fixed &&= !inside.has(form.variable);
    else if (form.kind === "load" || form.kind === "iload")
      fixed &&= form.buffer >= 0 && buffers[form.buffer].access === "read";
    else if (form.kind === "exchange" || form.kind === "guard") fixed = false;
    return fixed;
  });
  return fixed;
}

/** A sum of locals costs no more than a local. */
function isWorth(x: Value): boolean {
  let worth = false;
  visit(x, (form) => {
    worth ||= form.kind === "load" || form.kind === "unary" || (form.kind === "binary" && form.op === "div");
    return !worth;
  });
  return worth;
}

/** JSON has no −0, no infinity and no NaN. */
const exactly = (_name: string, x: unknown): unknown =>
  typeof x === "number" && (!Number.isFinite(x) || Object.is(x, -0))
    ? `${Object.is(x, -0) ? "-" : ""}${x}`
    : x;

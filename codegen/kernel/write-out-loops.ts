import { add, addInt, boundsOf, div, int, max, mul, sub, variable as variableOf, ZERO } from "./indices.js";
import type { Index, Kernel, Statement, Variable } from "./kernel.js";
import { type Rewriter, rewriteInside } from "./rewrite-forms.js";
import { firstFree } from "./visit-forms.js";

type Loop = Statement & { readonly kind: "for" };

/**
 * Writes out loops that are to be, and turns of those that make some between two tests: for languages whose compilers
 * do not.
 */
export function writeOutLoops(kernel: Kernel): Kernel {
  let fresh = firstFree(kernel);
  const copy = (statements: readonly Statement[], of: Variable, index: Index): readonly Statement[] => {
    const copied = copyStatements(statements, new Map([[of, index]]), fresh);
    fresh = copied.next;
    return copied.statements;
  };

  /** All turns, one after the other; undefined where it is not known how many there are. */
  const wholly = ({ variable, from, to, step, body }: Loop): readonly Statement[] | undefined => {
    if (from.kind !== "int" || to.kind !== "int") return undefined;
    const turns = Math.max(0, Math.ceil((to.value - from.value) / step));
    return Array.from({ length: turns }, (_, turn) =>
      copy(body, variable, int(from.value + turn * step)),
    ).flat();
  };
  /** So many turns at once, then those that are left. */
  const together = (loop: Loop, turns: number): readonly Statement[] => {
    const { variable, from, to, step, body } = loop;
    const count = sub(to, from);
    const [least, most] = boundsOf(count);
    const known = least === most;
    if (step !== 1 || (known && least < turns)) return [loop];
    const whole = known
      ? int(least - (least % turns))
      : mul(div(least < 0 ? max(count, ZERO) : count, turns), turns);
    const end = add(from, whole);
    const first = variableOf(variable, boundsOf(from)[0], boundsOf(to)[1] - 1);
    const main: Loop = {
      kind: "for",
      variable,
      from,
      to: end,
      step: turns,
      unrolled: false,
      body: [
        ...body,
        ...Array.from({ length: turns - 1 }, (_, i) => copy(body, variable, addInt(first, i + 1))).flat(),
      ],
    };
    if (known && least % turns === 0) return [main];
    const rest = fresh++;
    const restOf = variableOf(rest, boundsOf(from)[0], boundsOf(to)[1] - 1);
    const left: Loop = {
      ...{ kind: "for", variable: rest, from: end, to, step: 1, unrolled: false },
      body: copy(body, variable, restOf),
    };
    return [main, left];
  };

  const block = (statements: readonly Statement[]): readonly Statement[] =>
    statements.flatMap((statement): readonly Statement[] => {
      if (statement.kind === "if")
        return [{ ...statement, whenTrue: block(statement.whenTrue), otherwise: block(statement.otherwise) }];
      if (statement.kind !== "for") return [statement];
      const { turns, ...loop } = { ...statement, body: block(statement.body) };
      if (loop.unrolled) return wholly(loop) ?? [{ ...loop, unrolled: false }];
      return turns && turns > 1 ? together(loop, turns) : [loop];
    });

  return { ...kernel, prologue: block(kernel.prologue), body: block(kernel.body) };
}

/** Statements with other integers for some variables, and with variables of their own, numbered from `next`. */
function copyStatements(
  statements: readonly Statement[],
  indices: Map<Variable, Index>,
  next: Variable,
): { readonly statements: readonly Statement[]; readonly next: Variable } {
  let fresh = next;
  /** What is declared in them. Of an integer that is assigned, what it lies between is told where it is read. */
  const declared = new Map<Variable, Variable>();
  const own = (variable: Variable): Variable => declared.get(variable) ?? variable;
  const rewriter: Rewriter = {
    index(form) {
      if (form.kind !== "var") return rewriteInside(form, rewriter);
      const number = declared.get(form.variable);
      if (number !== undefined) return variableOf(number, form.least, form.greatest);
      return indices.get(form.variable) ?? form;
    },
    value: (form) =>
      form.kind === "local" ? { kind: "local", variable: own(form.variable) } : rewriteInside(form, rewriter),
    statement(form) {
      if (form.kind === "declare") {
        const inside = rewriteInside(form, rewriter);
        const number = fresh++;
        declared.set(form.variable, number);
        return { ...inside, variable: number };
      }
      if (form.kind === "for") {
        // Its bounds stand outside of it.
        const bounded = rewriteInside(form, { index: rewriter.index, block: (body) => body });
        const number = fresh++;
        indices.set(form.variable, variableOf(number, boundsOf(form.from)[0], boundsOf(form.to)[1] - 1));
        return { ...bounded, variable: number, body: form.body.map(statementOf) };
      }
      if (form.kind === "assign") {
        const inside = rewriteInside(form, rewriter);
        return { ...inside, variable: own(form.variable) };
      }
      return rewriteInside(form, rewriter);
    },
  };
  const statementOf = (form: Statement): Statement => rewriter.statement?.(form) ?? form;
  return { statements: statements.map(statementOf), next: fresh };
}

import { boundsOf, keyOf, sumOf, termsOf, variable } from "./indices.js";
import type { Index, Statement, Variable } from "./kernel.js";
import { type Rewriter, rewriteInside } from "./rewrite-forms.js";
import { visit } from "./visit-forms.js";

/**
 * Computes parts of index sums where their last variable is bound instead of in the innermost loop:
 * `b[n·784 + h·28 + w]` becomes `t = n·784`, `u = t + h·28`, `b[u + w]`, each in its own loop. Compilers of C do
 * this by themselves; V8 does not.
 */
interface Frame {
  readonly items: Statement[];
  readonly loop: boolean;
  readonly shared: Map<string, Index>;
  /** What sums of these terms became in this frame: a tile's stores differ in their constants only. */
  readonly lifted: Map<Terms, Terms>;
}

type Terms = ReturnType<typeof termsOf>["terms"];

/** Loop bodies of a kernel with index sums hoisted; new locals are numbered from `next`. */
export function hoistIndices(
  body: readonly Statement[],
  outermost: readonly Variable[],
  next: Variable,
): { readonly body: readonly Statement[]; readonly next: Variable } {
  let fresh = next;
  const frames: Frame[] = [];
  /** Number of the frame that binds a variable; a mutable one is never hoisted. */
  const levels = new Map<Variable, number>(outermost.map((v) => [v, 0]));

  const levelOf = (index: Index): number => {
    // Nearly all are.
    if (index.kind === "var") return levels.get(index.variable) ?? Number.POSITIVE_INFINITY;
    let level = 0;
    visit(index, (form) => {
      if (form.kind === "var") level = Math.max(level, levels.get(form.variable) ?? Number.POSITIVE_INFINITY);
      else if (form.kind === "iload" || form.kind === "truncate") level = Number.POSITIVE_INFINITY;
      return level < Number.POSITIVE_INFINITY;
    });
    return level;
  };

  const innermostLoop = (frame: number): number => {
    for (let f = frame; f > 0; f--) if (frames[f].loop) return f;
    return 0;
  };

  /** Terms as seen from `frame`: those bound outside its innermost loop become one local. */
  const lift = (terms: Terms, frame: number): Terms => {
    const boundary = innermostLoop(frame);
    const outer = terms.filter((term) => levelOf(term.atom) < boundary);
    if (outer.length === 0) return terms;
    const inner = terms.filter((term) => levelOf(term.atom) >= boundary);
    const home = Math.max(...outer.map((term) => levelOf(term.atom)));
    const sum = sumOf(lift(outer, home), 0);
    if (sum.kind === "var") return [...inner, ...termsOf(sum).terms];
    const { items, shared } = frames[home];
    const key = keyOf(sum);
    let local = shared.get(key);
    if (!local) {
      const number = fresh++;
      local = variable(number, ...boundsOf(sum));
      shared.set(key, local);
      levels.set(number, home);
      items.push({ kind: "declare", variable: number, mutable: false, type: "index", value: sum });
    }
    return [...inner, ...termsOf(local).terms];
  };

  const index = (x: Index): Index => {
    const { terms, constant } = termsOf(x);
    // A load is not a sum, and what places it is computed where it stands.
    if (terms.length === 0 || (terms.length === 1 && terms[0].atom.kind === "iload" && terms[0].factor === 1))
      return x;
    const { lifted } = frames[frames.length - 1];
    let result = lifted.get(terms);
    if (!result) {
      const inside = terms.map((term) => {
        const atom =
          levelOf(term.atom) < innermostLoop(frames.length - 1)
            ? term.atom
            : rewriteInside(term.atom, rewriter);
        return atom === term.atom ? term : { atom, factor: term.factor, key: keyOf(atom) };
      });
      result = termsOf(sumOf(lift(inside, frames.length - 1), 0)).terms;
      lifted.set(terms, result);
    }
    return sumOf(result, constant);
  };

  const block = (statements: readonly Statement[], of?: Statement): readonly Statement[] => {
    const level = frames.length;
    const frame: Frame = { items: [], loop: of?.kind !== "if", shared: new Map(), lifted: new Map() };
    frames.push(frame);
    if (of?.kind === "for") levels.set(of.variable, level);
    for (const statement of statements) {
      frame.items.push(rewriteInside(statement, rewriter));
      if (statement.kind === "declare" && statement.type === "index" && !statement.mutable)
        levels.set(statement.variable, level);
    }
    frames.pop();
    return frame.items;
  };

  const rewriter: Rewriter = { index, block };
  return { body: block(body), next: fresh };
}

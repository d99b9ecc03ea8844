import { boundsOf, keyOf, sumOf, termsOf, variable } from "./indices.js";
import type { Condition, Index, Statement, Typed, Value, Variable } from "./kernel.js";

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
    switch (index.kind) {
      case "int":
        return 0;
      case "var":
        return levels.get(index.variable) ?? Number.POSITIVE_INFINITY;
      case "iload":
      case "truncate":
        return Number.POSITIVE_INFINITY;
      default:
        return Math.max(levelOf(index.a), levelOf(index.b));
    }
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
    if (terms.length === 0) return x;
    const { lifted } = frames[frames.length - 1];
    let result = lifted.get(terms);
    if (!result) {
      const inside = terms.map((term) => {
        const atom = atomOf(term.atom);
        return atom === term.atom ? term : { atom, factor: term.factor, key: keyOf(atom) };
      });
      result = termsOf(sumOf(lift(inside, frames.length - 1), 0)).terms;
      lifted.set(terms, result);
    }
    return sumOf(result, constant);
  };

  /** The operands of an atom that stays where it is. */
  const atomOf = (atom: Index): Index => {
    switch (atom.kind) {
      case "int":
      case "var":
        return atom;
      case "iload":
        return { ...atom, at: index(atom.at) };
      case "truncate":
        return { kind: "truncate", value: value(atom.value) };
      default:
        if (levelOf(atom) < innermostLoop(frames.length - 1)) return atom;
        return { kind: atom.kind, a: index(atom.a), b: index(atom.b) };
    }
  };

  const condition = (x: Condition): Condition => {
    switch (x.kind) {
      case "compare":
        return { ...x, a: index(x.a), b: index(x.b) };
      case "compareValue":
        return { ...x, a: value(x.a), b: value(x.b) };
      case "and":
        return { kind: "and", all: x.all.map(condition) };
      default:
        return x satisfies never;
    }
  };

  const value = (x: Value): Value => {
    switch (x.kind) {
      case "const":
      case "local":
        return x;
      case "load":
        return { ...x, at: index(x.at) };
      case "fromIndex":
        return { kind: "fromIndex", index: index(x.index) };
      case "unary":
      case "shaped":
        return { ...x, x: value(x.x) };
      case "binary":
        return { ...x, a: value(x.a), b: value(x.b) };
      case "fma":
        return { kind: "fma", a: value(x.a), b: value(x.b), c: value(x.c) };
      case "exchange":
        return { ...x, value: value(x.value) };
      case "select":
        return {
          ...x,
          left: value(x.left),
          right: value(x.right),
          whenTrue: value(x.whenTrue),
          otherwise: value(x.otherwise),
        };
      case "guard":
        return {
          kind: "guard",
          condition: condition(x.condition),
          whenTrue: value(x.whenTrue),
          otherwise: value(x.otherwise),
        };
      case "random":
        return { ...x, step: value(x.step), element: index(x.element) };
      default:
        return x satisfies never;
    }
  };

  const typed = (x: Typed): Typed =>
    x.type === "real" ? { type: "real", value: value(x.value) } : { type: "index", value: index(x.value) };

  const block = (statements: readonly Statement[], loop: boolean, own?: Variable): readonly Statement[] => {
    const frame: Frame = { items: [], loop, shared: new Map(), lifted: new Map() };
    frames.push(frame);
    const level = frames.length - 1;
    if (own !== undefined) levels.set(own, level);
    for (const statement of statements) {
      switch (statement.kind) {
        case "for": {
          const from = index(statement.from);
          const to = index(statement.to);
          const inner = block(statement.body, true, statement.variable);
          frame.items.push({ ...statement, from, to, body: inner });
          break;
        }
        case "declare":
          frame.items.push({ ...statement, ...typed(statement) });
          if (statement.type === "index" && !statement.mutable) levels.set(statement.variable, level);
          break;
        case "assign":
          frame.items.push({ ...statement, ...typed(statement) });
          break;
        case "store":
          frame.items.push({ ...statement, at: index(statement.at), ...typed(statement) });
          break;
        case "if": {
          const test = condition(statement.condition);
          const whenTrue = block(statement.whenTrue, false);
          const otherwise = block(statement.otherwise, false);
          frame.items.push({ kind: "if", condition: test, whenTrue, otherwise });
          break;
        }
        case "barrier":
          frame.items.push(statement);
          break;
        default:
          statement satisfies never;
      }
    }
    frames.pop();
    return frame.items;
  };

  const hoisted = block(body, true);
  return { body: hoisted, next: fresh };
}

import { isIndex } from "../kernel/children.js";
import { sub, termsOf } from "../kernel/indices.js";
import type { Condition, Index, Kernel, Memory, Statement, Value, Variable } from "../kernel/kernel.js";
import { visit } from "../kernel/visit-forms.js";

/**
 * How an integer differs from lane to lane of a team: by a constant step (0: it is the same in all of them), or in no way
 * that is known.
 */
export type LaneStep = number | "varying";

/** What is the same in all lanes of a kernel's team, and what is not. Of a kernel without a team everything is the same. */
export interface LaneShapes {
  index(x: Index): LaneStep;
  /** Whether a real, or a condition, differs between lanes. */
  varies(x: Value | Condition): boolean;
  /** A variable: whether it holds a real that varies, or how its integer moves. */
  variable(v: Variable): LaneStep;
  /** The condition holds for the first so many lanes and no others; undefined where that is not known. */
  prefix(x: Condition): number | undefined;
  /** Whether all lanes make the same number of turns. */
  loopsTogether(loop: Statement & { readonly kind: "for" }): boolean;
}

export function laneShapes({ team, scratch, prologue, body }: Kernel): LaneShapes {
  const steps = new Map<Variable, LaneStep>();
  if (team) steps.set(team.variable, 1);
  /** Memory that each lane has for itself. */
  const isOwn = (buffer: Memory): boolean => buffer < 0 && !scratch[-1 - buffer].team;
  const shapes = shapesBy((v) => steps.get(v) ?? 0, team, isOwn);
  if (!team) return remembering(shapes);

  // What is assigned in a loop is read by statements before it: until nothing changes any more.
  let changed = true;
  const learn = (v: Variable, step: LaneStep): void => {
    const known = steps.get(v) ?? 0;
    if (known === step || known === "varying") return;
    // A step once learnt of an immutable variable is exact; any other change is one of a mutable variable.
    steps.set(v, step);
    changed = true;
  };
  const declaredUnder = new Map<Variable, number>();
  let masks = 0;
  const declare = (statement: Statement & { readonly kind: "declare" }, mask: number): void => {
    declaredUnder.set(statement.variable, mask);
    const step =
      statement.type === "index"
        ? shapes.index(statement.value)
        : shapes.varies(statement.value)
          ? "varying"
          : 0;
    learn(statement.variable, statement.mutable && step !== 0 ? "varying" : step);
  };
  const assign = (statement: Statement & { readonly kind: "assign" }, mask: number): void => {
    const varies =
      statement.type === "real" ? shapes.varies(statement.value) : shapes.index(statement.value) !== 0;
    // Where only some lanes assign, the others keep what they have.
    if (varies || declaredUnder.get(statement.variable) !== mask) learn(statement.variable, "varying");
  };
  const loop = (statement: Statement & { readonly kind: "for" }, mask: number): void => {
    const together = shapes.loopsTogether(statement);
    learn(statement.variable, together ? shapes.index(statement.from) : "varying");
    walk(statement.body, together ? mask : ++masks);
  };
  const walk = (statements: readonly Statement[], mask: number): void => {
    for (const statement of statements) {
      if (statement.kind === "declare") declare(statement, mask);
      else if (statement.kind === "assign") assign(statement, mask);
      else if (statement.kind === "for") loop(statement, mask);
      else if (statement.kind === "if") {
        const varies = shapes.varies(statement.condition);
        walk(statement.whenTrue, varies ? ++masks : mask);
        walk(statement.otherwise, varies ? ++masks : mask);
      }
    }
  };
  while (changed) {
    changed = false;
    masks = 0;
    walk([...prologue, ...body], 0);
  }
  return remembering(shapes);
}

/** What is told of a form, once nothing more is learnt, is the same each time. */
function remembering(shapes: LaneShapes): LaneShapes {
  const steps = new Map<Index, LaneStep>();
  const varying = new Map<Value | Condition, boolean>();
  return {
    ...shapes,
    index(x) {
      const step = steps.get(x) ?? shapes.index(x);
      steps.set(x, step);
      return step;
    },
    varies(x) {
      const varies = varying.get(x) ?? shapes.varies(x);
      varying.set(x, varies);
      return varies;
    },
  };
}

function shapesBy(
  variable: (v: Variable) => LaneStep,
  team: Kernel["team"],
  isOwn: (buffer: Memory) => boolean,
): LaneShapes {
  const ofAtom = (atom: Index): LaneStep => {
    if (atom.kind === "var") return variable(atom.variable);
    return someVaries(atom) ? "varying" : 0;
  };
  /** Whether anything in a form differs between lanes. */
  const someVaries = (form: Index | Value | Condition): boolean => {
    let found = false;
    visit(form, (inner) => {
      if (inner.kind === "var" || inner.kind === "local") found ||= variable(inner.variable) !== 0;
      else if (inner.kind === "exchange") found = true;
      else if (inner.kind === "load" && team && isOwn(inner.buffer)) found = true;
      // A sum of what varies may be the same everywhere.
      else if (isIndex(inner) && isSum(inner) && index(inner) === 0) return false;
      else if (inner.kind === "compare" && index(sub(inner.a, inner.b)) === 0) return false;
      return !found;
    });
    return found;
  };
  const index = (x: Index): LaneStep => {
    let sum = 0;
    for (const { atom, factor } of termsOf(x).terms) {
      const step = ofAtom(atom);
      if (step === "varying") return "varying";
      sum += factor * step;
    }
    return sum;
  };
  return {
    index,
    varies: someVaries,
    variable,
    prefix(x) {
      if (x.kind !== "compare" || x.cmp !== "lt" || !team) return undefined;
      const { terms, constant } = termsOf(sub(x.b, x.a));
      const [only] = terms;
      if (terms.length !== 1 || only.factor !== -1) return undefined;
      if (only.atom.kind !== "var" || only.atom.variable !== team.variable) return undefined;
      return Math.max(0, Math.min(team.threads, constant));
    },
    loopsTogether: ({ from, to }) => {
      const [start, end] = [index(from), index(to)];
      return start !== "varying" && start === end;
    },
  };
}

/** A product of two variables is no sum. */
const isSum = (x: Index): boolean =>
  (x.kind === "iadd" || x.kind === "isub" || x.kind === "imul") &&
  termsOf(x).terms.every(({ atom }) => atom !== x);

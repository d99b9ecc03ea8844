import {
  BINARY,
  type BinaryChange,
  type Change as ChangeOf,
  SHAPED,
  type ShapedChange,
  UNARY,
  type UnaryChange,
} from "./ops/scalar-functions.js";
import {
  ALGEBRA,
  arg,
  type BinaryOp,
  binaryFunction,
  constant,
  NOTHING,
  replace,
  type Scalar,
  type ShapedOp,
  scalarKey,
  select,
  shapedFunction,
  times,
  type UnaryOp,
  unaryFunction,
} from "./scalar.js";

/** How an expression changes with an operand. */
export type Change = ChangeOf<Scalar>;

/** The derivatives of the scalar functions, each asked only where an operand changes. */
export interface ScalarRules {
  readonly unary: { readonly [K in UnaryOp]: (of: UnaryChange<Scalar>) => Change };
  readonly shaped: { readonly [K in ShapedOp]: (of: ShapedChange<Scalar>) => Change };
  readonly binary: { readonly [K in BinaryOp]: (of: BinaryChange<Scalar>) => Change };
  /** Of the sides: the condition has no derivative. */
  readonly select: (
    e: Extract<Scalar, { kind: "select" }>,
    then: Scalar | undefined,
    otherwise: Scalar | undefined,
  ) => Change;
}

const ruleOf = <K extends string, R>(table: Readonly<Record<K, unknown>>, rule: (op: K) => R) =>
  Object.fromEntries((Object.keys(table) as K[]).map((op) => [op, rule(op)])) as { readonly [P in K]: R };

/** Those of the functions' records. */
export const SCALAR_RULES: ScalarRules = {
  unary: ruleOf(UNARY, (op) => (of) => unaryFunction(op).derivative?.(of, ALGEBRA)),
  shaped: ruleOf(SHAPED, (op) => (of) => shapedFunction(op).derivative(of, ALGEBRA)),
  binary: ruleOf(BINARY, (op) => (of) => binaryFunction(op).derivative(of, ALGEBRA)),
  select(e, then, otherwise) {
    if (!then && !otherwise) return undefined;
    const [left, right] = [then ?? NOTHING, otherwise ?? NOTHING];
    return { relative: false, d: select(e.cmp, e.left, e.right, left, right) };
  },
};

/**
 * The derivative of `expr` in operand `index`, over the operands and, as operand number `operands`, the
 * expression's own value. It prefers that value: sigmoid gives y·(1 − y), a quotient in its divisor −y/b. Where
 * there is no derivative it is Caffe's: ReLU and the like take the side of x ≤ 0 at 0, `max(a, b)` and `min(a, b)`
 * go to b on a tie, |x| has 0 at 0; `floor`, `sign`, coordinates and conditions have none.
 */
export function derivative(
  expr: Scalar,
  index: number,
  operands: number,
  rules: ScalarRules = SCALAR_RULES,
): Scalar {
  const whole = scalarKey(expr);
  const isLeaf = expr.kind === "const" || expr.kind === "arg" || expr.kind === "coord";
  const result = absolute(expr, change(expr));
  if (!result) return constant(0);
  return replace(result, (part) =>
    !isLeaf && part.kind === expr.kind && scalarKey(part) === whole ? arg(operands) : undefined,
  );

  function change(e: Scalar): Change {
    const isWhole = e === expr;
    switch (e.kind) {
      case "const":
      case "coord":
        return undefined;
      case "arg":
        return e.index === index ? { relative: false, d: constant(1) } : undefined;
      case "unary": {
        const dx = change(e.x);
        const inner = absolute(e.x, dx);
        return dx && inner && rules.unary[e.op]({ e, x: e.x, isWhole, dx, inner });
      }
      case "shaped": {
        const dx = change(e.x);
        const inner = absolute(e.x, dx);
        return dx && inner && rules.shaped[e.op]({ e, x: e.x, alpha: e.alpha, isWhole, dx, inner });
      }
      case "binary": {
        const [ca, cb] = [change(e.a), change(e.b)];
        const [da, db] = [absolute(e.a, ca), absolute(e.b, cb)];
        return da || db ? rules.binary[e.op]({ e, a: e.a, b: e.b, isWhole, ca, cb, da, db }) : undefined;
      }
      case "select":
        return rules.select(e, absolute(e.then, change(e.then)), absolute(e.otherwise, change(e.otherwise)));
      default:
        return e satisfies never;
    }
  }
}

/** A change of `e` as a derivative. */
function absolute(e: Scalar, change: Change): Scalar | undefined {
  return change && (change.relative ? times(e, change.k) : change.d);
}

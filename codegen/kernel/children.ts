import { InternalError } from "../../proto/errors/index.js";
import type { Condition, Index, Statement, Value } from "./kernel.js";

/** The forms of the kernel language by their sort. No two forms share a kind. */
interface Sorts {
  readonly index: Index;
  readonly value: Value;
  readonly condition: Condition;
  readonly statement: Statement;
}
export type Sort = keyof Sorts;
export type Form = Sorts[Sort];
/** The forms that stand for something: what is told of them follows from what stands in them. */
export type Expression = Index | Value | Condition;

/** The form, or forms, of a kind. */
export type FormOf<K extends Form["kind"], F extends Form = Form> = F extends Form
  ? K extends F["kind"]
    ? F
    : never
  : never;

/** What a field holds; `expression`: an index or a value, as the statement's `type` says. */
type FieldSort<T> = [T] extends [Index]
  ? "index"
  : [T] extends [Value]
    ? "value"
    : [T] extends [Index | Value]
      ? "expression"
      : [T] extends [Condition]
        ? "condition"
        : [T] extends [readonly Condition[]]
          ? "conditions"
          : [T] extends [readonly Statement[]]
            ? "block"
            : [T] extends [readonly Value[]]
              ? "values"
              : never;
export type Children<F extends Form> = {
  readonly [K in Exclude<keyof F, "kind"> as [FieldSort<F[K]>] extends [never] ? never : K]: FieldSort<F[K]>;
};

const NONE = {} as const;
const TWO_INDICES = { a: "index", b: "index" } as const;
const TWO_VALUES = { a: "value", b: "value" } as const;

/** For each kind of form, the fields that hold others, in the order in which they are evaluated and written. */
const CHILDREN: {
  readonly [S in Sort]: { readonly [K in Sorts[S]["kind"]]: Children<FormOf<K>> };
} = {
  index: {
    int: NONE,
    var: NONE,
    iadd: TWO_INDICES,
    isub: TWO_INDICES,
    imul: TWO_INDICES,
    idiv: TWO_INDICES,
    imod: TWO_INDICES,
    imin: TWO_INDICES,
    imax: TWO_INDICES,
    iload: { at: "index" },
    truncate: { value: "value" },
  },
  value: {
    const: NONE,
    local: NONE,
    load: { at: "index" },
    fromIndex: { index: "index" },
    unary: { x: "value" },
    shaped: { x: "value" },
    binary: TWO_VALUES,
    fma: { a: "value", b: "value", c: "value" },
    exchange: { value: "value" },
    select: { left: "value", right: "value", whenTrue: "value", otherwise: "value" },
    guard: { condition: "condition", whenTrue: "value", otherwise: "value" },
    random: { step: "value", element: "index" },
  },
  condition: {
    compare: TWO_INDICES,
    compareValue: TWO_VALUES,
    and: { all: "conditions" },
  },
  statement: {
    for: { from: "index", to: "index", body: "block" },
    declare: { value: "expression" },
    assign: { value: "expression" },
    store: { at: "index", value: "expression" },
    stores: { at: "index", values: "values" },
    prefetch: { at: "index" },
    if: { condition: "condition", whenTrue: "block", otherwise: "block" },
    barrier: NONE,
  },
};

type Held = Form | readonly Form[];
/** A form as its fields. */
export type Fields<T = Held> = Readonly<Record<string, T>>;

interface Shape {
  readonly sort: Sort;
  readonly children: readonly string[];
}
const SHAPES = new Map<string, Shape>(
  Object.entries(CHILDREN).flatMap(([sort, kinds]) =>
    Object.entries(kinds).map(([kind, children]): [string, Shape] => [
      kind,
      { sort: sort as Sort, children: Object.keys(children) },
    ]),
  ),
);

export function shapeOf({ kind }: Form): Shape {
  const shape = SHAPES.get(kind);
  if (!shape) throw new InternalError(`the kernel language has no form "${kind}"`);
  return shape;
}
export const isIndex = (form: Form): form is Index => shapeOf(form).sort === "index";
export const fieldsOf = (form: Form): Fields => form as unknown as Fields;

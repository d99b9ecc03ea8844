import { type Children, type Expression, type Fields, type FormOf, fieldsOf, shapeOf } from "./children.js";

/** What a fold gave for what stands in an expression, under the names of its fields. */
type Inside<F extends Expression, T> = {
  readonly [K in keyof Children<F>]: Children<F>[K] extends "conditions" ? readonly T[] : T;
};
/** For each kind of expression, what it amounts to, by what the expressions in it do. */
export type Cases<T> = {
  readonly [K in Expression["kind"]]: (
    form: FormOf<K, Expression>,
    inside: Inside<FormOf<K, Expression>, T>,
  ) => T;
};

/** An expression from its innermost parts outwards. */
export function fold<T>(form: Expression, cases: Cases<T>): T {
  const fields = fieldsOf(form) as Fields<Expression | readonly Expression[]>;
  const inside: Record<string, T | readonly T[]> = {};
  for (const field of shapeOf(form).children) {
    const held = fields[field];
    inside[field] = "kind" in held ? fold(held, cases) : held.map((one) => fold(one, cases));
  }
  // The case of a kind takes the forms of that kind, and what stands in them by the same table.
  const own = cases[form.kind] as (form: Expression, inside: Fields<T | readonly T[]>) => T;
  return own(form, inside);
}

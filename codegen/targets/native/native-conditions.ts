import { LEVEL, within } from "../../kernel/dialect.js";
import { sub } from "../../kernel/indices.js";
import type { Condition } from "../../kernel/kernel.js";
import { comparison } from "./native-reals.js";
import { NATIVE_SCALARS } from "./native-scalars.js";
import type { ExpressionContext, Expressions, Mask, Piece } from "./native-text.js";

/** Conditions, and the masks that those make which vary: vectors of −1 where they hold. */
export function conditionTexts(
  context: ExpressionContext,
  expressions: Expressions,
): Pick<Expressions, "condition" | "masked" | "others"> {
  const { shapes } = context;
  const condition = (x: Condition, mask?: Mask): Piece => {
    switch (x.kind) {
      case "compare": {
        const sign = NATIVE_SCALARS.compare[x.cmp];
        const varies = shapes.index(sub(x.a, x.b)) !== 0;
        const [a, b] = varies
          ? [expressions.wholes(x.a, mask), expressions.wholes(x.b, mask)]
          : [expressions.whole(x.a), expressions.whole(x.b)];
        return { text: `${within(a, LEVEL.sum)} ${sign} ${within(b, LEVEL.sum)}`, level: LEVEL.or, varies };
      }
      case "compareValue":
        return comparison(x.cmp, expressions.real(x.a, mask), expressions.real(x.b, mask));
      case "and": {
        const parts = x.all.map((part) => condition(part, mask));
        if (parts.every(({ varies }) => !varies))
          return { text: parts.map(({ text }) => text).join(" && "), level: LEVEL.or, varies: false };
        const vectors = parts.map((part) =>
          part.varies ? `(${part.text})` : `wholes<V>(-(long)(${part.text}))`,
        );
        return { text: vectors.join(" & "), level: LEVEL.or, varies: true };
      }
      default:
        return x satisfies never;
    }
  };

  const masked = (x: Condition, mask: Mask | undefined): Mask => {
    const count = shapes.prefix(x);
    const name = context.fresh();
    if (count !== undefined && (!mask || mask.count !== undefined)) {
      const least = Math.min(count, mask?.count ?? count);
      context.line(`const I ${name} = first<V>(${least});`);
      return { text: name, count: least };
    }
    const own = condition(x, mask).text;
    context.line(`const I ${name} = ${mask ? `(${own}) & ${mask.text}` : own};`);
    return { text: name };
  };
  const others = (of: Mask, outer: Mask | undefined): Mask => {
    const name = context.fresh();
    context.line(`const I ${name} = ~${of.text}${outer ? ` & ${outer.text}` : ""};`);
    return { text: name };
  };

  return { condition, masked, others };
}

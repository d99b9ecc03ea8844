import { conditionTexts } from "./native-conditions.js";
import { integerTexts } from "./native-integers.js";
import { realTexts } from "./native-reals.js";
import type { ExpressionContext, Expressions } from "./native-text.js";

/** How expressions of a kernel are written. The three sorts refer to one another. */
export function createExpressions(context: ExpressionContext): Expressions {
  const all = {} as { -readonly [K in keyof Expressions]: Expressions[K] };
  return Object.assign(
    all,
    integerTexts(context, all),
    realTexts(context, all),
    conditionTexts(context, all),
  );
}

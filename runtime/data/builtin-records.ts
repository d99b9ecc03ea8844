import { CortadoError, type Span } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { DIGIT_SPLITS, type DigitSplit, openDigits } from "./digits/digits.js";
import type { RecordCursor } from "./records.js";

const BUILTIN = "builtin:";

/**
 * Records that no file holds: `builtin:digits/train` and `/test`. Undefined for a path.
 *
 * @throws CortadoError, at `span` where given, for another name of such a form
 */
export function builtinRecords(source: string, span?: Span): RecordCursor | undefined {
  if (!source.startsWith(BUILTIN)) return undefined;
  const split = /^builtin:digits\/(\w+)$/.exec(source)?.[1];
  if (split && Object.hasOwn(DIGIT_SPLITS, split)) return openDigits(split as DigitSplit);
  throw new CortadoError([
    {
      severity: "error",
      message: `there is no built-in data ${quotedPath(source)}`,
      span,
      hint: `there are ${Object.keys(DIGIT_SPLITS)
        .map((name) => quotedPath(`builtin:digits/${name}`))
        .join(" and ")}`,
    },
  ]);
}

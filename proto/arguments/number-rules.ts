import type { Rule } from "./argument-rules.js";
import { isNumbers, takeNumbers } from "./given-numbers.js";

/** The values of a blob, or of another array, copied. */
export const numbers: Rule<Float32Array> = {
  nouns: ["an array of numbers"],
  is: (value) => Array.isArray(value) || ArrayBuffer.isView(value),
  take(value, where, say) {
    const taken = takeNumbers(value);
    if (!isNumbers(taken)) say(`${where} ${taken.wrong}`);
    return taken as Float32Array;
  },
};

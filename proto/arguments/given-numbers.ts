/** Arrays of numbers that a caller gives, taken at the call. */

import { kindOf } from "../words/shown-value.js";

export type GivenNumbers = Float32Array | Float64Array;

/** What is wrong with an array, as the end of a sentence about it. */
export interface NoNumbers {
  readonly wrong: string;
}

const NO_ARRAY = { wrong: "is not an array of numbers" } as const;

/** A copy of an array of numbers, float32 where it was that. */
export function takeNumbers(values: unknown): GivenNumbers | NoNumbers {
  try {
    if (ArrayBuffer.isView(values)) return takeTyped(values);
    if (Array.isArray(values)) return takePlain(values);
  } catch {
    return { wrong: "cannot be read: it throws, or its buffer was transferred" };
  }
  return NO_ARRAY;
}

function takeTyped(values: ArrayBufferView): GivenNumbers | NoNumbers {
  const { buffer, BYTES_PER_ELEMENT: width } = values as ArrayBufferView & Partial<Float32Array>;
  if (width === undefined) return NO_ARRAY;
  // A buffer that was transferred throws here; its arrays only look empty.
  new Uint8Array(buffer);
  const { [Symbol.toStringTag]: kind } = values as Float32Array;
  const numbers = values as Float32Array;
  if (String(kind).startsWith("Big")) return { wrong: "is an array of bigints, not of numbers" };
  return String(kind) === "Float32Array" ? new Float32Array(numbers) : new Float64Array(numbers);
}

function takePlain(values: readonly unknown[]): GivenNumbers | NoNumbers {
  // Before any memory is taken: an array of holes can be of any length.
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Array.isArray(value) || ArrayBuffer.isView(value))
      return { wrong: "is an array of arrays: values are given in one, row by row" };
    if (typeof value !== "number") return { wrong: `is not an array of numbers: element ${i} is no number` };
  }
  return Float64Array.from(values as readonly number[]);
}

export const isNumbers = (taken: GivenNumbers | NoNumbers): taken is GivenNumbers => !("wrong" in taken);

/** Values by name, taken at the call: each a copy, or what is wrong with it; or no such thing at all. */
export type TakenByName = ValuesByName | "nothing by name";
export type ValuesByName = Readonly<Record<string, GivenNumbers | NoNumbers>>;

export const isByName = (taken: TakenByName): taken is ValuesByName => typeof taken !== "string";

/** Copies of what is given by name; what is undefined is not given. */
export function takeByName(given: unknown): TakenByName {
  const taken: Record<string, GivenNumbers | NoNumbers> = Object.create(null);
  try {
    if (typeof given !== "object" || given === null || Array.isArray(given)) return "nothing by name";
    if (kindOf(given) !== "Object") return "nothing by name";
    for (const name of Object.keys(given)) {
      const value = givenValue(given, name);
      if (value !== undefined) taken[name] = takeNumbers(value);
    }
  } catch {
    return "nothing by name";
  }
  return taken;
}

/** A getter that throws is no array of numbers. */
function givenValue(given: object, name: string): unknown {
  try {
    return (given as Readonly<Record<string, unknown>>)[name];
  } catch {
    return null;
  }
}

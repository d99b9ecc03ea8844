/** Messages as plain objects, as JSON has them: rules made of the schema's tables. */

import { type FieldInfo, isMessage, type Message, type MessageInfo, messageOf, typeOf } from "../index.js";
import {
  either,
  fields,
  flag,
  integer,
  isFields,
  listOf,
  type Rule,
  real,
  text,
  word,
} from "./argument-rules.js";
import { bytes } from "./file-rules.js";
import { isNumbers, takeNumbers } from "./given-numbers.js";

/** A message in the form of plain objects: what stands in it is given by name, and all of it may be left out. */
export type Plain<M> = M extends readonly (infer Item)[]
  ? readonly Plain<Item>[] | Plain<Item>
  : M extends Uint8Array | Float32Array | Float64Array
    ? M | readonly number[]
    : M extends object
      ? { readonly [K in keyof M]?: Plain<M[K]> }
      : M;

const known = new WeakMap<MessageInfo, Rule<object>>();

/** A message of a type, made or plain: as plain objects all through. */
function plainRule(info: MessageInfo): Rule<object> {
  const made = known.get(info);
  if (made) return made;
  const rule: Rule<object> = {
    nouns: [`an object of fields of ${info.name}`],
    is: isFields,
    take: (value, where, say) => ofFields.take(value, where, say),
  };
  // Set before its fields are looked at: messages can hold each other.
  known.set(info, rule);
  const ofFields = fields<Readonly<Record<string, object>>>(
    Object.fromEntries(info.fields.map((field) => [field.name, ruleOf(field) as Rule<object>])),
    { needed: info.required.map(({ name }) => name), closed: (where) => `${where} has no field` },
  );
  return rule;
}

function ruleOf(field: FieldInfo): Rule<unknown> {
  if (field.array) return numbers[field.array];
  const one = oneOf(field);
  return field.repeated ? listOrOne(one) : one;
}

/** A repeated field: an array, or the one value that it has. */
const listOrOne = <T>(item: Rule<T>): Rule<readonly T[]> =>
  either<readonly T[]>(listOf(`an array, of ${item.nouns.join(" or ")} each`, item), {
    ...item,
    take: (value, where, say) => [item.take(value, where, say)],
  });

const numbersIn = <T>(make: (from: ArrayLike<number>) => T): Rule<T> => ({
  nouns: ["an array of numbers"],
  is: (value) => isNumbers(takeNumbers(value)),
  take: (value) => make(value as ArrayLike<number>),
});
const numbers = {
  Float32Array: numbersIn((from) => Float32Array.from(from)),
  Float64Array: numbersIn((from) => Float64Array.from(from)),
};

function oneOf({ kind: held }: FieldInfo): Rule<unknown> {
  switch (held.is) {
    case "enum":
      return word([...held.byName.keys()]);
    case "message":
      return plainRule(held.info());
    case "scalar":
      switch (held.scalar) {
        case "int32":
          return integer(-(2 ** 31), 2 ** 31 - 1);
        case "uint32":
          return integer(0, 2 ** 32 - 1);
        case "int64":
          return integer(Number.MIN_SAFE_INTEGER);
        case "float":
        case "double":
          return real();
        case "bool":
          return flag;
        case "string":
          return text();
        case "bytes":
          return bytes;
        default:
          return held.scalar satisfies never;
      }
    default:
      return held satisfies never;
  }
}

/** A message of a type: one that was made, which cannot change, or a plain object with its fields. */
export const messageRule = (info: MessageInfo): Rule<Message> => ({
  nouns: plainRule(info).nouns,
  is: isFields,
  take: (value, where, say) => {
    if (isMessage(value as object) && typeOf(value as Message) === info.name) return value as Message;
    let wrong = false;
    const plain = plainRule(info).take(value, where, (...mistake) => {
      wrong = true;
      say(...mistake);
    });
    return messageOf(info, wrong ? {} : plain);
  },
});

/** Deeper than any message is: what is nested further holds itself. */
const MOST_LEVELS = 64;

/** Plain data as they are now. @throws Error for what holds itself */
export function copyOfPlain(value: unknown, level = 0): unknown {
  if (typeof value !== "object" || value === null || isMessage(value)) return value;
  if (level > MOST_LEVELS) throw new Error("it holds itself, or is nested too deeply");
  if (ArrayBuffer.isView(value)) return "slice" in value ? (value as Uint8Array).slice() : value;
  if (Array.isArray(value)) {
    // An array of holes can be of any length.
    for (let i = 0; i < value.length; i++) if (!(i in value)) throw new Error("an array in it has holes");
    return value.map((item) => copyOfPlain(item, level + 1));
  }
  if (!isFields(value)) return value;
  const copied: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value))
    Object.defineProperty(copied, name, { value: copyOfPlain(field, level + 1), enumerable: true });
  return copied;
}

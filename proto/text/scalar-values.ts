/** Tokens to values, with the ranges that Caffe's parser sets. */

import { didYouMean, orList } from "../errors/suggest.js";
import { type FieldInfo, type FieldKind, floatValue, type ScalarKind } from "../index.js";
import { quoted } from "../words/names.js";
import type { Token } from "./scan.js";

/** A value, or why the tokens do not stand for one. */
export type ValueResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

const INTEGER_RANGES: Readonly<Record<"int32" | "uint32" | "int64", readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** No integer field takes more digits than this (22 octal ones make 64 bits); longer tokens are out of range. */
const MOST_DIGITS = 40;

const TRUE_WORDS: ReadonlySet<string> = new Set(["true", "True", "t"]);
const FALSE_WORDS: ReadonlySet<string> = new Set(["false", "False", "f"]);

/** What a field takes, in words. */
export function expectation(kind: FieldKind): string {
  if (kind.is === "enum") return `one of ${orList([...kind.byName.keys()])}`;
  if (kind.is === "message") return "a message in { }";
  const words: Readonly<Record<ScalarKind, string>> = {
    int32: "a whole number",
    int64: "a whole number",
    uint32: "a whole number that is not negative",
    float: "a number",
    double: "a number",
    bool: "true or false",
    string: "a string in quotes",
    bytes: "a string in quotes",
  };
  return words[kind.scalar];
}

/** How a token is named in a message. */
export function describeToken(token: Token): string {
  if (token.kind === "end") return "the end of the file";
  return token.kind === "string" ? `the string ${quoted(token.text.slice(1, -1))}` : quoted(token.text);
}

/**
 * The value that a number or a word stands for in a field that is neither a string nor a message.
 *
 * @param negative whether a `-` stands before it
 */
export function tokenValue(field: FieldInfo, token: Token, negative: boolean): ValueResult {
  const { kind } = field;
  if (kind.is === "enum") return enumValue(field.name, kind, token, negative);
  const wrong: ValueResult = {
    ok: false,
    message: `${field.name} takes ${expectation(kind)}, not ${negative ? `"-" and ` : ""}${describeToken(token)}`,
  };
  if (kind.is === "message") return wrong;
  switch (kind.scalar) {
    case "int32":
    case "uint32":
    case "int64":
      return integerValue(field.name, kind.scalar, token, negative) ?? wrong;
    case "float":
    case "double":
      return realValue(field.name, kind.scalar, token, negative) ?? wrong;
    case "bool":
      return booleanValue(token, negative) ?? wrong;
    case "string":
    case "bytes":
      return {
        ...wrong,
        hint: token.kind === "identifier" ? `write it in quotes: "${token.text}"` : undefined,
      };
    default:
      return kind.scalar satisfies never;
  }
}

function integerValue(
  name: string,
  scalar: "int32" | "uint32" | "int64",
  token: Token,
  negative: boolean,
): ValueResult | undefined {
  if (token.kind !== "integer") return undefined;
  const [least, most] = INTEGER_RANGES[scalar];
  const size = magnitude(token.text);
  const value = size === undefined ? undefined : negative ? -size : size;
  if (value !== undefined && value >= least && value <= most && !(negative && scalar === "uint32"))
    return { ok: true, value: Number(value) };
  const shown = `${negative ? "-" : ""}${token.text.slice(0, MOST_DIGITS)}`;
  return { ok: false, message: `${name} takes a whole number from ${least} to ${most}, not ${shown}` };
}

/** A decimal, octal or hexadecimal integer; undefined when it is too long for any field, or broken. */
function magnitude(text: string): bigint | undefined {
  const digits = text.replace(/^0+(?=[0-9])/, "");
  if (digits.length > MOST_DIGITS) return undefined;
  if (/^0[xX]/.test(text)) return text.length > 2 ? BigInt(text) : 0n;
  if (text.length > 1 && text.startsWith("0")) return /^[0-7]+$/.test(digits) ? BigInt(`0o${digits}`) : 0n;
  return BigInt(text);
}

function realValue(
  name: string,
  scalar: "float" | "double",
  token: Token,
  negative: boolean,
): ValueResult | undefined {
  const sized = (size: number): ValueResult => {
    const value = negative ? -size : size;
    return { ok: true, value: scalar === "float" ? floatValue(value) : value };
  };
  if (token.kind === "identifier") {
    const word = token.text.toLowerCase();
    if (word === "inf" || word === "infinity") return sized(Number.POSITIVE_INFINITY);
    return word === "nan" ? sized(Number.NaN) : undefined;
  }
  if (token.kind === "integer" && /^0[0-9xX]/.test(token.text))
    return {
      ok: false,
      message: `${name} takes a decimal number, not the octal or hexadecimal ${quoted(token.text)}`,
    };
  if (token.kind !== "integer" && token.kind !== "float") return undefined;
  const size = Number(token.text.replace(/[fF]$/, ""));
  // A broken exponent has been reported where it stands.
  return sized(Number.isNaN(size) ? 0 : size);
}

function booleanValue(token: Token, negative: boolean): ValueResult | undefined {
  if (negative) return undefined;
  if (token.kind === "identifier") {
    if (TRUE_WORDS.has(token.text)) return { ok: true, value: true };
    return FALSE_WORDS.has(token.text) ? { ok: true, value: false } : undefined;
  }
  const size = token.kind === "integer" ? magnitude(token.text) : undefined;
  return size === 0n || size === 1n ? { ok: true, value: size === 1n } : undefined;
}

function enumValue(
  name: string,
  kind: FieldKind & { readonly is: "enum" },
  token: Token,
  negative: boolean,
): ValueResult {
  if (token.kind === "identifier" && !negative) {
    if (kind.byName.has(token.text)) return { ok: true, value: token.text };
    const near = didYouMean(token.text, kind.byName.keys(), (word) => word);
    const all = kind.byName.size <= 10 ? `${name} takes ${expectation(kind)}` : undefined;
    return { ok: false, message: `unknown value ${quoted(token.text)} for ${name}`, hint: near ?? all };
  }
  if (token.kind === "integer") {
    const size = magnitude(token.text);
    const word = size === undefined ? undefined : kind.byNumber.get(Number(negative ? -size : size));
    if (word !== undefined) return { ok: true, value: word };
    return {
      ok: false,
      message: `unknown value ${negative ? "-" : ""}${token.text.slice(0, 40)} for ${name}`,
    };
  }
  const all = kind.byName.size <= 10 ? expectation(kind) : "a word";
  const inside = token.kind === "string" ? token.text.slice(1, -1) : undefined;
  return {
    ok: false,
    message: `${name} takes ${all}, without quotes, not ${describeToken(token)}`,
    hint: inside !== undefined && kind.byName.has(inside) ? `write ${name}: ${inside}` : undefined,
  };
}

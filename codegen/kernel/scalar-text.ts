import { BINARY, COMPARISONS, type FunctionText, SHAPED, UNARY } from "../ir/ops/scalar-functions.js";
import { type Dialect, type Form, LEVEL } from "./dialect.js";

/** How a language writes what the records of scalar functions say in C. */
export interface Language {
  readonly name: "ts" | "cuda" | "lanes";
  /** A function of its library, by its name in C. */
  library(name: string): string;
  /** A function of real numbers that generated code brings along; `value` has the library's names, but no types. */
  define(name: string, parameters: readonly string[], value: string): string;
}

/** The scalar functions in a language: how each is written, and the text of those that code brings along. */
export interface ScalarText extends Pick<Dialect, "compare" | "unary" | "shaped" | "binary"> {
  readonly helpers: Readonly<Record<string, string>>;
}

export function scalarText(language: Language): ScalarText {
  const helpers: Record<string, string> = {};
  const formsOf = <K extends string>(
    table: Readonly<Record<K, { readonly text: FunctionText }>>,
    ...parameters: readonly string[]
  ): Readonly<Record<K, Form>> => mapValues(table, ({ text }) => formOf(text, parameters));

  const formOf = (text: FunctionText, parameters: readonly string[]): Form => {
    const form = text[language.name] ?? text;
    if ("prefix" in form) return form;
    if ("infix" in form) return { infix: form.infix, level: LEVEL[form.level] };
    if ("call" in form) return { call: language.library(form.call) };
    const comment = form.note ? `/** ${form.note} */\n` : "";
    helpers[form.helper] =
      comment + language.define(form.helper, parameters, withLibrary(form.body, language));
    return { helper: form.helper };
  };

  return {
    compare: mapValues(COMPARISONS, (comparison: { readonly sign: string; readonly ts?: string }) =>
      language.name === "ts" ? (comparison.ts ?? comparison.sign) : comparison.sign,
    ),
    unary: formsOf(UNARY, "x"),
    shaped: formsOf(SHAPED, "x", "alpha"),
    binary: formsOf(BINARY, "a", "b"),
    helpers,
  };
}

/** Each name before a bracket is a function of the library. */
const withLibrary = (body: string, { library }: Language): string => body.replace(/[a-z]\w*(?=\()/g, library);

const mapValues = <K extends string, T, R>(table: Readonly<Record<K, T>>, of: (value: T) => R) =>
  Object.fromEntries((Object.keys(table) as K[]).map((key) => [key, of(table[key])])) as Readonly<
    Record<K, R>
  >;

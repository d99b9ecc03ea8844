/**
 * What the arguments of public functions may be, as data. A rule says whether a value is of its kind, what is wrong with one
 * that is, and takes a copy that nobody else holds: what the caller changes after the call changes nothing.
 */

import { CortadoError, type Diagnostic } from "../errors/index.js";
import { didYouMean, orList } from "../errors/suggest.js";
import { quoted } from "../words/names.js";
import { kindOf, shownValue } from "../words/shown-value.js";
import { messageOf } from "../words/trouble.js";

/** Reports a mistake. */
export type Say = (message: string, hint?: string) => void;

export interface Rule<T> {
  /** Ends of "it must be …"; several where it may be one of several. */
  readonly nouns: readonly string[];
  /** Whether a value is of this kind at all. */
  is(value: unknown): boolean;
  /** A copy of a value of this kind, of no use where a mistake in it was reported. `where` names its place. */
  take(value: unknown, where: string, say: Say): T;
  /** What helps with a value of another kind. */
  hint?(value: unknown): string | undefined;
}

/** What a rule takes. */
export type Taken<R> = R extends Rule<infer T> ? T : never;

/** A copy of a value, or a mistake. Whatever a getter or a proxy throws is one. */
export const takeBy = <T>(rule: Rule<T>, value: unknown, where: string, say: Say): T =>
  takeFrom(rule, () => value, where, say);

function takeFrom<T>(rule: Rule<T>, get: () => unknown, where: string, say: Say): T {
  // Of no use to anybody: who reported a mistake throws.
  const nothing = undefined as T;
  let value: unknown;
  try {
    value = get();
    if (rule.is(value)) return rule.take(value, where, say);
  } catch (error) {
    if (error instanceof CortadoError) for (const { message, hint } of error.diagnostics) say(message, hint);
    else say(`${where} cannot be read: ${reasonOf(error)}`);
    return nothing;
  }
  const must = rule.nouns.length > 1 ? "may" : "must";
  say(`${where} is ${shownValue(value)}; it ${must} be ${orList(rule.nouns)}`, hintFor(rule, value));
  return nothing;
}

function hintFor(rule: Rule<unknown>, value: unknown): string | undefined {
  try {
    return rule.hint?.(value);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  try {
    return messageOf(error);
  } catch {
    return "it throws when it is looked at";
  }
}

type Rules<A> = { readonly [K in keyof A]-?: Rule<A[K]> };

/**
 * The arguments of a function, in their order, by name. What it gives takes those of a call.
 *
 * @throws CortadoError with every mistake
 */
export function argumentsOf<A extends object>(
  name: string,
  rules: Rules<A>,
): (...given: readonly unknown[]) => A {
  const places = Object.entries<Rule<unknown>>(rules);
  return (...given) =>
    orThrow((say) => {
      const taken = places.map(([place, rule], i): [string, unknown] => [
        place,
        takeBy(rule, given[i], `argument ${place} of ${name}`, say),
      ]);
      return Object.fromEntries(taken) as A;
    });
}

/** What `work` gives. @throws CortadoError with all mistakes that it reported */
export function orThrow<T>(work: (say: Say) => T): T {
  const mistakes: Diagnostic[] = [];
  const found = work((message, hint) => void mistakes.push({ severity: "error", message, hint }));
  if (mistakes.length > 0) throw new CortadoError(mistakes);
  return found;
}

/** A value that is not copied: it cannot change, or is of Cortado's own making. */
export const kind = <T>(noun: string, is: (value: unknown) => boolean, hint?: Rule<T>["hint"]): Rule<T> => ({
  nouns: [noun],
  is,
  take: (value) => value as T,
  hint,
});

export const text = (noun = "a string"): Rule<string> => kind(noun, (value) => typeof value === "string");
export const flag: Rule<boolean> = {
  ...kind<boolean>("true", (value) => typeof value === "boolean"),
  nouns: ["true", "false"],
};
/** A function that is called back; what it throws is its owner's. */
export const callback = <F>(): Rule<F> =>
  kind(
    "a function",
    // A class is a function that cannot be called.
    (value) => typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value)),
  );

export const integer = (least: number, most = Number.MAX_SAFE_INTEGER): Rule<number> =>
  kind(
    most === Number.MAX_SAFE_INTEGER ? `an integer from ${least} on` : `an integer from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  );

/** Any number, or from a least one on, or up to a greatest. */
export const real = (least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): Rule<number> => {
  const from = least === Number.NEGATIVE_INFINITY ? "" : ` from ${least}`;
  const to = most === Number.POSITIVE_INFINITY ? (from === "" ? "" : " on") : ` to ${most}`;
  return kind(
    `a number${from}${to}`,
    // NaN is a number, too, where none is too small or too great.
    (value) =>
      typeof value === "number" &&
      !(value < least || value > most || (from + to !== "" && Number.isNaN(value))),
  );
};

/** One of several words; `hidden` ones are taken and not spoken of. */
export const word = <W extends string>(words: readonly W[], hidden: readonly W[] = []): Rule<W> => ({
  nouns: words.map(quoted),
  is: (value) => [...words, ...hidden].includes(value as W),
  take: (value) => value as W,
  hint: (value) => (typeof value === "string" ? didYouMean(value, words) : undefined),
});

/** The rule, or nothing. */
export const optional = <T>(rule: Rule<T>): Rule<T | undefined> => ({
  ...rule,
  is: (value) => value === undefined || rule.is(value),
  take: (value, where, say) => (value === undefined ? undefined : rule.take(value, where, say)),
});

/** The first of the rules that the value is of the kind of. */
export const either = <T>(...rules: readonly Rule<T>[]): Rule<T> => ({
  nouns: rules.flatMap(({ nouns }) => nouns),
  is: (value) => rules.some((rule) => rule.is(value)),
  take: (value, where, say) => (rules.find((rule) => rule.is(value)) as Rule<T>).take(value, where, say),
  hint: (value) => rules.map((rule) => rule.hint?.(value)).find((hint) => hint !== undefined),
});

/** Mistakes of one list that are spelled out. */
const MOST_TOLD = 8;

/** An array of things. */
export const listOf = <T>(noun: string, item: Rule<T>, least = 0): Rule<readonly T[]> => ({
  nouns: [noun],
  is: (value) => Array.isArray(value) && value.length >= least,
  take(value, where, say) {
    const taken: T[] = [];
    let mistakes = 0;
    // By index: holes count as undefined, and a huge array of holes ends at once.
    for (let i = 0; i < (value as readonly unknown[]).length && mistakes < MOST_TOLD; i++)
      taken.push(
        takeBy(item, (value as readonly unknown[])[i], `${where}[${i}]`, (...mistake) => {
          mistakes++;
          say(...mistake);
        }),
      );
    return taken;
  },
  hint: (value) => (item.is(value) ? `write [${shownValue(value)}]` : undefined),
});

/** Whether something can hold fields by name: no array, Map, promise … */
export const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && kindOf(value) === "Object";

/** Things by a name of the caller's. */
export const byName = <T>(noun: string, item: Rule<T>): Rule<Readonly<Record<string, T>>> => ({
  nouns: [noun],
  is: isFields,
  take(value, where, say) {
    const taken: Record<string, T> = Object.create(null);
    for (const [name, one] of Object.entries(value as object))
      if (one !== undefined) taken[name] = takeBy(item, one, `${where}[${quoted(name)}]`, say);
    return taken;
  },
});

interface FieldsOf<O> {
  /** After "it must be". */
  readonly noun?: string;
  /** Fields that must be there. */
  readonly needed?: readonly (keyof O & string)[];
  /** What a field is called in a mistake. Default: by its place. */
  readonly place?: (field: string, where: string) => string;
  /** Who has no other fields: "compile has no option". Default: others are left out. */
  readonly closed?: (where: string) => string;
}

/** The fields of `O`, each by its rule: every field of the type has one. */
export const fields = <O extends object>(
  rules: { readonly [K in keyof O]-?: Rule<NonNullable<O[K]>> },
  {
    noun = "an object",
    needed = [],
    place = (field, where) => `${where}.${field}`,
    closed,
  }: FieldsOf<O> = {},
): Rule<O> => ({
  nouns: [noun],
  is: isFields,
  take(value, where, say) {
    const given = value as Readonly<Record<string, unknown>>;
    const names = Object.keys(rules);
    if (closed !== undefined)
      for (const field of Object.keys(given).filter((name) => !names.includes(name)))
        say(`${closed(where)} ${quoted(field)}`, didYouMean(field, names) ?? `there is ${names.join(", ")}`);
    const taken: Record<string, unknown> = {};
    for (const [field, rule] of Object.entries<Rule<unknown>>(rules)) {
      const wanted = needed.includes(field as keyof O & string) ? rule : optional(rule);
      // By name, so that an object of a class gives what its getters do; and once.
      const one = takeFrom(wanted, () => given[field], place(field, where), say);
      if (one !== undefined) taken[field] = one;
    }
    return taken as O;
  },
});

/** The options of a function. */
export const optionsOf = <O extends object>(
  owner: string,
  rules: { readonly [K in keyof O]-?: Rule<NonNullable<O[K]>> },
  needed: readonly (keyof O & string)[] = [],
): Rule<O> =>
  fields(rules, {
    noun: "an object of options",
    needed,
    place: (field) => `option ${field}`,
    closed: () => `${owner} has no option`,
  });

import { CortadoError, type Diagnostic } from "../../proto/errors/index.js";
import { didYouMean, orList } from "../../proto/errors/suggest.js";
import { quoted, shownValue } from "../../proto/words/names.js";
import type { LayerType } from "../layers/index.js";
import { isDevice, TARGET_CHOICES } from "./choose-target.js";
import type { CompileOptions } from "./compile-options.js";

const CHOICES = {
  phase: ["TRAIN", "TEST"],
  target: TARGET_CHOICES,
  dtype: ["float32", "float64"],
  debug: ["finite"],
} as const;
const OTHERS = [
  "keep",
  "keepDiffs",
  "forceBackward",
  "weights",
  "layers",
  "root",
  "stages",
  "level",
  "seed",
  "threads",
  "shapes",
  "share",
  "log",
] as const;
const KNOWN: readonly string[] = [...Object.keys(CHOICES), ...OTHERS];
/** More threads than any machine has cores are a mistake, and each costs memory. */
const MOST_THREADS = 1024;

/** Checks options that plain JavaScript may get wrong. @throws CortadoError with every mistake */
export function checkOptions(options: CompileOptions): void {
  const mistakes: Diagnostic[] = [];
  const error = (message: string, hint?: string): void =>
    void mistakes.push({ severity: "error", message, hint });
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name))
      error(
        `compile has no option ${shownValue(name)}`,
        didYouMean(name, KNOWN) ?? `options: ${KNOWN.join(", ")}`,
      );
  for (const [name, allowed] of Object.entries(CHOICES) as [keyof typeof CHOICES, readonly string[]][]) {
    const value: unknown = options[name];
    if (value !== undefined && !allowed.includes(value as string) && !(name === "target" && isDevice(value)))
      error(
        `option ${name} is ${shownValue(value)}; it may be ${orList(allowed.map(quoted))}`,
        typeof value === "string" ? didYouMean(value, allowed) : undefined,
      );
  }
  const integer = (name: "threads" | "seed" | "level", least: number, most: number): void => {
    const value: unknown = options[name];
    if (value === undefined) return;
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
      error(`option ${name} is ${shownValue(value)}; it must be an integer from ${least} to ${most}`);
  };
  integer("threads", 1, MOST_THREADS);
  integer("seed", 0, Number.MAX_SAFE_INTEGER);
  integer("level", -(2 ** 31), 2 ** 31 - 1);
  for (const [blob, shape] of Object.entries(options.shapes ?? {}))
    if (!Array.isArray(shape) || !shape.every((extent) => Number.isSafeInteger(extent) && extent > 0))
      error(
        `the shape of ${shownValue(blob)} in option shapes is ${shownValue(shape)}; it must be an array of positive integers`,
      );
  for (const problem of layerProblems(options.layers)) error(...problem);
  for (const problem of keepProblems(options)) error(problem);
  if (mistakes.length > 0) throw new CortadoError(mistakes);
}

/** What is wrong with the options that make more of a net readable. */
function keepProblems(options: CompileOptions): readonly string[] {
  const lists = [
    ["keep", "blob"],
    ["keepDiffs", "layer"],
  ] as const;
  const isList = (names: unknown): boolean =>
    Array.isArray(names) && names.every((name) => typeof name === "string");
  const { forceBackward } = options;
  return [
    ...lists.flatMap(([name, what]) => {
      const names = options[name];
      return names === undefined || names === "all" || isList(names)
        ? []
        : [`option ${name} is ${shownValue(names)}; it may be "all" or an array of ${what} names`];
    }),
    ...(forceBackward === undefined || typeof forceBackward === "boolean"
      ? []
      : [`option forceBackward is ${shownValue(forceBackward)}; it may be true or false`]),
  ];
}

/** What is wrong with layer types that plain JavaScript gives: not a list, or not made by defineLayer. */
export function layerProblems(layers: unknown): readonly (readonly [message: string, hint: string])[] {
  if (layers === undefined) return [];
  if (!Array.isArray(layers))
    return [["option layers is no array", "write layers: [myLayer], or layers: extras"]];
  return layers.flatMap((layer: unknown, i): readonly (readonly [string, string])[] => {
    const { type, lower, feed, param, declared } = (layer ?? {}) as Partial<LayerType>;
    const made = typeof type === "string" && typeof (lower ?? feed) === "function";
    if (made && (param === undefined || declared !== undefined)) return [];
    return [
      [
        `option layers: what stands at position ${i} is no layer type`,
        "defineLayer and elementwise make one",
      ],
    ];
  });
}

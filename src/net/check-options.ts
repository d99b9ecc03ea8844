import { CortadoError, type Diagnostic } from "../errors/index.js";
import { didYouMean } from "../errors/suggest.js";
import type { CompileOptions } from "./options.js";

const CHOICES = {
  phase: ["TRAIN", "TEST"],
  target: ["auto", "ts", "native", "cuda", "emulator"],
  dtype: ["float32", "float64"],
} as const;
const OTHERS = [
  "keep",
  "weights",
  "layers",
  "root",
  "stages",
  "level",
  "seed",
  "threads",
  "shapes",
  "share",
] as const;
const KNOWN: readonly string[] = [...Object.keys(CHOICES), ...OTHERS];
/** More threads than any machine has cores are a mistake, and each costs memory. */
const MOST_THREADS = 1024;

/** Checks options that plain JavaScript may get wrong. @throws CortadoError with every mistake */
export function checkOptions(options: CompileOptions): void {
  const mistakes: Diagnostic[] = [];
  const error = (message: string, hint?: string): void =>
    void mistakes.push({ severity: "error", message, hint });
  const show = (value: unknown): string => JSON.stringify(value) ?? String(value);
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name))
      error(`compile has no option ${show(name)}`, didYouMean(name, KNOWN) ?? `options: ${KNOWN.join(", ")}`);
  for (const [name, allowed] of Object.entries(CHOICES) as [keyof typeof CHOICES, readonly string[]][]) {
    const value: unknown = options[name];
    if (value !== undefined && !allowed.includes(value as string))
      error(
        `option ${name} is ${show(value)}; it may be ${allowed.map(show).join(" or ")}`,
        typeof value === "string" ? didYouMean(value, allowed) : undefined,
      );
  }
  const integer = (name: "threads" | "seed" | "level", least: number, most: number): void => {
    const value: unknown = options[name];
    if (value === undefined) return;
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
      error(`option ${name} is ${show(value)}; it must be an integer from ${least} to ${most}`);
  };
  integer("threads", 1, MOST_THREADS);
  integer("seed", 0, Number.MAX_SAFE_INTEGER);
  integer("level", -(2 ** 31), 2 ** 31 - 1);
  for (const [blob, shape] of Object.entries(options.shapes ?? {}))
    if (!Array.isArray(shape) || !shape.every((extent) => Number.isSafeInteger(extent) && extent > 0))
      error(
        `the shape of ${show(blob)} in option shapes is ${show(shape)}; it must be an array of positive integers`,
      );
  const { keep } = options;
  if (
    keep !== undefined &&
    keep !== "all" &&
    !(Array.isArray(keep) && keep.every((blob) => typeof blob === "string"))
  )
    error(`option keep is ${show(keep)}; it may be "all" or an array of blob names`);
  if (mistakes.length > 0) throw new CortadoError(mistakes);
}

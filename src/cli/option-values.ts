/** Values of options: what was written to what is meant, or a message at the option. */

import { InvalidArgumentError } from "commander";
import { nearest } from "../../proto/errors/index.js";
import { orList } from "../../proto/errors/suggest.js";
import { GPU_ARCHITECTURES, isGpuArchitecture } from "../tools.js";

const LARGEST = 2 ** 31 - 1;

/** An option where a value should be: somebody left the value out. */
function refuseOption(text: string): void {
  if (/^--?[A-Za-z]/.test(text)) throw new InvalidArgumentError(`A value is missing before the next option.`);
  if (text === "") throw new InvalidArgumentError("It is empty.");
}

/** Any text that is not empty and not the next option. */
export function text(value: string): string {
  refuseOption(value);
  return value;
}

/** A whole number of at least `least`. */
export const wholeNumber =
  (least: number) =>
  (value: string): number => {
    refuseOption(value);
    const number = Number(value);
    const fits = /^[+-]?\d+$/.test(value) && number >= least && number <= LARGEST;
    if (!fits) throw new InvalidArgumentError(`Expected a whole number from ${least} on.`);
    return number;
  };

/** A number of at least `least`. */
export const number =
  (least: number) =>
  (value: string): number => {
    refuseOption(value);
    const given = Number(value);
    if (!/^[+-]?[\d.]/.test(value) || !Number.isFinite(given) || given < least)
      throw new InvalidArgumentError(`Expected a number from ${least} on.`);
    return given;
  };

/** A GPU's architecture: sm_90. */
export const architecture = (value: string): string => {
  refuseOption(value);
  if (!isGpuArchitecture(value))
    throw new InvalidArgumentError(`Architectures are named ${GPU_ARCHITECTURES}`);
  return value;
};

/** One of a few words; upper and lower case count as one. `hidden` ones are taken, and not listed. */
export const oneOf =
  <const T extends string>(choices: readonly T[], hidden: readonly T[] = []) =>
  (value: string): T => {
    refuseOption(value);
    const all = [...choices, ...hidden];
    const found = all.find((choice) => choice.toLowerCase() === value.toLowerCase());
    if (found !== undefined) return found;
    const near = nearest(value, choices, 1)[0];
    throw new InvalidArgumentError(`Expected ${orList(choices)}${near ? `: did you mean ${near}?` : "."}`);
  };

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** `data=64,1,28,28`: the option may be given again for each blob. */
export function shape(value: string, before: Shapes = {}): Shapes {
  refuseOption(value);
  const at = value.lastIndexOf("=");
  const name = value.slice(0, at);
  const extents = value.slice(at + 1).split(/[,x]/);
  if (at < 1 || !extents.every((extent) => /^\d+$/.test(extent) && Number(extent) <= LARGEST))
    throw new InvalidArgumentError(`Expected a blob and its shape, as data=64,1,28,28.`);
  return Object.assign(Object.create(null) as Record<string, readonly number[]>, before, {
    [name]: extents.map(Number),
  });
}

/** `a,b`, as Caffe separates stages. */
export const list = (value: string, before: readonly string[] = []): readonly string[] => {
  refuseOption(value);
  return [...before, ...value.split(",").filter((part) => part !== "")];
};

/** The same of a few words. */
export const listOfWords = <const T extends string>(choices: readonly T[]) => {
  const one = oneOf(choices);
  return (value: string, before: readonly T[] = []): readonly T[] => [...before, ...list(value).map(one)];
};

/** `256x256`: height and width. */
export function imageSize(value: string): { readonly height: number; readonly width: number } {
  const [, height, width] = /^(\d+)[x×](\d+)$/.exec(text(value)) ?? [];
  if (!(Number(height) > 0 && Number(width) > 0))
    throw new InvalidArgumentError("Expected height×width, as 256x256.");
  return { height: Number(height), width: Number(width) };
}

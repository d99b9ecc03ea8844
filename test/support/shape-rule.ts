/**
 * A layer's shape rule, found by looking: the extents of an example's bottoms are letters, the example is lowered
 * with several values for them, and each extent of its tops and parameters is written as what fits all of them.
 */

import type { Shape } from "../../codegen/ir/graph.js";
import { CortadoError } from "../../proto/errors/index.js";
import { exampleText, type LayerExample } from "./layer-examples.js";
import { lowerText } from "./lowered.js";

/** A bottom's extent: a letter, times a number. A letter that cannot vary is a number. */
type Extent = number | { readonly times: number; readonly letter: string };

/** Extents as text, by blob name; parameters by position. */
export interface ShapeRule {
  readonly bottoms: Readonly<Record<string, readonly string[]>>;
  readonly tops: Readonly<Record<string, readonly string[]>>;
  readonly params: readonly (readonly string[])[];
}

const LETTERS: readonly (readonly string[])[] = [
  [],
  ["N"],
  ["N", "C"],
  ["N", "C", "H"],
  ["N", "C", "H", "W"],
];
/** For extents of further bottoms. */
const MORE = ["K", "M", "P", "Q"];
const SAMPLES = 9;

type Assignment = ReadonlyMap<string, number>;

interface Shapes {
  readonly tops: readonly Shape[];
  readonly params: readonly Shape[];
}

/** The shapes that come of these bottoms; undefined where the layer refuses them. */
function shapesFor(example: LayerExample, bottoms: LayerExample["bottoms"]): Shapes | undefined {
  try {
    const lowered = lowerText(exampleText({ ...example, bottoms }));
    const { params } = lowered.layers.at(-1)!;
    return {
      tops: example.tops.map((top) => lowered.blobs.get(top)!.shape),
      params: params.map(({ shape }) => shape),
    };
  } catch (error) {
    if (error instanceof CortadoError) return undefined;
    throw error;
  }
}

/** Names the extents of an example's bottoms. */
function lettered({ bottoms, axes }: LayerExample): Record<string, readonly Extent[]> {
  const letters = new Map<number, string>();
  const used = new Set<string>();
  return Object.fromEntries(
    Object.entries(bottoms).map(([name, shape]) => {
      const given = axes?.[name]?.split(" ");
      const extents = shape.map((extent, axis): Extent => {
        if (given) {
          const [, times, letter] = /^(\d*)(\w*)$/.exec(given[axis])!;
          return letter === "" ? Number(times) : { times: Number(times || 1), letter };
        }
        if (extent === 1) return 1;
        const known = letters.get(extent);
        const own = LETTERS[shape.length]?.[axis];
        const letter =
          known ?? (own && !used.has(own) ? own : (MORE.find((other) => !used.has(other)) ?? `E${axis}`));
        letters.set(extent, letter);
        used.add(letter);
        return { times: 1, letter };
      });
      return [name, extents];
    }),
  );
}

const extentAt = (extent: Extent, at: Assignment): number =>
  typeof extent === "number" ? extent : extent.times * at.get(extent.letter)!;

/** The rule of an example; undefined where its net cannot be lowered by itself. */
export function shapeRule(example: LayerExample): ShapeRule | undefined {
  const named = lettered(example);
  const start = new Map<string, number>();
  for (const [name, extents] of Object.entries(named))
    for (const [axis, extent] of extents.entries())
      if (typeof extent !== "number") start.set(extent.letter, example.bottoms[name][axis] / extent.times);
  const at = (assignment: Assignment) =>
    shapesFor(
      example,
      Object.fromEntries(
        Object.entries(named).map(([name, extents]) => [name, extents.map((e) => extentAt(e, assignment))]),
      ),
    );
  const first = at(start);
  if (!first) return undefined;
  // A letter that the layer's settings pin down stays the number that it is.
  const free = [...start.keys()].filter((letter) =>
    [1, 2, 5].every((more) => at(new Map([...start, [letter, start.get(letter)! + more]]))),
  );
  const samples = Array.from({ length: SAMPLES }, (_, i) => {
    const assignment = new Map(start);
    for (const [k, letter] of free.entries()) {
      assignment.set(letter, start.get(letter)! + ((i * (2 * k + 1) + i * i * (k + 1)) % 7));
    }
    return assignment;
  });
  const results = samples.flatMap((assignment) => {
    const shapes = at(assignment);
    return shapes ? [{ assignment, shapes }] : [];
  });
  const describe = (pick: (shapes: Shapes) => readonly number[]): readonly string[] =>
    pick(first).map((_, axis) =>
      formula(
        free,
        results.map(({ assignment, shapes }) => ({ assignment, value: pick(shapes)[axis] })),
      ),
    );
  return {
    bottoms: Object.fromEntries(
      Object.entries(named).map(([name, extents]) => [
        name,
        extents.map((extent) => {
          if (typeof extent === "number") return String(extent);
          if (!free.includes(extent.letter)) return String(extentAt(extent, start));
          return `${extent.times === 1 ? "" : extent.times}${extent.letter}`;
        }),
      ]),
    ),
    tops: Object.fromEntries(example.tops.map((top, i) => [top, describe(({ tops }) => tops[i])])),
    params: first.params.map((_, i) => describe(({ params }) => params[i])),
  };
}

interface Sample {
  readonly assignment: Assignment;
  readonly value: number;
}

/** The simplest text that gives every sample's value. */
function formula(letters: readonly string[], samples: readonly Sample[]): string {
  const fits = (of: (at: Assignment) => number): boolean =>
    samples.every(({ assignment, value }) => of(assignment) === value);
  const [{ assignment, value }] = samples;
  if (fits(() => value)) return String(value);
  for (const letter of letters) if (fits((at) => at.get(letter)!)) return letter;
  for (const some of subsets(letters)) {
    const product = (at: Assignment): number => some.reduce((all, letter) => all * at.get(letter)!, 1);
    const times = value / product(assignment);
    if (fits((at) => times * product(at)))
      return `(${[...(times === 1 ? [] : [times]), ...some].join(" · ")})`;
  }
  for (const [i, a] of letters.entries())
    for (const b of letters.slice(i + 1)) if (fits((at) => at.get(a)! + at.get(b)!)) return `(${a} + ${b})`;
  for (const letter of letters)
    for (const [text, of] of linear(letter, value - assignment.get(letter)!, assignment.get(letter)!))
      if (fits((at) => of(at.get(letter)!))) return text;
  return "…";
}

/** Formulas of one letter, `shift` below the value that is wanted where it is `here`: the simplest first. */
function* linear(
  letter: string,
  shift: number,
  here: number,
): Generator<readonly [text: string, of: (extent: number) => number]> {
  const plus = (term: string, more: number): string => `(${term} ${more < 0 ? "−" : "+"} ${Math.abs(more)})`;
  yield [plus(letter, shift), (extent) => extent + shift];
  for (let times = 2; times <= 4; times++) {
    const rest = here + shift - times * here;
    yield [plus(`${times}${letter}`, rest), (extent) => times * extent + rest];
    for (let more = -6; more <= 6; more++)
      yield [
        `⌊${more === 0 ? letter : plus(letter, more)} / ${times}⌋`,
        (extent) => Math.floor((extent + more) / times),
      ];
  }
}

/** Every choice of letters, small ones first. */
function subsets(letters: readonly string[]): readonly (readonly string[])[] {
  const all: (readonly string[])[] = [[]];
  for (const letter of letters) all.push(...all.map((some) => [...some, letter]));
  return all.filter(({ length }) => length > 0).sort((a, b) => a.length - b.length);
}

import { isByName, type TakenByName } from "../../proto/arguments/given-numbers.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import { type ErrorStyle, type Given, type Mistake, mistakesIn } from "./mistakes.js";
import type { Runner } from "./runner.js";
import { INPUT, type NetTables, shapesIn } from "./tables.js";

/** Inputs that a net has of its own, beside those that the caller gives. */
export interface OwnInputs {
  /** Blobs that are there though the caller does not give them. */
  readonly fed: ReadonlySet<string>;
  /** Writes those that the caller did not give. */
  fill(given: Given, write: (blob: string, values: ArrayLike<number>) => Promise<void>): Promise<void>;
}

/** Writes batches into the inputs of a net's programs. */
export function createBatches(
  tables: () => NetTables,
  own: OwnInputs | undefined,
  { error }: Pick<ErrorStyle, "error">,
) {
  let steps = 0;
  /** What the caller gave last, and the program that has it: a call without any runs on it again. */
  let held: ReadonlySet<string> = new Set();
  let holder: (() => Runner | undefined) | undefined;
  /** What is wrong with a batch for a program of the net. */
  const mistakes = (given: TakenByName | undefined): readonly Mistake[] => {
    const shapes = shapesIn(tables().inputs);
    // Who gives nothing by name is told how to, and not what is missing.
    if (given !== undefined && !isByName(given)) return mistakesIn(given, shapes, "input");
    const isThere = (name: string): boolean =>
      given === undefined ? held.has(name) : Object.hasOwn(given, name);
    const missing = [...shapes].filter(([name]) => !own?.fed.has(name) && !isThere(name));
    return [
      ...(given === undefined ? [] : mistakesIn(given, shapes, "input")),
      ...missing.map(([name, shape]) => ({
        message: `Input ${quoted(name)}, of shape ${showShape(shape)}, was not given`,
      })),
    ];
  };
  /** Brings what is held from the program that has it. */
  const handOver = async (to: Runner): Promise<void> => {
    const from = holder?.();
    if (!from || from === to) return;
    for (const name of held) {
      const values = await from.readInput(INPUT.blob(name));
      if (values) await to.write(INPUT.blob(name), values);
    }
  };
  return {
    mistakes,
    /** Inputs that a call gave to a part of the net: what is held of them is of the past. */
    forget(names: Iterable<string>): void {
      const gone = new Set(names);
      held = new Set([...held].filter((name) => !gone.has(name)));
    },
    /** Writes a batch into the current program of those, and counts a step. */
    async feed(to: () => Runner | undefined, inputs?: TakenByName): Promise<void> {
      const wrong = mistakes(inputs);
      if (wrong.length > 0) throw error(wrong);
      const runner = to();
      if (!runner) return;
      if (inputs === undefined) await handOver(runner);
      else held = new Set(Object.keys(inputs));
      holder = to;
      const given = (inputs ?? {}) as Given;
      for (const [name, values] of Object.entries(given)) await runner.write(INPUT.blob(name), values);
      await own?.fill(given, (name, values) => runner.write(INPUT.blob(name), values));
      await runner.write(INPUT.step, steps++);
    },
  };
}

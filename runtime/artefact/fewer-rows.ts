import { sizeOf } from "../../codegen/ir/graph.js";
import {
  isByName,
  isNumbers,
  type TakenByName,
  type ValuesByName,
} from "../../proto/arguments/given-numbers.js";
import { quoted } from "../../proto/words/names.js";
import type { Tables } from "../net/tables.js";

/** Cuts a blob's value to the rows that were given. */
type Cut = (values: Float32Array) => Float32Array;

/** Runs a net on fewer rows than it was built for, where it has them apart from one another. */
export interface FewerRows {
  /**
   * Inputs for the net: those with fewer rows are filled up with their last. What is no whole number of rows is left as it is,
   * for whoever checks lengths.
   *
   * @throws Error where inputs have different numbers of rows, or the net takes no fewer than all
   */
  fill(taken: TakenByName): TakenByName;
  /** Of the inputs that were filled last. */
  readonly cut: Cut;
}

export function createFewerRows({ inputs, batch }: Pick<Tables, "inputs" | "batch">): FewerRows {
  const uncut: Cut = (values) => values;
  let cut = uncut;
  /** Of each input, where all are there and have whole rows. */
  const rowsOf = (taken: TakenByName, most: number): readonly number[] | undefined => {
    if (!isByName(taken)) return undefined;
    const found = inputs.map(({ name, shape }) => {
      const values = taken[name];
      return values && isNumbers(values) ? (values.length * most) / sizeOf(shape) : 0;
    });
    return found.every((rows) => Number.isInteger(rows) && rows >= 1 && rows <= most) ? found : undefined;
  };
  return {
    get cut() {
      return cut;
    },
    fill(taken) {
      const rows = batch && rowsOf(taken, batch.rows);
      if (!rows || !isByName(taken)) return taken;
      const most = batch.rows;
      const [asked] = rows;
      if (rows.some((others) => others !== asked))
        throw new Error(
          `inputs have different numbers of rows: ${inputs.map(({ name }, i) => `${quoted(name)} ${rows[i]}`).join(", ")}`,
        );
      if (asked < most && batch.whole !== undefined)
        throw new Error(
          `the inputs have ${asked} of ${most} rows, and this build takes all: ${batch.whole}\n` +
            "  fill them up, or build for fewer: cortado build --shape <input>=<extents>",
        );
      cut = asked === most ? uncut : (values) => values.slice(0, (values.length / most) * asked);
      if (asked === most) return taken;
      const filled: Record<string, ValuesByName[string]> = Object.assign(Object.create(null), taken);
      for (const { name, shape } of inputs) {
        const given = taken[name];
        if (!isNumbers(given)) continue;
        const row = sizeOf(shape) / most;
        const all = new Float32Array(sizeOf(shape));
        all.set(given);
        for (let at = given.length; at < all.length; at += row)
          all.copyWithin(at, given.length - row, given.length);
        filled[name] = all;
      }
      return filled;
    },
  };
}

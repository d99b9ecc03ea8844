import { sameShape } from "../../codegen/ir/graph.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import type { LoweredNet } from "../layers/index.js";
import { type Objective, rowsName } from "./objective.js";
import type { Runner } from "./runner.js";

/** A net made for certain numbers of rows, and its program. */
export interface RowProgram {
  readonly lowered: LoweredNet;
  readonly runner: Runner;
}

/** The programs of a net whose shapes depend on values (Filter): one for each numbers of rows met lately. */
export interface RowPrograms {
  /**
   * Whether a program was made for as many rows as its forward has found; if not, the one for those, which has not
   * run. What lies behind a number that was wrong may be wrong as well: ask again when that one has run.
   *
   * @throws CortadoError where the net cannot be made for so many rows
   */
  other(current: RowProgram, objective: Objective): Promise<RowProgram | undefined>;
  /** Closes all programs but this one. */
  keepOnly(current: Runner | undefined): Promise<void>;
}

/** Programs kept beside the current one: a batch can have any number of rows, and each program has its own memory. */
const MOST_KEPT = 7;

export function createRowPrograms(parts: {
  readonly lower: (rows: readonly number[]) => LoweredNet;
  readonly make: (objective: Objective, lowered: LoweredNet) => Promise<Runner>;
}): RowPrograms {
  /** By numbers of rows, the one that was used last at the end. */
  const kept = new Map<string, RowProgram>();
  const keyOf = ({ rowCounts }: LoweredNet): string => rowCounts.map(({ rows }) => rows).join();

  return {
    async other(current, objective) {
      const { lowered, runner } = current;
      const found = await Promise.all(
        lowered.rowCounts.map(async (_, i) =>
          Number((await runner.read("value", rowsName(lowered, i)))?.[0]),
        ),
      );
      const wrong = lowered.rowCounts.findIndex(({ rows }, i) => rows !== found[i]);
      if (wrong === -1) return undefined;
      const rows = lowered.rowCounts.map((count, i) => (i <= wrong ? found[i] : count.rows));
      let next = kept.get(rows.join());
      kept.delete(rows.join());
      if (!next) {
        const other = parts.lower(rows);
        checkParams(lowered, other);
        next = { lowered: other, runner: await parts.make(objective, other) };
      }
      kept.set(keyOf(lowered), current);
      const [oldest] = kept.values();
      if (kept.size > MOST_KEPT) {
        kept.delete(keyOf(oldest.lowered));
        await oldest.runner.built.executor.close();
      }
      return next;
    },
    async keepOnly(current) {
      const all = [...kept.values()];
      kept.clear();
      for (const { runner } of all) if (runner !== current) await runner.built.executor.close();
    },
  };
}

/** Parameters stay as they are, whatever the number of rows. */
function checkParams(before: LoweredNet, after: LoweredNet): void {
  for (const [i, { layer, position, shape }] of before.params.entries())
    if (!sameShape(shape, after.params[i].shape))
      throw userError(
        `parameter ${position} of layer ${quoted(layer)} has shape ${showShape(shape)}, and with the rows that are left of this batch it would need ${showShape(after.params[i].shape)}`,
      );
}

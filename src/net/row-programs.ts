import { sameShape } from "../../codegen/ir/graph.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import type { Current } from "../../runtime/net/current-program.js";
import type { LoweredNet } from "../layers/index.js";
import type { CompiledRunner } from "./load-program.js";
import { type Objective, rowsName } from "./objective.js";

/** A program of a net, and what it was made of: the net for certain numbers of rows, and what it is to do. */
export interface CompiledCurrent extends Current {
  readonly runner: CompiledRunner;
  readonly lowered: LoweredNet;
  readonly objective: Objective;
}

/** The programs of a net whose shapes depend on values (Filter): one for each numbers of rows met lately. */
export interface RowPrograms {
  /**
   * Whether a program was made for as many rows as its forward has found; if not, the one for those, which has not
   * run. What lies behind a number that was wrong may be wrong as well: ask again when that one has run.
   *
   * @throws CortadoError where the net cannot be made for so many rows
   */
  other(current: CompiledCurrent): Promise<CompiledCurrent | undefined>;
  /** Closes all programs but the one that runs. */
  close(): Promise<void>;
}

/** Programs kept beside the current one: a batch can have any number of rows, and each program has its own memory. */
const MOST_KEPT = 7;

export function createRowPrograms(parts: {
  readonly lower: (rows: readonly number[]) => LoweredNet;
  readonly make: (objective: Objective, lowered: LoweredNet) => Promise<CompiledCurrent>;
}): RowPrograms {
  /** By numbers of rows, the one that was used last at the end. */
  const kept = new Map<string, CompiledCurrent>();
  const keyOf = ({ rowCounts }: LoweredNet): string => rowCounts.map(({ rows }) => rows).join();

  return {
    async other(current) {
      const { lowered, runner, objective } = current;
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
        next = await parts.make(objective, other);
      }
      kept.set(keyOf(lowered), current);
      const [oldest] = kept.values();
      if (kept.size > MOST_KEPT) {
        kept.delete(keyOf(oldest.lowered));
        await oldest.runner.built.executor.close();
      }
      return next;
    },
    async close() {
      const all = [...kept.values()];
      kept.clear();
      for (const { runner } of all) await runner.built.executor.close();
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

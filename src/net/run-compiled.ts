import { CortadoError } from "../../proto/errors/index.js";
import type { ParamMemory } from "../../runtime/device.js";
import type { ErrorStyle } from "../../runtime/net/mistakes.js";
import { createRunningNet, type Running } from "../../runtime/net/running-net.js";
import type { NetTables } from "../../runtime/net/tables.js";
import type { LoweredNet } from "../layers/index.js";
import type { Log } from "./debug-info.js";
import type { Feeds } from "./feeds.js";
import type { Inspector } from "./inspect.js";
import type { Objective } from "./objective.js";
import { type CompiledCurrent, createRowPrograms } from "./row-programs.js";
import type { Sinks } from "./sinks.js";

export interface CompiledParts {
  readonly tables: NetTables;
  /** The net's parameters, by index. */
  readonly params: readonly ParamMemory[];
  readonly feeds: Feeds;
  readonly sinks: Sinks;
  /** Looks at every value after each pass. */
  readonly inspector: Inspector | undefined;
  /** Where the lines of debug_info go; undefined where the net does not ask for them. */
  readonly log: Log | undefined;
  readonly first: () => Promise<CompiledCurrent>;
  readonly make: (objective: Objective, lowered: LoweredNet) => Promise<CompiledCurrent>;
  /** The net for numbers of rows that depend on values. */
  readonly lower: (rows: readonly number[]) => LoweredNet;
}

export const COMPILED: ErrorStyle = {
  made: "compile",
  error: (mistakes) => new CortadoError(mistakes.map((mistake) => ({ severity: "error", ...mistake }))),
};

/** A running net with what only one that was compiled here has: data of its own, further programs, inspection. */
export function runCompiled(parts: CompiledParts): Running<CompiledCurrent> {
  const { tables, params, feeds, sinks, inspector, log, first, make } = parts;
  const rowPrograms = createRowPrograms(parts);
  return createRunningNet({
    tables,
    params,
    style: COMPILED,
    first,
    extras: {
      fed: feeds.blobs,
      fill: feeds.fill,
      ranForward: async (runner) => inspector?.forward(runner, log),
      ranBackward: async (runner) => inspector?.backward(runner, log),
      save: sinks.write,
      async widen({ objective, lowered }, seeds) {
        const all = [...new Set([...objective.seeds, ...seeds])];
        const wider = await make({ ...objective, backward: true, seeds: all }, lowered);
        await rowPrograms.close();
        return wider;
      },
      refit: rowPrograms.other,
      async close() {
        await rowPrograms.close();
        await feeds.close();
        await sinks.close();
      },
    },
  });
}

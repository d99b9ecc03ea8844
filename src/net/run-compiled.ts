import { CortadoError } from "../../proto/errors/index.js";
import type { ErrorStyle } from "../../runtime/net/mistakes.js";
import { createRunningNet, type Running, type RunningParts } from "../../runtime/net/running-net.js";
import { createPrograms, type ProgramMakers } from "./compiled-programs.js";
import type { Log } from "./debug-info.js";
import type { Feeds } from "./feeds.js";
import type { Inspector } from "./inspect.js";
import type { CompiledCurrent } from "./row-programs.js";
import type { Sinks } from "./sinks.js";

export interface CompiledParts
  extends Pick<RunningParts<CompiledCurrent>, "tables" | "params">,
    ProgramMakers {
  readonly feeds: Feeds;
  readonly sinks: Sinks;
  /** Looks at every value after each pass. */
  readonly inspector: Inspector | undefined;
  /** Where the lines of debug_info go; undefined where the net does not ask for them. */
  readonly log: Log | undefined;
}

export const COMPILED: ErrorStyle = {
  made: "compile",
  error: (mistakes) => new CortadoError(mistakes.map((mistake) => ({ severity: "error", ...mistake }))),
};

/** A running net with what only one that was compiled here has: data of its own, further programs, inspection. */
export function runCompiled(parts: CompiledParts): Running<CompiledCurrent> {
  const { tables, params, feeds, sinks, inspector, log } = parts;
  const programs = createPrograms(parts, params);
  return createRunningNet({
    tables,
    programs,
    params,
    style: COMPILED,
    extras: {
      fed: feeds.blobs,
      fill: feeds.fill,
      ranForward: async (runner) => inspector?.forward(runner, log),
      ranBackward: async (runner) => inspector?.backward(runner, log),
      save: sinks.write,
      async close() {
        await programs.close();
        await feeds.close();
        await sinks.close();
      },
    },
  });
}

import type { Runner } from "../../runtime/net/runner.js";
import { type BeforeUpdate, createDebugInfo, type DebugInfo, type Log } from "./debug-info.js";
import { createFiniteCheck, type FiniteCheck } from "./finite.js";

/** What looks at a net's values after each pass: `debug: "finite"`, `debug_info`. Its programs watch. */
export interface Inspector {
  readonly finite: FiniteCheck | undefined;
  /** Undefined where nobody asked for it. */
  readonly info: DebugInfo | undefined;
  /** Looks at what a pass left. With a log, `debug_info` is written to it. */
  forward(runner: Runner, log?: Log): Promise<void>;
  backward(runner: Runner, log?: Log, before?: BeforeUpdate): Promise<void>;
}

/** Undefined where there is nothing to look for. */
export function createInspector(
  wanted: { readonly finite: boolean; readonly info: boolean },
  parts: Parameters<typeof createFiniteCheck>[0],
): Inspector | undefined {
  if (!wanted.finite && !wanted.info) return undefined;
  const finite = wanted.finite ? createFiniteCheck(parts) : undefined;
  const info = wanted.info ? createDebugInfo(parts) : undefined;
  return {
    finite,
    info,
    async forward(runner, log) {
      // What there is to see is written before anything is refused.
      if (log) await info?.forward(runner, log);
      await finite?.forward(runner);
    },
    async backward(runner, log, before) {
      if (log) await info?.backward(runner, log, before);
      await finite?.backward(runner);
    },
  };
}

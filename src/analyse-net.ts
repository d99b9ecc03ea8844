/** What can be said of a net without running it: its lowered form and its plan. */

import { type Target, tsTarget } from "../codegen/targets/index.js";
import { CortadoError } from "../proto/errors/index.js";
import { fixedSizeOf } from "../runtime/data/feed-spec.js";
import { feedsOf, type LayerType, type LoweredNet } from "./layers/index.js";
import type { CompileOptions } from "./net/compile-options.js";
import { openFeeds } from "./net/feeds.js";
import { lowerDefinition } from "./net/lower-definition.js";
import { hasGradient, type Objective } from "./net/objective.js";
import { type NetProgram, netProgram, type ProgramOptions } from "./net/programs.js";
import { type NetDef, selectLayers } from "./net-text/index.js";

export interface NetState {
  readonly phase: "TRAIN" | "TEST";
  readonly level?: number;
  readonly stages?: readonly string[];
}

export interface AnalyseOptions extends NetState {
  readonly root: string;
  readonly shapes?: CompileOptions["shapes"];
  readonly layers?: readonly LayerType[];
  /** What the program is made for. Default: the `ts` target. */
  readonly target?: Target;
  /** Of the target, where it has several ("sm_90"). */
  readonly architecture?: string;
  /** Passes of the target that are left out, or not: see `compile`'s option. */
  readonly passes?: CompileOptions["passes"];
}

export interface Analysis {
  readonly definition: NetDef;
  readonly lowered: LoweredNet;
  /** Lowers it anew: each program is of a graph of its own, node for node the one that is run. */
  readonly lower: () => LoweredNet;
  /** The one that `compile` starts with: forward, and backward too in phase TRAIN. */
  readonly objective: Objective;
  /** The one that `compile` runs. */
  readonly program: NetProgram;
}

/** Lowers a net; data sources are opened for their shapes and closed again. */
export async function lowerForAnalysis(
  net: NetDef,
  options: Omit<AnalyseOptions, "target" | "architecture" | "passes">,
): Promise<Omit<Analysis, "program">> {
  const { phase, shapes, root, layers } = options;
  const definition = selectLayers(net, options);
  const feeds = await openFeeds(definition, { root, phase, seed: 0, shapes, layers }).catch(
    (error: unknown) => {
      throw withShapeHint(error, definition, phase);
    },
  );
  await feeds.close();
  const lower = (): LoweredNet =>
    lowerDefinition(definition, { phase, shapes, feedShapes: feeds.shapes, types: layers });
  const lowered = lower();
  const objective = { backward: phase === "TRAIN" && hasGradient(lowered), seeds: [], keep: [] };
  return { definition, lowered, lower, objective };
}

/** Lowers and plans a net. */
export async function analyse(net: NetDef, options: AnalyseOptions): Promise<Analysis> {
  const { target = tsTarget, architecture, passes, ...rest } = options;
  const lowered = await lowerForAnalysis(net, rest);
  const program = netProgram(
    lowered.lowered,
    lowered.objective,
    programOptions(target, architecture, passes),
  );
  return { ...lowered, program };
}

/** What an analysis is made for: no weights are filled and nothing is random. */
export const programOptions = (
  target: Target = tsTarget,
  architecture?: string,
  passes?: ProgramOptions["passes"],
): ProgramOptions => ({
  target,
  description: target.describe(architecture),
  dtype: "float32",
  seed: 1,
  ...(passes && { passes }),
});

/** Where data could not be opened: how to go on without it. */
export function withShapeHint(error: unknown, definition: NetDef, phase: "TRAIN" | "TEST"): unknown {
  if (!(error instanceof CortadoError)) return error;
  const flags = feedsOf(definition, phase)
    .filter(({ spec }) => spec.kind !== "filler")
    .flatMap(({ layer, spec }) => {
      const batch = "batchSize" in spec ? String(spec.batchSize) : "N";
      return layer.top.map((top, i) => {
        const size = fixedSizeOf(spec);
        const plane = size ? `3,${size.join(",")}` : "C,H,W";
        return `--shape ${/^[\w./-]+$/.test(top) ? top : "BLOB"}=${i === 0 ? `${batch},${plane}` : batch}`;
      });
    });
  if (flags.length === 0) return error;
  const [last] = error.diagnostics.slice(-1);
  const hint = `the data is not needed where its shapes are given: ${flags.join(" ")}`;
  return new CortadoError([
    ...error.diagnostics.slice(0, -1),
    { ...last, hint: last.hint ? `${last.hint}\n  ${hint}` : hint },
  ]);
}

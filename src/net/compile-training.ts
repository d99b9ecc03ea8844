import type { SolverParameter } from "../../proto/index.js";
import { paramOver } from "../../runtime/net/param.js";
import { createStep, type StepWatch } from "../../runtime/net/training-step.js";
import type { TrainingNet } from "./compiled-net.js";
import type { BeforeUpdate, Log } from "./debug-info.js";
import type { Inspector } from "./inspect.js";
import type { NetInternals } from "./internals.js";
import { type CompiledRunner, checkFit } from "./load-program.js";
import { type NetProgram, type ProgramOptions, trainingPrograms } from "./programs.js";
import { COMPILED } from "./run-compiled.js";
import type { Sinks } from "./sinks.js";
import { requireStaticShapes } from "./static-shapes.js";

/**
 * A net whose solver's update rule is compiled into its backward pass: see `trainingPrograms`.
 * Whoever gives `load` closes what it made.
 */
export async function createTraining(
  { lowered, params, running, hold, inspector, keep, diffsOfParams }: NetInternals,
  sinks: Sinks,
  solver: SolverParameter,
  options: ProgramOptions,
  load: (program: NetProgram) => Promise<CompiledRunner>,
): Promise<Pick<TrainingNet, "step" | "history"> & { readonly runner: CompiledRunner }> {
  requireStaticShapes(lowered, "training");
  const made = trainingPrograms(
    lowered,
    { keep, keptDiffs: diffsOfParams, watch: inspector !== undefined },
    solver,
    options,
  );
  const programs = made.update ? [made.step, made.update] : [made.step];
  const elements = made.states.reduce((sum, count) => sum + count, 0);
  checkFit(hold.device, programs, elements, params.dtype);
  for (const count of made.states) params.memories.push(hold.device.allocate(count));
  const runner = await load(made.step);
  const update = made.update && (await load(made.update));
  const { losses } = lowered;
  const step = createStep({ net: running, losses, style: COMPILED, step: runner, update });
  const batches = Math.max(1, solver.iter_size);
  return {
    runner,
    step: (scalars, inputs, log) =>
      step(new Array(batches).fill(inputs), () => scalars, watchStep(inspector, sinks, log)),
    history: made.history.map(({ param, ...info }) =>
      paramOver(info, params.memories[param], running, COMPILED),
    ),
  };
}

/** What there is to see of a step; with a log, `debug_info` is written to it. */
function watchStep(inspector: Inspector | undefined, sinks: Sinks, log: Log | undefined): StepWatch {
  let before: BeforeUpdate | undefined;
  return {
    ranForward: async (runner) => inspector?.forward(runner, log),
    save: sinks.write,
    async beforeUpdate() {
      if (log) before = await inspector?.info?.beforeUpdate();
    },
    ranBackward: async (runner) => inspector?.backward(runner, log, before),
    async updated() {
      if (log && before) await inspector?.info?.update(before, log);
    },
  };
}

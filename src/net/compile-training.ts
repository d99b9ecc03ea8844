import { takeByName } from "../../proto/arguments/given-numbers.js";
import type { SolverParameter } from "../../proto/index.js";
import { paramOver } from "../../runtime/net/param.js";
import { createStep, type StepWatch } from "../../runtime/net/training-step.js";
import { ruleOf } from "../solvers/index.js";
import type { TrainingNet } from "./compiled-net.js";
import type { BeforeUpdate, Log } from "./debug-info.js";
import type { Inspector } from "./inspect.js";
import type { NetInternals } from "./internals.js";
import type { CompiledRunner, LoadableProgram } from "./load-program.js";
import { stepArguments } from "./net-arguments.js";
import type { Training } from "./programs.js";
import { COMPILED } from "./run-compiled.js";
import type { Sinks } from "./sinks.js";

/**
 * A net whose solver's update rule is compiled into its backward pass: see `trainingRequests`.
 * Whoever gives `load` closes what it made.
 */
export async function createTraining(
  { lowered, params, running, hold, inspector }: NetInternals,
  sinks: Sinks,
  solver: SolverParameter,
  made: Training<LoadableProgram>,
  load: (program: LoadableProgram) => Promise<CompiledRunner>,
): Promise<Pick<TrainingNet, "step" | "history"> & { readonly runner: CompiledRunner }> {
  for (const count of made.states) params.memories.push(hold.device.allocate(count));
  const runner = await load(made.step);
  const update = made.update && (await load(made.update));
  const { losses } = lowered;
  const step = createStep({ net: running, losses, style: COMPILED, step: runner, update });
  const batches = Math.max(1, solver.iter_size);
  const takeStep = stepArguments(["rate", ...ruleOf(solver).scalars]);
  return {
    runner,
    async step(scalars, inputs, log) {
      const given = takeStep(scalars, log);
      const batch = inputs === undefined ? undefined : takeByName(inputs);
      const watch = watchStep(inspector, sinks, given.log);
      return step(new Array(batches).fill(batch), () => given.scalars, watch);
    },
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

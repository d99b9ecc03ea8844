import type { SolverParameter } from "../../proto/index.js";
import type { Blobs, Param } from "../../runtime/net-types.js";
import { scalarInput } from "../solvers/index.js";
import type { TrainingNet } from "./compiled-net.js";
import type { BeforeUpdate } from "./debug-info.js";
import type { NetInternals } from "./internals.js";
import { checkFit } from "./load-program.js";
import { paramOver } from "./net-params.js";
import { type NetProgram, type ProgramOptions, trainingPrograms } from "./programs.js";
import type { Runner } from "./runner.js";
import { requireStaticShapes } from "./static-shapes.js";

/** What a net gains when a solver's rule is compiled into its backward pass. */
export type Training = Pick<TrainingNet, "step" | "history"> & {
  readonly runner: Runner;
};

/**
 * A net whose solver's update rule is compiled into its backward pass: see `trainingPrograms`.
 * Whoever gives `load` closes what it made.
 */
export async function createTraining(
  internals: NetInternals,
  solver: SolverParameter,
  options: ProgramOptions,
  load: (program: NetProgram) => Promise<Runner>,
): Promise<Training> {
  const { lowered, params, session, hold, inspector } = internals;
  requireStaticShapes(lowered, "training");
  const { store } = params;
  const watch = inspector !== undefined;
  const made = trainingPrograms(lowered, { keep: internals.keep, watch }, solver, options);
  const { step, update, states } = made;
  const { device } = hold;
  const elements = states.reduce((sum, count) => sum + count, 0);
  checkFit(device, update ? [step, update] : [step], elements, store.dtype);
  for (const count of states) store.memories.push(device.allocate(count));
  const runner = await load(step);
  const apply = update && (await load(update));

  const setScalars = async (target: Runner, scalars: Readonly<Record<string, number>>): Promise<void> => {
    for (const [name, value] of Object.entries(scalars)) await target.write(scalarInput(name), value);
  };
  const lossOf = async (): Promise<number> => {
    const values = await Promise.all(lowered.losses.map(({ blob }) => runner.read("value", blob)));
    let loss = 0;
    for (const [i, { weight }] of lowered.losses.entries()) {
      let sum = 0;
      for (const value of values[i]!) sum += value;
      loss += weight * sum;
    }
    return loss;
  };

  return {
    runner,
    step: (scalars, inputs, log) =>
      session.inTurn(async () => {
        const batches = Math.max(1, solver.iter_size);
        let loss = 0;
        let outputs: Blobs | undefined;
        let before: BeforeUpdate | undefined;
        for (let batch = 0; batch < batches; batch++) {
          await session.feed(runner, inputs);
          await setScalars(runner, { ...scalars, first: batch === 0 ? 1 : 0 });
          await runner.forward();
          await inspector?.forward(runner, log);
          // Everything is read here, so that nothing waits for the backward pass of a device that runs on its own.
          const [batchLoss, batchOutputs] = await Promise.all([
            lossOf(),
            batch === batches - 1 ? session.outputsOf(runner) : undefined,
            session.check(runner),
          ]);
          await session.save(runner);
          loss += batchLoss;
          outputs = batchOutputs;
          // With one program, the pass that computes gradients applies them too.
          if (log && !apply) before = await inspector?.info?.beforeUpdate();
          await runner.backward();
          await inspector?.backward(runner, log, before);
        }
        if (apply) {
          if (log) before = await inspector?.info?.beforeUpdate();
          await setScalars(apply, scalars);
          await apply.backward();
        }
        if (log && before) await inspector?.info?.update(before, log);
        return { loss: loss / batches, outputs: outputs! };
      }),
    history: made.history.map(({ of, param }): Param => paramOver(lowered.params[of], store.memories[param])),
  };
}

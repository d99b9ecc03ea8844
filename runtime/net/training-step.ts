import type { TakenByName } from "../../proto/arguments/given-numbers.js";
import type { Blobs } from "../net-types.js";
import type { Current } from "./current-program.js";
import type { ErrorStyle } from "./mistakes.js";
import type { Runner } from "./runner.js";
import type { Extras, Running } from "./running-net.js";
import { INPUT, type NetTables } from "./tables.js";

/** What looks on while a step is made. */
export interface StepWatch extends Pick<Extras<Current>, "ranForward" | "ranBackward" | "save"> {
  /** The next pass changes the parameters. */
  beforeUpdate(): Promise<void>;
  updated(): Promise<void>;
}

export interface StepParts {
  readonly net: Pick<
    Running,
    "inTurn" | "mistakes" | "feed" | "check" | "outputsOf" | "latest" | "stepHolder"
  >;
  readonly losses: NetTables["losses"];
  readonly style: Pick<ErrorStyle, "error">;
  /** Forward, and backward with the update; or with several batches a step, with the sums of gradients. */
  readonly step: Runner;
  /** The update, where a step takes several batches. */
  readonly update: Runner | undefined;
}

type Scalars = Readonly<Record<string, number>>;

/**
 * One iteration of training, behind which values and diffs are those of its last batch, as in Caffe: forward and backward on each batch, and the update of every parameter. `scalars` gives
 * the rule's own when the batches have been looked at; the loss is the weighted one's mean.
 */
export type Step = (
  batches: readonly (TakenByName | undefined)[],
  scalars: () => Scalars,
  watch?: Partial<StepWatch>,
) => Promise<{ readonly loss: number; readonly outputs: Blobs }>;

export function createStep({ net, losses, style, step, update }: StepParts): Step {
  const setScalars = async (runner: Runner, scalars: Scalars): Promise<void> => {
    for (const [name, value] of Object.entries(scalars)) await runner.write(INPUT.scalar(name), value);
  };
  const lossOf = async (): Promise<number> => {
    const values = await Promise.all(losses.map(({ blob }) => step.read("value", blob)));
    let loss = 0;
    for (const [i, { weight }] of losses.entries()) {
      let sum = 0;
      for (const value of values[i] ?? []) sum += value;
      loss += weight * sum;
    }
    return loss;
  };
  const holder = net.stepHolder(step, update ?? step);
  return (batches, scalarsOf, watch) =>
    net.inTurn(async () => {
      const mistakes = new Map(
        batches.flatMap((inputs) => net.mistakes(inputs)).map((mistake) => [mistake.message, mistake]),
      );
      if (mistakes.size > 0) throw style.error([...mistakes.values()]);
      const scalars = scalarsOf();
      let loss = 0;
      let outputs: Blobs = Object.create(null);
      const { latest } = net;
      latest.begin();
      for (const [batch, inputs] of batches.entries()) {
        await net.feed(() => step, inputs);
        await setScalars(step, { ...scalars, first: batch === 0 ? 1 : 0 });
        await step.forward();
        // What the watch refuses has run all the same.
        latest.forward(holder);
        await watch?.ranForward?.(step);
        latest.begin();
        // Everything is read here, so that nothing waits for the backward pass of a device that runs on its own.
        const [batchLoss, batchOutputs] = await Promise.all([
          lossOf(),
          batch === batches.length - 1 ? net.outputsOf(step) : outputs,
          net.check(step),
        ]);
        await watch?.save?.(step);
        loss += batchLoss;
        outputs = batchOutputs;
        // With one program, the pass that computes gradients applies them too.
        if (!update) await watch?.beforeUpdate?.();
        await step.backward();
        await watch?.ranBackward?.(step);
      }
      if (update) {
        await watch?.beforeUpdate?.();
        await setScalars(update, scalars);
        await update.backward();
      }
      latest.step(holder);
      await watch?.updated?.();
      return { loss: loss / batches.length, outputs };
    });
}

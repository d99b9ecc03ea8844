import { INPUT, type Tables, type TrainTable } from "../net/tables.js";
import { type Given, refuse } from "./given.js";
import type { NamedProgram } from "./program.js";
import { createScalars } from "./step-scalars.js";

/** What a training step needs of the net it belongs to. */
interface Owner {
  /** Forward, and backward with the update; or with several batches a step, with the sums of gradients. */
  readonly step: NamedProgram;
  /** The update, where a step takes several batches. */
  readonly update: NamedProgram | undefined;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly mistakes: (given: Given) => readonly string[];
  readonly runForward: (program: NamedProgram, given: Given) => Promise<void>;
  readonly outputsOf: (program: NamedProgram) => Promise<Record<string, Float32Array>>;
  readonly paramOver: (param: number, shape: readonly number[]) => object;
}

/** What a net built for training has beside the others. */
export function createTraining(train: TrainTable, losses: Tables["losses"], owner: Owner) {
  const { batches, history } = train;
  const scalars = createScalars(train);
  const setScalars = async (
    program: NamedProgram,
    values: Readonly<Record<string, number>>,
  ): Promise<void> => {
    for (const [name, value] of Object.entries(values)) await program.input(INPUT.scalar(name), value);
  };
  const lossOf = async (): Promise<number> => {
    let loss = 0;
    for (const { blob, weight } of losses) {
      let sum = 0;
      for (const value of (await owner.step.value(blob)) ?? []) sum += value;
      loss += weight * sum;
    }
    return loss;
  };
  return {
    history: Object.freeze(history.map(({ param, shape }) => owner.paramOver(param, shape))),
    get iteration() {
      return scalars.iteration;
    },
    /** `given`: a batch, or as many as a step takes; one serves for all. */
    step: (given: Given | readonly Given[] = {}, own: unknown = {}) =>
      owner.inTurn(async () => {
        const list: readonly Given[] = Array.isArray(given)
          ? (given as readonly Given[])
          : Array.from({ length: batches }, () => given as Given);
        if (list.length !== batches)
          throw new Error(`a step takes ${batches} batches (the solver's iter_size), not ${list.length}`);
        refuse([...new Set(list.flatMap(owner.mistakes))]);
        const values = scalars.next(own);
        let loss = 0;
        for (const [batch, inputs] of list.entries()) {
          await setScalars(owner.step, { ...values, first: batch === 0 ? 1 : 0 });
          await owner.runForward(owner.step, inputs);
          loss += await lossOf();
          await owner.step.run("backward");
        }
        if (owner.update) {
          await setScalars(owner.update, values);
          await owner.update.run("backward");
        }
        scalars.done();
        return { loss: loss / batches, outputs: await owner.outputsOf(owner.step) };
      }),
  };
}

import { takeByName } from "../../proto/arguments/given-numbers.js";
import { onlyProgram } from "../net/current-program.js";
import { toFloat32 } from "../net/float32.js";
import { type ErrorStyle, mistakeText } from "../net/mistakes.js";
import { paramOver } from "../net/param.js";
import { createRunner } from "../net/runner.js";
import { createRunningNet, type Running } from "../net/running-net.js";
import type { Tables, TrainTable } from "../net/tables.js";
import { createStep, type Step } from "../net/training-step.js";
import { type ParameterValues, writeParameters } from "./artefact-weights.js";
import type { BuiltDevice } from "./built-device.js";
import { createFewerRows } from "./fewer-rows.js";
import { plainError } from "./plain-error.js";
import { createScalars } from "./step-scalars.js";

const STYLE: ErrorStyle = {
  made: "build",
  error: (mistakes) => new Error(mistakes.map(mistakeText).join("\n")),
  thrown: plainError,
};

/** A built net over its device. Its type, with the net's own names, is in net.d.ts. */
export async function createNet(
  tables: Tables,
  device: BuiltDevice,
  weights: ParameterValues,
): Promise<object> {
  const { params } = device;
  const [main, stepRunner = main, update] = device.programs.map((program) => createRunner(program, params));
  const running = createRunningNet({
    tables,
    params,
    style: STYLE,
    programs: onlyProgram({ tables, runner: main }, STYLE),
  });
  const { inTurn, readDiff } = running;
  const rows = createFewerRows(tables);
  const forward = async (inputs?: unknown) => {
    const filled = inputs === undefined ? undefined : rows.fill(takeByName(inputs));
    // Calls are served in the order they were made: this one's rows are known now.
    const { cut } = rows;
    const outputs = await running.forward(filled);
    for (const [name, values] of Object.entries(outputs)) outputs[name] = cut(values);
    return outputs;
  };
  const read = async (blob: string) => {
    const { cut } = rows;
    return cut(await running.read(blob));
  };
  const backward = async (diffs: unknown = {}) => running.backward(takeByName(diffs));
  await inTurn(async () => {
    for (const { param, data } of weights) await params[param].write(data);
  });
  const shapes: Record<string, readonly number[]> = Object.create(null);
  for (const { name, shape } of tables.blobs) shapes[name] = shape;
  let closing: Promise<void> | undefined;
  const base = {
    shapes: Object.freeze(shapes),
    inputs: tables.inputs.map(({ name }) => name),
    outputs: tables.outputs,
    params: running.params,
    forward,
    read,
    save: () =>
      inTurn(() => writeParameters(tables.layers, async (param) => toFloat32(await params[param].read()))),
    close: () => {
      closing ??= running.close().then(device.close);
      return closing;
    },
  };
  const { train, losses } = tables;
  const step = createStep({ net: running, losses, style: STYLE, step: stepRunner, update });
  return Object.freeze(
    Object.defineProperties(
      {},
      {
        ...Object.getOwnPropertyDescriptors(base),
        ...(tables.seeds && Object.getOwnPropertyDescriptors({ backward, readDiff })),
        ...(train && Object.getOwnPropertyDescriptors(trainable(train, step, device, running))),
      },
    ),
  );
}

/** What a net built for training has beside the others. */
function trainable(
  train: TrainTable,
  step: Step,
  { params }: BuiltDevice,
  running: Pick<Running, "inTurn">,
): object {
  const { batches, history } = train;
  const scalars = createScalars(train);
  return {
    history: Object.freeze(
      history.map(({ param, ...info }) => paramOver(info, params[param], running, STYLE)),
    ),
    get iteration() {
      return scalars.iteration;
    },
    /** `given`: a batch, or as many as a step takes; one serves for all. */
    async step(given?: unknown, own: unknown = {}) {
      const list: readonly unknown[] = Array.isArray(given) ? given : new Array(batches).fill(given);
      if (list.length !== batches)
        throw new Error(`a step takes ${batches} batches (the solver's iter_size), not ${list.length}`);
      const taken = list.map((batch) => (batch === undefined ? undefined : takeByName(batch)));
      const asGiven = typeof own === "object" && own !== null ? { ...own } : own;
      return step(taken, () => scalars.next(asGiven), { updated: async () => scalars.done() });
    },
  };
}

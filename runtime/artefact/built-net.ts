import { quoted } from "../../proto/errors/suggest.js";
import { INPUT, type Tables } from "../net/tables.js";
import type { ArtefactDevice } from "./artefact-device.js";
import { type ParameterValues, writeParameters } from "./artefact-weights.js";
import { createTraining } from "./built-training.js";
import { elementsOf, type Given, instead, mistakesIn, refuse, shown } from "./given.js";
import { type NamedProgram, nameProgram } from "./program.js";

type Blobs = Record<string, Float32Array>;

/** A record without a prototype: any name is a key like any other. */
const record = <T>(): Record<string, T> => Object.create(null);

const byName = <T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> => {
  const result = record<T>();
  for (const [name, value] of entries) result[name] = value;
  return Object.freeze(result);
};

/**
 * The face of a built net over its device. Its functions are closures; calls are served one after another, in the
 * order they were made. Its type, with the net's own names, is in net.d.ts.
 */
export async function createNet(
  tables: Tables,
  device: ArtefactDevice,
  weights: ParameterValues,
): Promise<object> {
  const { backward, train, layers } = tables;
  const shapes = new Map(tables.blobs.map(({ name, shape }) => [name, shape]));
  const shapeOf = (blob: string): readonly number[] => shapes.get(blob) ?? [];
  const inputShapes = new Map(tables.inputs.map((name) => [name, shapeOf(name)]));
  const [main, stepProgram = main, updateProgram] = device.programs.map(nameProgram);

  let steps = 0;
  let hasRun = false;
  let hasDiffs = false;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(() => {
      if (closed) throw new Error("this net has been closed");
      return work();
    });
    last = result.catch(() => undefined);
    return result;
  };

  const paramPlace = (param: number) =>
    ({ storage: "param", param, offset: 0, elements: tables.parameters[param] }) as const;
  const readParam = (param: number): Promise<Float32Array> => device.programs[0].read(paramPlace(param));
  const writeParam = (param: number, data: ArrayLike<number>): Promise<void> =>
    device.programs[0].write(paramPlace(param), data);
  const paramOver = (param: number, shape: readonly number[]) =>
    Object.freeze({
      shape,
      read: () => inTurn(() => readParam(param)),
      write: (data: Float32Array) =>
        inTurn(async () => {
          if (data?.length !== elementsOf(shape))
            throw new Error(
              `a parameter of shape ${shown(shape)} holds ${elementsOf(shape)} numbers; ${data?.length ?? 0} were given`,
            );
          await writeParam(param, data);
        }),
    });

  const mistakesOfInputs = (given: Given): readonly string[] => [
    ...mistakesIn(given, inputShapes, "input"),
    ...[...inputShapes]
      .filter(([name]) => !Object.hasOwn(given ?? {}, name))
      .map(([name, shape]) => `input ${quoted(name)} ${shown(shape)} was not given`),
  ];
  /** Runs a forward on a batch that has been looked at. */
  const runForward = async (program: NamedProgram, given: Given): Promise<void> => {
    for (const name of tables.inputs) await program.input(INPUT.blob(name), given[name]);
    await program.input(INPUT.step, steps++);
    await program.run("forward");
    const found = await program.checks();
    refuse(
      found.flatMap((values, i) => {
        const { min, max, except, message } = tables.checks[i];
        const at = values.findIndex((value) => {
          const whole = Math.trunc(value);
          return !(whole >= min && whole <= max) && whole !== except;
        });
        return at === -1 ? [] : [`${message}: element ${at} is ${values[at]}`];
      }),
    );
  };
  const outputsOf = async (program: NamedProgram): Promise<Blobs> => {
    const outputs = record<Float32Array>();
    for (const blob of tables.outputs) outputs[blob] = (await program.value(blob)) ?? new Float32Array(0);
    return outputs;
  };
  const zeros = (shape: readonly number[]): Float32Array => new Float32Array(elementsOf(shape));

  const runBackward = async (seeds: readonly string[], diffs: Given) => {
    refuse(mistakesIn(diffs, new Map(seeds.map((blob) => [blob, shapeOf(blob)])), "blob that takes a diff"));
    if (!hasRun) throw new Error("backward needs a forward before it");
    for (const blob of seeds)
      await main.input(
        INPUT.diff(blob),
        Object.hasOwn(diffs, blob)
          ? diffs[blob]
          : (tables.losses.find((loss) => loss.blob === blob)?.weight ?? 0),
      );
    await main.run("backward");
    hasDiffs = true;
    const inputs = record<Float32Array>();
    for (const blob of backward?.inputs ?? []) inputs[blob] = (await main.diff(blob)) ?? zeros(shapeOf(blob));
    const params = record<Float32Array[]>();
    for (const layer of layers) {
      if (layer.params.length === 0) continue;
      const gradients: Float32Array[] = [];
      for (const { param, shape } of layer.params)
        gradients.push((await main.gradient(param)) ?? zeros(shape));
      params[layer.name] = gradients;
    }
    return { inputs, params };
  };

  /** A blob's name, looked at: it must be an output or kept. */
  const readable = (blob: string, further: readonly string[]): void => {
    const known = [...new Set([...tables.outputs, ...tables.kept, ...further])];
    if (known.includes(blob)) return;
    throw new Error(
      shapes.has(blob)
        ? `${quoted(blob)} is not kept, its memory is used again: build with --keep to read it`
        : `the net has no blob ${quoted(String(blob))}: ${instead(String(blob), shapes.keys())}`,
    );
  };

  for (const { param, data } of weights) await writeParam(param, data);

  const base = {
    shapes: byName([...shapes]),
    inputs: tables.inputs,
    outputs: tables.outputs,
    params: byName(
      layers
        .filter(({ params }) => params.length > 0)
        .map(({ name, params }) => [
          name,
          Object.freeze(params.map(({ param, shape }) => paramOver(param, shape))),
        ]),
    ),
    forward: (given: Given = {}) =>
      inTurn(async () => {
        refuse(mistakesOfInputs(given));
        hasDiffs = false;
        hasRun = false;
        await runForward(main, given);
        hasRun = true;
        return outputsOf(main);
      }),
    read: (blob: string) =>
      inTurn(async () => {
        readable(blob, tables.inputs);
        if (!hasRun) throw new Error(`${quoted(blob)} has no value before the first forward`);
        return (await main.value(blob)) ?? (await main.held(INPUT.blob(blob))) ?? zeros(shapeOf(blob));
      }),
    save: () => inTurn(() => writeParameters(layers, readParam)),
    close: async () => {
      if (closed) return;
      await last;
      closed = true;
      await device.close();
    },
  };
  const differentiable = backward && {
    backward: (diffs: Given = {}) => inTurn(() => runBackward(backward.seeds, diffs)),
    readDiff: (blob: string) =>
      inTurn(async () => {
        readable(blob, backward.inputs);
        if (!hasDiffs) throw new Error(`${quoted(blob)} has no diff before backward`);
        return (await main.diff(blob)) ?? zeros(shapeOf(blob));
      }),
  };
  const trainable =
    train &&
    createTraining(train, tables.losses, {
      step: stepProgram,
      update: updateProgram,
      inTurn,
      mistakes: mistakesOfInputs,
      runForward,
      outputsOf,
      paramOver,
    });
  return Object.freeze(
    Object.defineProperties(
      {},
      {
        ...Object.getOwnPropertyDescriptors(base),
        ...(differentiable && Object.getOwnPropertyDescriptors(differentiable)),
        ...(trainable && Object.getOwnPropertyDescriptors(trainable)),
      },
    ),
  );
}

import type { RealArray } from "../../codegen/ir/real.js";
import { quoted } from "../../proto/errors/suggest.js";
import type { ParamMemory } from "../device.js";
import type { Blobs, Gradients, Param } from "../net-types.js";
import { shapeText } from "../weights/weight-set.js";
import { orZeros, toFloat32 } from "./float32.js";
import { createQueue, type Queue } from "./in-turn.js";
import {
  type ErrorStyle,
  type Given,
  type Mistake,
  mistakesIn,
  notKept,
  outOfRange,
  takesNoDiff,
  unknownBlob,
} from "./mistakes.js";
import { paramOver } from "./param.js";
import type { Runner } from "./runner.js";
import { INPUT, type NamedShape, type NetTables } from "./tables.js";

/** A program of a net, and the net as that was made for it: shapes can depend on values. */
export interface Current {
  readonly tables: NetTables;
  readonly runner: Runner;
}

/** What a net that was compiled here does beside running. */
export interface Extras<C extends Current> {
  /** Inputs that are there though the caller does not give them. */
  readonly fed: ReadonlySet<string>;
  /** Writes those that the caller did not give. */
  fill(given: Given, write: (blob: string, values: ArrayLike<number>) => Promise<void>): Promise<void>;
  /** Looks at what forward left. What it refuses has run all the same. */
  ranForward(runner: C["runner"]): Promise<void>;
  ranBackward(runner: C["runner"]): Promise<void>;
  /** Writes what layers leave behind at each forward. */
  save(runner: C["runner"]): Promise<void>;
  /** A program like the current one that takes diffs of these blobs as well. */
  widen(current: C, seeds: readonly string[]): Promise<C>;
  /** The program for the shapes that a forward has found, where the current one was made for others. */
  refit(current: C): Promise<C | undefined>;
  close(): Promise<void>;
}

export interface RunningParts<C extends Current> {
  readonly tables: NetTables;
  /** The net's parameters, by index. */
  readonly params: readonly ParamMemory[];
  readonly style: ErrorStyle;
  /** Makes the program that runs until another is needed; called once. */
  readonly first: () => Promise<C>;
  readonly extras?: Extras<C>;
}

/** A net that runs: what its inputs hold, how far its steps have counted, which program is current. */
export interface Running<C extends Current = Current> extends Pick<Queue, "inTurn"> {
  forward(inputs?: Given): Promise<Blobs>;
  backward(diffs?: Given): Promise<Gradients>;
  read(blob: string): Promise<Float32Array>;
  readDiff(blob: string): Promise<Float32Array>;
  /** By layer; layers without any are absent. */
  readonly params: Readonly<Record<string, readonly Param[]>>;
  /** The program that runs now, made where there is none yet. */
  ready(): Promise<C>;
  /** Likewise; undefined where there is none yet. */
  current(): C | undefined;
  /** What is wrong with a batch for a program of the net. */
  mistakes(runner: Runner, inputs: Given | undefined): readonly Mistake[];
  /** Writes a batch into a program's inputs, and counts a step. */
  feed(runner: Runner, inputs?: Given): Promise<void>;
  /** Raises what the layers' run-time checks find: a label that names no class. */
  check(runner: Runner): Promise<void>;
  outputsOf(runner: Runner): Promise<Blobs>;
  close(): Promise<void>;
}

/** A record without a prototype: any name is a key like any other. */
const record = <T>(): Record<string, T> => Object.create(null);
const shapesIn = (named: readonly NamedShape[]) => new Map(named.map(({ name, shape }) => [name, shape]));

/** The running of a net, compiled or built, on any device: calls are served in the order they were made. */
export function createRunningNet<C extends Current>(parts: RunningParts<C>): Running<C> {
  const { params, style, extras } = parts;
  const { inTurn, close } = createQueue(style);
  let current: C | undefined;
  let steps = 0;
  let hasRun = false;
  let hasDiffs = false;
  /** Inputs of a program that hold a batch of the caller's: a call without any may run on them again. */
  const filled = new WeakMap<Runner, Set<string>>();
  /** What forward updates, as it was before the last one: another program can then repeat that forward. */
  let before: readonly { readonly memory: ParamMemory; readonly values: RealArray }[] = [];

  const refuse = (mistakes: readonly Mistake[]): void => {
    if (mistakes.length > 0) throw style.error(mistakes);
  };
  const ready = async (): Promise<C> => {
    current ??= await parts.first();
    return current;
  };
  const tablesNow = (): NetTables => current?.tables ?? parts.tables;

  const mistakes = (runner: Runner, given: Given | undefined): readonly Mistake[] => {
    const shapes = shapesIn(tablesNow().inputs);
    const isThere = (name: string): boolean =>
      given === undefined
        ? (filled.get(runner)?.has(name) ?? false)
        : typeof given === "object" && given !== null && Object.hasOwn(given, name);
    const missing = [...shapes].filter(([name]) => !extras?.fed.has(name) && !isThere(name));
    return [
      ...(given === undefined ? [] : mistakesIn(given, shapes, "input")),
      ...missing.map(([name, shape]) => ({
        message: `Input ${quoted(name)} ${shapeText(shape)} was not given`,
      })),
    ];
  };
  const feed = async (runner: Runner, inputs?: Given): Promise<void> => {
    refuse(mistakes(runner, inputs));
    const given = inputs ?? {};
    const held = filled.get(runner) ?? new Set();
    filled.set(runner, held);
    for (const [name, values] of Object.entries(given)) {
      await runner.write(INPUT.blob(name), values);
      held.add(name);
    }
    await extras?.fill(given, (name, values) => runner.write(INPUT.blob(name), values));
    await runner.write(INPUT.step, steps++);
  };
  const check = async (runner: Runner): Promise<void> => {
    const { checks } = tablesNow();
    refuse((await runner.checked()).flatMap((values, i) => outOfRange(checks[i], values)));
  };
  const outputsOf = async (runner: Runner): Promise<Blobs> => {
    const { outputs, blobs } = tablesNow();
    const shapes = shapesIn(blobs);
    const values = await Promise.all(outputs.map((blob) => runner.read("value", blob)));
    const found = record<Float32Array>();
    for (const [i, blob] of outputs.entries()) found[blob] = orZeros(values[i], shapes.get(blob) ?? []);
    return found;
  };

  const remember = async ({ built }: Runner): Promise<void> => {
    // Where there is one program only, nothing is ever repeated.
    if (!extras) return;
    const updated = built.table.updates.filter(({ pass }) => pass === "forward");
    before = await Promise.all(
      updated.map(async ({ param }) => ({ memory: params[param], values: await params[param].read() })),
    );
  };
  const restore = async (): Promise<void> => {
    for (const { memory, values } of before) await memory.write(values);
  };
  /** Makes another program current, and brings it to where the old one was. */
  const takeOver = async (old: C, next: C): Promise<void> => {
    await copyInputs(old.runner, next.runner);
    filled.set(next.runner, new Set(filled.get(old.runner)));
    await restore();
    current = next;
    await next.runner.forward();
  };
  /** Repeats a forward by other programs, until one was made for the shapes that it finds. */
  const refit = async (first: C): Promise<C> => {
    for (let now = first; ; ) {
      const other = await extras?.refit(now).catch(async (error: unknown) => {
        await restore();
        throw error;
      });
      if (!other) return now;
      await takeOver(now, other);
      now = other;
    }
  };
  /** The current program, or in its place one that takes diffs of these blobs. */
  const taking = async (blobs: readonly string[]): Promise<C> => {
    const now = await ready();
    const { seeds } = now.runner.built.table;
    const others = blobs.filter((blob) => !seeds?.includes(blob));
    if (seeds && others.length === 0) return now;
    if (!extras) throw style.error(others.map((blob) => takesNoDiff(blob, seeds ?? [])));
    const next = await extras.widen(now, blobs);
    try {
      await takeOver(now, next);
    } finally {
      if (current === next) await now.runner.built.executor.close();
    }
    return next;
  };

  const forward = async (inputs?: Given): Promise<Blobs> => {
    const first = await ready();
    await feed(first.runner, inputs);
    await remember(first.runner);
    hasRun = false;
    hasDiffs = false;
    await first.runner.forward();
    const { runner } = await refit(first);
    hasRun = true;
    await extras?.ranForward(runner);
    const [outputs] = await Promise.all([
      outputsOf(runner),
      check(runner).catch((error: unknown) => {
        hasRun = false;
        throw error;
      }),
    ]);
    await extras?.save(runner);
    return outputs;
  };
  const backward = async (diffs: Given): Promise<Gradients> => {
    const { blobs, losses } = tablesNow();
    refuse([
      ...mistakesIn(diffs, shapesIn(blobs), "blob"),
      ...(hasRun ? [] : [{ message: "backward needs a forward before it" }]),
    ]);
    const { tables, runner } = await taking(Object.keys(diffs));
    for (const blob of runner.built.table.seeds ?? []) {
      const weight = losses.find((loss) => loss.blob === blob)?.weight ?? 0;
      await runner.write(INPUT.diff(blob), Object.hasOwn(diffs, blob) ? diffs[blob] : weight);
    }
    await runner.backward();
    hasDiffs = true;
    await extras?.ranBackward(runner);
    return gradientsOf(tables, runner);
  };
  const read = async (blob: string): Promise<Float32Array> => {
    const { tables, runner } = await ready();
    const shapes = shapesIn(tables.blobs);
    if (!shapes.has(blob)) throw style.error([unknownBlob(blob, shapes.keys())]);
    const value = (await runner.read("value", blob)) ?? (await runner.readInput(INPUT.blob(blob)));
    if (!value) throw style.error([notKept(blob, style.made)]);
    refuse(hasRun ? [] : [{ message: `${quoted(blob)} has no value before the first forward` }]);
    return toFloat32(value);
  };
  const readDiff = async (blob: string): Promise<Float32Array> => {
    const { blobs, kept, inputDiffs } = tablesNow();
    const shape = shapesIn(blobs).get(blob);
    if (!shape) throw style.error([unknownBlob(blob, shapesIn(blobs).keys())]);
    if (!kept.includes(blob) && !inputDiffs.includes(blob)) throw style.error([notKept(blob, style.made)]);
    refuse(hasDiffs ? [] : [{ message: `${quoted(blob)} has no diff before backward` }]);
    return orZeros(await current?.runner.read("diff", blob), shape);
  };

  const ofLayers = record<readonly Param[]>();
  for (const { name, params: own } of parts.tables.layers)
    if (own.length > 0)
      ofLayers[name] = own.map(({ param, ...info }) => paramOver(info, params[param], { inTurn }, style));

  return {
    inTurn,
    ready,
    current: () => current,
    mistakes,
    feed,
    check,
    outputsOf,
    params: ofLayers,
    forward: (inputs) => inTurn(() => forward(inputs)),
    backward: (diffs = {}) => inTurn(() => backward(diffs)),
    read: (blob) => inTurn(() => read(blob)),
    readDiff: (blob) => inTurn(() => readDiff(blob)),
    close: () =>
      close(async () => {
        await current?.runner.built.executor.close();
        await extras?.close();
      }),
  };
}

async function copyInputs(from: Runner, to: Runner): Promise<void> {
  const { inputs, places } = to.built.table;
  for (const { name, place } of inputs) {
    const held = await from.readInput(name);
    // A diff's shape can depend on the number of rows.
    if (held?.length === places[place].elements) await to.write(name, held);
  }
}

/** Fresh arrays. Asked for all at once, so that a device answers in one go. */
async function gradientsOf({ inputs, inputDiffs, layers }: NetTables, runner: Runner): Promise<Gradients> {
  const shapes = shapesIn(inputs);
  const learning = layers.filter(({ params }) => params.length > 0);
  const [ofInputs, ofLayers] = await Promise.all([
    Promise.all(
      inputDiffs.map(async (blob) => orZeros(await runner.read("diff", blob), shapes.get(blob) ?? [])),
    ),
    Promise.all(
      learning.map(({ params }) =>
        Promise.all(
          params.map(async ({ param, shape }) => orZeros(await runner.read("gradient", param), shape)),
        ),
      ),
    ),
  ]);
  const found = { inputs: record<Float32Array>(), params: record<Float32Array[]>() };
  for (const [i, blob] of inputDiffs.entries()) found.inputs[blob] = ofInputs[i];
  for (const [i, { name }] of learning.entries()) found.params[name] = ofLayers[i];
  return found;
}

import { type Shape, sizeOf } from "../../codegen/ir/graph.js";
import type { RealArray } from "../../codegen/ir/real.js";
import { CortadoError, type Diagnostic, userError } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import type { ParamMemory } from "../../runtime/device.js";
import { toFloat32 } from "../../runtime/memory.js";
import type { Blobs, Gradients } from "../../runtime/net-types.js";
import { inputName, type LoweredNet, STEP } from "../layers/lower-net.js";
import type { Log } from "./debug-info.js";
import type { Feeds } from "./feeds.js";
import type { Inspector } from "./inspect.js";
import { checkName, diffName, type Objective } from "./objective.js";
import type { RowPrograms } from "./row-programs.js";
import type { Runner } from "./runner.js";
import type { Sinks } from "./sinks.js";

/** Values the caller gives, by blob. */
export type Given = Readonly<Record<string, ArrayLike<number>>>;

/** The life of a compiled net: which program is current, what its inputs hold, how far its steps have counted. */
export interface Session {
  forward(inputs?: Given): Promise<Blobs>;
  backward(diffs?: Given): Promise<Gradients>;
  read(blob: string): Promise<Float32Array>;
  readDiff(blob: string): Promise<Float32Array>;
  /** Runs work when the calls made before it have ended. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Builds the first program, so that the first forward finds it ready. */
  prepare(): Promise<void>;
  /** Writes a batch into a runner's inputs, from the caller or from the data layers, and counts a step. */
  feed(runner: Runner, inputs?: Given): Promise<void>;
  /** Raises what the layers' run-time checks find: a label that names no class. */
  check(runner: Runner): Promise<void>;
  /** Writes what layers leave behind at each forward: HDF5Output. */
  save(runner: Runner): Promise<void>;
  outputsOf(runner: Runner): Promise<Blobs>;
  /** The program that runs now; undefined before `prepare` or a first call. */
  current(): Runner | undefined;
  /** The net as the program that runs now was made: shapes can depend on values. */
  lowered(): LoweredNet;
  close(): Promise<void>;
}

export interface SessionParts {
  readonly lowered: LoweredNet;
  readonly feeds: Feeds;
  readonly sinks: Sinks;
  readonly keep: readonly string[];
  /** What the first program is for. */
  readonly objective: Objective;
  /** Looks at every value after each pass. */
  readonly inspector?: Inspector;
  /** Where the lines of debug_info go; undefined where the net does not ask for them. */
  readonly log?: Log;
  readonly make: (objective: Objective, lowered: LoweredNet) => Promise<Runner>;
  /** Programs for other numbers of rows, where these depend on values. */
  readonly rowPrograms: RowPrograms;
  /** The net's parameters, by index. */
  readonly params: readonly ParamMemory[];
}

/** What a pass left, or the zeros that it need not compute. */
const orZeros = (values: RealArray | undefined, shape: Shape): Float32Array =>
  values ? toFloat32(values) : new Float32Array(sizeOf(shape));
const record = <T>(): Record<string, T> => Object.create(null);

export function createSession(parts: SessionParts): Session {
  const { feeds, sinks, keep, rowPrograms } = parts;
  let { lowered, objective } = parts;
  let runner: Runner | undefined;
  let step = 0;
  let hasRun = false;
  let hasDiffs = false;
  let closed = false;
  /** Inputs that hold a batch of the caller's: a call without any may run on them again. */
  const filled = new Set<string>();
  /** What forward updates, as it was before the last one: that forward can then be repeated by a wider program. */
  const updated = lowered.updates.map(({ param }) => ({
    memory: parts.params[param],
    before: undefined as RealArray | undefined,
  }));

  // Calls are served one after another, in the order they were made.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(() => {
      if (closed) throw userError("This net has been closed");
      return work();
    });
    last = result.catch(() => undefined);
    return result;
  };

  const checkGiven = (given: Given, allowed: ReadonlyMap<string, Shape>, what: string): Diagnostic[] =>
    Object.entries(given).flatMap(([name, values]): Diagnostic[] => {
      const shape = allowed.get(name);
      if (!shape)
        return [
          {
            severity: "error",
            message: `The net has no ${what} ${quoted(name)}`,
            hint: didYouMean(name, allowed.keys()) ?? `it has: ${[...allowed.keys()].map(quoted).join(", ")}`,
          },
        ];
      if (values.length !== sizeOf(shape))
        return [
          {
            severity: "error",
            message: `${quoted(name)} has shape ${showShape(shape)}, ${sizeOf(shape)} numbers; ${values.length} were given`,
          },
        ];
      return [];
    });

  const feed = async (target: Runner, inputs?: Given): Promise<void> => {
    const given = inputs ?? {};
    const mistakes = checkGiven(given, lowered.inputs, "input");
    const fed = new Set(feeds.open.flatMap(({ tops }) => tops));
    const missing = [...lowered.inputs.keys()].filter(
      (name) => !Object.hasOwn(given, name) && !fed.has(name) && !(inputs === undefined && filled.has(name)),
    );
    for (const name of missing)
      mistakes.push({
        severity: "error",
        message: `Input ${quoted(name)}, of shape ${showShape(lowered.inputs.get(name)!)}, was not given`,
      });
    if (mistakes.length > 0) throw new CortadoError(mistakes);
    for (const [name, values] of Object.entries(given)) {
      await target.write(inputName(name), values);
      filled.add(name);
    }
    for (const { tops, feed } of feeds.open) {
      // A data layer whose blobs the caller gives keeps its place in its source.
      if (tops.every((top) => Object.hasOwn(given, top))) continue;
      const batch = feed.shapes.map((shape) => new Float32Array(sizeOf(shape)));
      await feed.next(batch);
      for (const [i, top] of tops.entries())
        if (!Object.hasOwn(given, top)) await target.write(inputName(top), batch[i]);
    }
    await target.write(STEP, step);
    step++;
  };

  const check = async (target: Runner): Promise<void> => {
    const mistakes: Diagnostic[] = [];
    const checked = await Promise.all(
      lowered.checks.map((_, i) => target.read("value", checkName(lowered, i))),
    );
    for (const [i, { min, max, except, message, span }] of lowered.checks.entries()) {
      const values = checked[i];
      const at = values?.findIndex((value) => {
        const whole = Math.trunc(value);
        return !(whole >= min && whole <= max) && whole !== except;
      });
      if (values && at !== undefined && at !== -1)
        mistakes.push({ severity: "error", message: `${message}: element ${at} is ${values[at]}`, span });
    }
    if (mistakes.length > 0) throw new CortadoError(mistakes);
  };

  const outputsOf = async (target: Runner): Promise<Blobs> => {
    const values = await Promise.all(lowered.outputs.map((blob) => target.read("value", blob)));
    const outputs = record<Float32Array>();
    for (const [i, blob] of lowered.outputs.entries()) outputs[blob] = toFloat32(values[i]!);
    return outputs;
  };

  const ready = async (): Promise<Runner> => {
    runner ??= await parts.make(objective, lowered);
    return runner;
  };

  const restoreUpdated = async (): Promise<void> => {
    for (const { memory, before } of updated) if (before) await memory.write(before);
  };

  /** Makes a program with backward from these seeds current, and brings it to where the old one was. */
  const widen = async (seeds: readonly string[]): Promise<Runner> => {
    const old = await ready();
    if (objective.backward && seeds.every((blob) => objective.seeds.includes(blob))) return old;
    const wider: Objective = {
      ...objective,
      backward: true,
      seeds: [...new Set([...objective.seeds, ...seeds])],
    };
    const next = await parts.make(wider, lowered);
    await copyInputs(old, next);
    await old.built.executor.close();
    await rowPrograms.keepOnly(next);
    runner = next;
    objective = wider;
    await restoreUpdated();
    await next.forward();
    return next;
  };

  /** Repeats a forward by other programs, until one was made for as many rows as it finds. */
  const settleRows = async (first: Runner): Promise<Runner> => {
    let target = first;
    while (lowered.rowCounts.length > 0) {
      const other = await rowPrograms.other({ lowered, runner: target }, objective).catch(async (error) => {
        await restoreUpdated();
        throw error;
      });
      if (!other) break;
      await copyInputs(target, other.runner);
      await restoreUpdated();
      lowered = other.lowered;
      target = other.runner;
      runner = target;
      await target.forward();
    }
    return target;
  };

  const lossWeight = new Map(lowered.losses.map(({ blob, weight }) => [blob, weight]));

  return {
    inTurn,
    prepare: async () => void (await ready()),
    feed,
    check,
    save: (target) => sinks.write(target),
    outputsOf,
    current: () => runner,
    lowered: () => lowered,
    forward: (inputs) =>
      inTurn(async () => {
        const first = await ready();
        await feed(first, inputs);
        const before = await Promise.all(updated.map(({ memory }) => memory.read()));
        for (const [i, one] of updated.entries()) one.before = before[i];
        hasRun = false;
        await first.forward();
        const target = await settleRows(first);
        hasRun = true;
        hasDiffs = false;
        await parts.inspector?.forward(target, parts.log);
        const [outputs] = await Promise.all([outputsOf(target), check(target)]);
        await sinks.write(target);
        return outputs;
      }),
    backward: (diffs = {}) =>
      inTurn(async () => {
        const shapes = new Map([...lowered.blobs].map(([name, { shape }]) => [name, shape]));
        const mistakes = checkGiven(diffs, shapes, "blob");
        if (!hasRun) mistakes.push({ severity: "error", message: "backward needs a forward before it" });
        if (mistakes.length > 0) throw new CortadoError(mistakes);
        const target = await widen(Object.keys(diffs));
        for (const blob of objective.seeds) {
          const seed = Object.hasOwn(diffs, blob) ? diffs[blob] : (lossWeight.get(blob) ?? 0);
          await target.write(diffName(blob), seed);
        }
        await target.backward();
        hasDiffs = true;
        await parts.inspector?.backward(target, parts.log);
        // Asked for all at once, so that a device answers in one go.
        const ofInputs = lowered.wanted.inputs.map(async (blob) =>
          orZeros(await target.read("diff", blob), shapes.get(blob)!),
        );
        const ofParams = lowered.layers.map((layer) =>
          Promise.all(
            layer.params.map(async ({ index, shape }) =>
              orZeros(await target.read("gradient", index), shape),
            ),
          ),
        );
        const [inputDiffs, gradients] = await Promise.all([Promise.all(ofInputs), Promise.all(ofParams)]);
        const inputs = record<Float32Array>();
        for (const [i, blob] of lowered.wanted.inputs.entries()) inputs[blob] = inputDiffs[i];
        const params = record<Float32Array[]>();
        for (const [i, { name }] of lowered.layers.entries())
          if (gradients[i].length > 0) params[name] = gradients[i];
        return { inputs, params };
      }),
    read: (blob) =>
      inTurn(async () => {
        if (!lowered.blobs.has(blob)) throw unknownBlob(lowered, blob);
        const target = await ready();
        const value = (await target.read("value", blob)) ?? (await target.readInput(inputName(blob)));
        if (!value) throw notKept(blob);
        if (!hasRun) throw userError(`${quoted(blob)} has no value before the first forward`);
        return toFloat32(value);
      }),
    readDiff: (blob) =>
      inTurn(async () => {
        const found = lowered.blobs.get(blob);
        if (!found) throw unknownBlob(lowered, blob);
        if (!keep.includes(blob) && !lowered.wanted.inputs.includes(blob)) throw notKept(blob);
        if (!hasDiffs) throw userError(`${quoted(blob)} has no diff before backward`);
        return orZeros(await runner?.read("diff", blob), found.shape);
      }),
    close: async () => {
      if (closed) return;
      await last;
      closed = true;
      await runner?.built.executor.close();
      await rowPrograms.keepOnly(undefined);
      await feeds.close();
      await sinks.close();
    },
  };
}

async function copyInputs(from: Runner, to: Runner): Promise<void> {
  for (const [name, { elements }] of to.built.inputs) {
    const held = await from.readInput(name);
    // A diff's shape can depend on the number of rows.
    if (held?.length === elements) await to.write(name, held);
  }
}

const unknownBlob = (lowered: LoweredNet, blob: string): CortadoError =>
  userError(`The net has no blob ${quoted(blob)}`, didYouMean(blob, lowered.blobs.keys()));

const notKept = (blob: string): CortadoError =>
  userError(
    `${quoted(blob)} is not kept: its memory is used again`,
    `compile with keep: [${quoted(blob)}] or keep: "all"`,
  );

import { quoted } from "../../proto/words/names.js";
import { layerKeys } from "../by-place.js";
import type { ParamMemory } from "../device.js";
import type { Blobs, Gradients, Param } from "../net-types.js";
import type { Current, Programs } from "./current-program.js";
import { orZeros, toFloat32 } from "./float32.js";
import { createQueue, type Queue } from "./in-turn.js";
import { createBatches, type OwnInputs } from "./input-batches.js";
import {
  type ErrorStyle,
  type Given,
  type Mistake,
  mistakesIn,
  notKept,
  outOfRange,
  unknownBlob,
} from "./mistakes.js";
import { paramOver } from "./param.js";
import { gradientsOf, outputsOf, record } from "./results.js";
import type { Runner } from "./runner.js";
import { INPUT, type NetTables, shapesIn } from "./tables.js";

/** What a net that was compiled here does beside running. */
export interface Extras<C extends Current> extends OwnInputs {
  /** Looks at what forward left. What it refuses has run all the same. */
  ranForward(runner: C["runner"]): Promise<void>;
  ranBackward(runner: C["runner"]): Promise<void>;
  /** Writes what layers leave behind at each forward. */
  save(runner: C["runner"]): Promise<void>;
  close(): Promise<void>;
}

export interface RunningParts<C extends Current> {
  /** Of the first program. */
  readonly tables: NetTables;
  readonly programs: Programs<C>;
  /** The net's parameters, by index. */
  readonly params: readonly ParamMemory[];
  readonly style: ErrorStyle;
  readonly extras?: Extras<C>;
}

/** A net that runs: what its inputs hold, how far its steps have counted, which program is current. */
export interface Running<C extends Current = Current>
  extends Pick<Queue, "inTurn">,
    ReturnType<typeof createBatches>,
    Pick<Programs<C>, "current" | "ready"> {
  forward(inputs?: Given): Promise<Blobs>;
  backward(diffs?: Given): Promise<Gradients>;
  read(blob: string): Promise<Float32Array>;
  readDiff(blob: string): Promise<Float32Array>;
  /** By layer; layers without any are absent. */
  readonly params: Readonly<Record<string, readonly Param[]>>;
  /** Raises what the layers' run-time checks find: a label that names no class. */
  check(runner: Runner): Promise<void>;
  outputsOf(runner: Runner): Promise<Blobs>;
  close(): Promise<void>;
}

/** The running of a net, compiled or built, on any device: calls are served in the order they were made. */
export function createRunningNet<C extends Current>(parts: RunningParts<C>): Running<C> {
  const { params, programs, style, extras } = parts;
  const { inTurn, close } = createQueue(style);
  const tablesNow = (): NetTables => programs.current()?.tables ?? parts.tables;
  const batches = createBatches(tablesNow, extras, style);
  let hasRun = false;
  let hasDiffs = false;

  const refuse = (mistakes: readonly Mistake[]): void => {
    if (mistakes.length > 0) throw style.error(mistakes);
  };
  /** What the layers' run-time checks find: a label that names no class. */
  const faultOf = async (runner: Runner): Promise<Error | undefined> => {
    const { checks } = tablesNow();
    const found = (await runner.checked()).flatMap((values, i) => outOfRange(checks[i], values));
    return found.length > 0 ? style.error(found) : undefined;
  };
  const forward = async (inputs?: Given): Promise<Blobs> => {
    await batches.feed((await programs.ready()).runner, inputs);
    hasRun = false;
    hasDiffs = false;
    const { tables, runner } = await programs.forward();
    // Asked for at once, so that a device answers in one go.
    const [outputs, fault] = await Promise.all([outputsOf(tables, runner), faultOf(runner)]);
    hasRun = fault === undefined;
    await extras?.ranForward(runner);
    if (fault) throw fault;
    await extras?.save(runner);
    return outputs;
  };
  const backward = async (diffs: Given): Promise<Gradients> => {
    const { blobs, losses } = tablesNow();
    refuse([
      ...mistakesIn(diffs, shapesIn(blobs), "blob"),
      ...(hasRun ? [] : [{ message: "backward needs a forward before it" }]),
    ]);
    const { tables, runner } = await programs.taking(Object.keys(diffs));
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
    const { tables, runner } = await programs.ready();
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
    return orZeros(await programs.current()?.runner.read("diff", blob), shape);
  };

  const ofLayers = record<readonly Param[]>();
  const keys = layerKeys(parts.tables.layers);
  for (const [place, { params: own }] of parts.tables.layers.entries())
    if (own.length > 0)
      ofLayers[keys[place]] = own.map(({ param, ...info }) => paramOver(info, params[param], { inTurn }, style));

  return {
    inTurn,
    ready: programs.ready,
    current: programs.current,
    ...batches,
    async check(runner) {
      const fault = await faultOf(runner);
      if (fault) throw fault;
    },
    outputsOf: (runner) => outputsOf(tablesNow(), runner),
    params: ofLayers,
    forward: (inputs) => inTurn(() => forward(inputs)),
    backward: (diffs = {}) => inTurn(() => backward(diffs)),
    read: (blob) => inTurn(() => read(blob)),
    readDiff: (blob) => inTurn(() => readDiff(blob)),
    close: () => close(async () => extras?.close()),
  };
}

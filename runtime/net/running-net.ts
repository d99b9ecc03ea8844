import type { TakenByName } from "../../proto/arguments/given-numbers.js";
import { layerKeys } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import type { ParamMemory } from "../device.js";
import type { Blobs, Gradients, NetParam } from "../net-types.js";
import type { Current, Programs } from "./current-program.js";
import { createHolders } from "./holders.js";
import { createQueue, type Queue } from "./in-turn.js";
import { createBatches, type OwnInputs } from "./input-batches.js";
import { createLatest, type Holder, type Latest } from "./latest.js";
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
  forward(inputs?: TakenByName): Promise<Blobs>;
  backward(diffs: TakenByName): Promise<Gradients>;
  read(blob: string): Promise<Float32Array>;
  readDiff(blob: string): Promise<Float32Array>;
  /** By layer (see `layerKeys`); layers without any are absent. */
  readonly params: Readonly<Record<string, readonly NetParam[]>>;
  /** Which values are those of the last calls. */
  readonly latest: Latest;
  /** As `read`, within a turn. */
  readNow(blob: string): Promise<Float32Array>;
  /** What the net's own programs leave, as their holder. */
  readonly holder: Holder;
  /** What steps leave: values and diffs of the batch that ran last, and what the update took. */
  stepHolder(step: Runner, update: Runner): Holder;
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
  const latest = createLatest(() => tablesNow().blobs.map(({ name }) => name), style);
  const holders = createHolders({ params, tables: tablesNow, style });
  const holder = holders.ofNet(() => programs.current()?.runner);
  const changes = countChanges(parts.tables, params);
  /** The parameters that the last forward ran on. */
  let ranOn = -1;

  const refuse = (mistakes: readonly Mistake[]): void => {
    if (mistakes.length > 0) throw style.error(mistakes);
  };
  /** What the layers' run-time checks find: a label that names no class. */
  const faultOf = async (runner: Runner): Promise<Error | undefined> => {
    const { checks } = tablesNow();
    const found = (await runner.checked()).flatMap((values, i) => outOfRange(checks[i], values));
    return found.length > 0 ? style.error(found) : undefined;
  };
  const forward = async (inputs?: TakenByName): Promise<Blobs> => {
    await programs.ready();
    refuse(batches.mistakes(inputs));
    latest.begin();
    await batches.feed(() => programs.current()?.runner, inputs);
    const { tables, runner } = await programs.forward();
    // Asked for at once, so that a device answers in one go.
    const [outputs, fault] = await Promise.all([outputsOf(tables, runner), faultOf(runner)]);
    ranOn = changes(runner);
    if (!fault) latest.forward(holder);
    await extras?.ranForward(runner);
    if (fault) throw fault;
    await extras?.save(runner);
    return outputs;
  };
  const backward = async (taken: TakenByName): Promise<Gradients> => {
    const { blobs, losses } = tablesNow();
    const lacks = [...latest.backwardLacks(holder)];
    const runnerNow = programs.current()?.runner;
    if (lacks.length === 0 && runnerNow && changes(runnerNow) !== ranOn)
      lacks.push({
        message: "backward needs a forward before it: parameters have changed since the last one",
      });
    refuse([...mistakesIn(taken, shapesIn(blobs), "blob"), ...lacks]);
    const diffs = taken as Given;
    const { tables, runner } = await programs.taking(Object.keys(diffs));
    ranOn = changes(runner);
    for (const blob of runner.built.table.seeds ?? []) {
      const weight = losses.find((loss) => loss.blob === blob)?.weight ?? 0;
      await runner.write(INPUT.diff(blob), Object.hasOwn(diffs, blob) ? diffs[blob] : weight);
    }
    await runner.backward();
    latest.backward(holder);
    await extras?.ranBackward(runner);
    return gradientsOf(tables, runner);
  };
  /** Of a blob that is none of the readable ones: that it is not kept. */
  const unkept = (blob: string, ...readable: readonly (readonly string[])[]): Mistake | undefined => {
    const shapes = shapesIn(tablesNow().blobs);
    if (!shapes.has(blob)) throw style.error([unknownBlob(blob, shapes.keys())]);
    return readable.some((names) => names.includes(blob)) ? undefined : notKept(blob, style.made);
  };
  const readNow = async (blob: string): Promise<Float32Array> => {
    const { outputs, kept, inputs } = tablesNow();
    const given = inputs.map(({ name }) => name);
    return latest.valueOf(blob, unkept(blob, outputs, kept, given)).value(blob);
  };
  const readDiff = async (blob: string): Promise<Float32Array> => {
    const { kept, inputDiffs } = tablesNow();
    return latest.diffOf(blob, unkept(blob, kept, inputDiffs)).diff(blob);
  };

  const ofLayers = record<readonly NetParam[]>();
  const keys = layerKeys(parts.tables.layers);
  for (const [place, { params: own }] of parts.tables.layers.entries())
    if (own.length > 0)
      ofLayers[keys[place]] = own.map(({ param, ...info }, position): NetParam => {
        const what = `parameter ${position} of layer ${quoted(keys[place])}`;
        return Object.assign(paramOver(info, params[param], { inTurn }, style), {
          readDiff: () => inTurn(async () => latest.diffOfParam(params[param], what)),
        });
      });

  return {
    inTurn,
    ready: programs.ready,
    current: programs.current,
    ...batches,
    latest,
    readNow,
    holder,
    stepHolder: holders.ofSteps,
    async check(runner) {
      const fault = await faultOf(runner);
      if (fault) throw fault;
    },
    outputsOf: (runner) => outputsOf(tablesNow(), runner),
    params: ofLayers,
    forward: (inputs) => inTurn(() => forward(inputs)),
    backward: (diffs) => inTurn(() => backward(diffs)),
    read: (blob) => inTurn(() => readNow(blob)),
    readDiff: (blob) => inTurn(() => readDiff(blob)),
    close: () => close(async () => extras?.close()),
  };
}

/** Counts the changes of a net's parameters, but for those that the program's own forward makes. */
function countChanges({ layers }: NetTables, params: readonly ParamMemory[]): (runner: Runner) => number {
  const own = new Set(layers.flatMap((layer) => layer.params.map(({ param }) => param)));
  return ({ built: { table } }) => {
    const moved = new Set(table.updates.flatMap(({ pass, param }) => (pass === "forward" ? [param] : [])));
    let changes = 0;
    for (const param of own) if (!moved.has(param)) changes += params[param].changes;
    return changes;
  };
}

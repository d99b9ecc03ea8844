import { InternalError, userError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import type { LoweredNet } from "../layers/index.js";
import { type NetDef, selectLayers } from "../net-text/index.js";
import { checkOptions } from "./check-options.js";
import { chooseTarget } from "./choose-target.js";
import type { CompileOptions } from "./compile-options.js";
import { createTraining } from "./compile-training.js";
import type { CompiledNet, TrainingNet } from "./compiled-net.js";
import { readConstants } from "./constants.js";
import { createFace } from "./create-net.js";
import { openFeeds } from "./feeds.js";
import { createInspector } from "./inspect.js";
import type { NetInternals } from "./internals.js";
import { checkFit, loadProgram } from "./load-program.js";
import { formatMatchReport, loadWeights } from "./load-weights.js";
import { lowerDefinition } from "./lower-definition.js";
import { createParams } from "./net-params.js";
import { hasGradient, keptBlobs, type Objective } from "./objective.js";
import { type DeviceHold, holdDevice, openDevice } from "./open-device.js";
import { type NetProgram, netProgram, type ProgramOptions } from "./programs.js";
import { createRanges } from "./ranges.js";
import { readDefinition } from "./read-definition.js";
import { createRowPrograms } from "./row-programs.js";
import { createRunner, type Runner } from "./runner.js";
import { createSession } from "./session.js";
import { lentBy } from "./share.js";
import { openSinks } from "./sinks.js";

/** Of fillers, dropout and random crops, where nobody gave one. */
const DEFAULT_SEED = 1701;

/**
 * Compiles a net to functions: prototxt → NetDef → graph → derivative → passes → plan → kernels → source → memory.
 *
 * `net` is the text of a prototxt, the path of one, or a NetDef. A mistake in it, in the weights or in the options
 * is a CortadoError that carries every mistake found, each with its place.
 */
export async function compile(net: string | NetDef, options: CompileOptions = {}): Promise<CompiledNet> {
  const parts = await prepare(net, options, { planFirst: true });
  return finish(parts, options, async () => {
    await parts.internals.session.prepare();
    return () => parts.internals.session.current() ?? notReady();
  });
}

/**
 * As `compile` in phase TRAIN, with a solver's update rule compiled into the backward pass. The solver has been
 * checked (`createSolver` does).
 */
export async function compileTraining(
  net: string | NetDef,
  solver: SolverParameter,
  options: CompileOptions = {},
): Promise<TrainingNet> {
  const trainOptions = { ...options, phase: "TRAIN" } as const;
  const parts = await prepare(net, trainOptions, { planFirst: false, debugInfo: solver.debug_info });
  const training = await orClose(parts, () =>
    createTraining(parts.internals, solver, parts.programOptions, async (program) => {
      const runner = await parts.load(program);
      parts.programs.push(runner);
      return runner;
    }),
  );
  const face = await finish(parts, trainOptions, async () => () => training.runner);
  const own: Pick<TrainingNet, "step" | "history"> = { step: training.step, history: training.history };
  // The face's getters stay getters: a copy by spreading would freeze their values.
  return Object.defineProperties(face, Object.getOwnPropertyDescriptors(own)) as TrainingNet;
}

interface Parts {
  readonly definition: NetDef;
  /** The folder that relative paths start from. */
  readonly root: string;
  readonly target: CompiledNet["target"];
  readonly internals: NetInternals;
  readonly programOptions: ProgramOptions;
  readonly load: (program: NetProgram) => Promise<Runner>;
  /** Programs beside the session's own, to be closed with the net. */
  readonly programs: Runner[];
}

/** Everything up to the first program: the net read, lowered, its data open, its parameters allocated and filled. */
async function prepare(
  net: string | NetDef,
  options: CompileOptions,
  { planFirst, debugInfo = false }: { readonly planFirst: boolean; readonly debugInfo?: boolean },
): Promise<Parts> {
  checkOptions(options);
  const { phase = "TEST", seed = DEFAULT_SEED, threads = 1, dtype = "float32", shapes, layers } = options;
  const lent = options.share && lentBy(options.share);
  const target = await chooseTarget(options, lent && options.share?.target.name);
  const state = { phase, level: options.level, stages: options.stages };
  const { definition: whole, root } = await readDefinition(net, options.root, state, layers);
  const definition = selectLayers(whole, state);
  const feeds = await openFeeds(definition, { root, phase, seed, shapes, layers });
  let hold: DeviceHold | undefined;
  try {
    const lower = (rows?: readonly number[]): LoweredNet =>
      lowerDefinition(definition, { phase, shapes, feedShapes: feeds.shapes, types: layers, rows });
    const lowered = lower();
    const constants = await readConstants(lowered, root);
    const sinks = await openSinks(lowered, root);
    hold = lent ? lent.hold.share() : holdDevice(await openDevice(target, { dtype }));
    const { device } = hold;
    const keep = keptBlobs(lowered, options.keep);
    const info = definition.net.debug_info || debugInfo;
    const objective: Objective = {
      backward: phase === "TRAIN" && hasGradient(lowered),
      seeds: [],
      keep,
      watch: info || options.debug === "finite",
    };
    const programOptions: ProgramOptions = {
      target: device.target,
      description: device.description,
      dtype,
      seed,
    };
    // Whether the net fits is known, and reported, before anything of it is allocated.
    let first = planFirst ? netProgram(lowered, objective, programOptions) : undefined;
    const params = await createParams(lowered, {
      device,
      dtype,
      seed,
      lent: lent?.params,
      check: (elements) => checkFit(device, first ? [first] : [], elements, dtype),
    });
    const load = async (program: NetProgram): Promise<Runner> => {
      const runner = createRunner(await loadProgram(program, { device, params: params.store, threads }));
      for (const { input, values } of constants) await runner.write(input, values);
      return runner;
    };
    const make = (wanted: Objective, of: LoweredNet): Promise<Runner> => {
      const isFirst = wanted === objective && of === lowered;
      const program = isFirst && first ? first : netProgram(of, wanted, programOptions);
      first = undefined;
      return load(program);
    };
    const inspector = createInspector(
      { finite: options.debug === "finite", info },
      { lowered, definition, params: params.store.memories },
    );
    const session = createSession({
      lowered,
      inspector,
      log: definition.net.debug_info ? (options.log ?? writeToStderr) : undefined,
      feeds,
      sinks,
      keep,
      objective,
      make,
      rowPrograms: createRowPrograms({ lower, make }),
      params: params.store.memories,
    });
    const fed = new Set(feeds.open.flatMap(({ tops }) => tops));
    const unfed = [...lowered.inputs.keys()].filter((blob) => !fed.has(blob));
    const internals: NetInternals = { lowered, params, hold, seed, threads, keep, session, unfed, inspector };
    return { definition, root, target, internals, programs: [], programOptions, load };
  } catch (error) {
    await hold?.close();
    await feeds.close();
    throw error;
  }
}

/** Builds the program that is shown, makes the face and loads weights; whatever fails, nothing stays open. */
function finish(
  parts: Parts,
  options: CompileOptions,
  show: () => Promise<() => Runner>,
): Promise<CompiledNet> {
  return orClose(parts, async () => {
    const shown = await show();
    const { definition, target, internals } = parts;
    const ranges = createRanges(
      definition,
      () => face,
      (range, shapes) =>
        compile(range, {
          ...options,
          root: parts.root,
          share: face,
          shapes,
          keep: options.keep === "all" ? "all" : undefined,
          weights: undefined,
        }),
    );
    const face: CompiledNet = createFace({
      definition,
      target,
      internals,
      ranges,
      shown,
      close: () => release(parts),
    });
    if (options.weights !== undefined) {
      const report = await loadWeights(face, options.weights);
      // Caffe says nothing; but who passes weights of which none is used has made a mistake.
      if (report.matched.length === 0 && report.untouched.length > 0)
        throw userError(
          "no layer of the net has weights in what option weights gives",
          formatMatchReport(report),
        );
    }
    return face;
  });
}

async function orClose<T>(parts: Parts, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await release(parts);
    throw error;
  }
}

/** The device last: programs lie on it. */
async function release({ internals, programs }: Parts): Promise<void> {
  try {
    // May fail: it ends the files that layers write.
    await internals.session.close();
  } finally {
    for (const { built } of programs) await built.executor.close();
    await internals.hold.close();
  }
}

/** As Caffe's log. */
const writeToStderr = (line: string): void => void process.stderr.write(`${line}\n`);

const notReady = (): never => {
  throw new InternalError("a net without a program");
};

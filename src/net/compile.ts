import { present, userError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import type { Device, ParamMemory } from "../../runtime/device.js";
import { logLine } from "../../runtime/host-process.js";
import { memoryOf } from "../../runtime/net/param.js";
import type { LoweredNet } from "../layers/index.js";
import type { NetDef } from "../net-text/index.js";
import type { CompileOptions, TakenOptions } from "./compile-options.js";
import { createTraining } from "./compile-training.js";
import type { CompiledNet, TrainingNet } from "./compiled-net.js";
import { createNet } from "./create-net.js";
import { createInspector } from "./inspect.js";
import type { NetInternals } from "./internals.js";
import {
  type CompiledRunner,
  type LoadableProgram,
  loadProgram,
  optionsFor,
  requestProgram,
} from "./load-program.js";
import { formatMatchReport, loadTakenWeights } from "./load-weights.js";
import { COMPILE } from "./net-arguments.js";
import { netMemory } from "./net-memory.js";
import { createParams } from "./net-params.js";
import { netTables } from "./net-tables.js";
import { hasGradient, keptBlobs, keptDiffs, type Objective } from "./objective.js";
import { type OpenNet, openNet } from "./open-net.js";
import { netRequest, type ProgramRequest, type Training, trainingRequests } from "./programs.js";
import { createRanges } from "./ranges.js";
import type { NetSource, Unread } from "./read-definition.js";
import type { CompiledCurrent } from "./row-programs.js";
import { runCompiled } from "./run-compiled.js";
import { settleTarget } from "./small-work.js";
import { requireStaticShapes } from "./static-shapes.js";

/**
 * Compiles a net to functions: prototxt → NetDef → graph → derivative → passes → plan → kernels → source → memory.
 *
 * `net` is the text of a prototxt or the bytes of that text, the path or file: URL of one, what `parseNet` gives, or
 * its fields as plain objects. It and the options are taken at the call: what changes afterwards changes nothing.
 *
 * @throws CortadoError with every mistake in the arguments; then with every mistake in the net or the weights, each with
 * its place
 */
export async function compile(net: NetSource, options?: CompileOptions): Promise<CompiledNet> {
  const given = COMPILE(net, options);
  return compileTaken(given.net, given.options);
}

/**
 * As `compile`, of arguments that were taken.
 *
 * @param placeOf where the net is a part of the one it shares with: see `Lent`
 */
export async function compileTaken(
  net: string | NetDef | Unread,
  options: TakenOptions<CompileOptions> = {},
  placeOf?: (place: number) => number | undefined,
): Promise<CompiledNet> {
  const parts = await prepare(await openNet(net, options), options, { placeOf });
  return finish(parts, options, async () => {
    const { running } = parts.internals;
    const first = await running.ready();
    return () => (running.current() ?? first).runner;
  });
}

/**
 * As `compile` in phase TRAIN, with a solver's update rule compiled into the backward pass. The solver has been
 * checked (`createSolver` does).
 */
export async function compileTraining(
  net: string | NetDef,
  solver: SolverParameter,
  options: TakenOptions<CompileOptions> = {},
): Promise<TrainingNet> {
  const trainOptions = { ...options, phase: "TRAIN" } as const;
  const open = await openNet(net, trainOptions);
  const parts = await prepare(open, trainOptions, { solver });
  const training = await orClose(parts, () =>
    createTraining(
      parts.internals,
      open.sinks,
      solver,
      present(parts.training, "a step"),
      async (program) => {
        const runner = await parts.load(program);
        parts.programs.push(runner);
        return runner;
      },
    ),
  );
  const compiled = await finish(parts, trainOptions, async () => () => training.runner);
  // Getters stay getters: a copy by spreading would freeze their values.
  return Object.assign(compiled, { step: training.step, history: training.history });
}

interface Parts extends Pick<OpenNet, "definition" | "root" | "target"> {
  readonly internals: NetInternals;
  /** With a solver. */
  readonly training?: Training<LoadableProgram>;
  readonly load: (program: LoadableProgram) => Promise<CompiledRunner>;
  readonly fillParams: ReturnType<typeof createParams>["fillParams"];
  /** Programs beside the running net's own, to be closed with it. */
  readonly programs: CompiledRunner[];
}

/** Everything up to the first program: parameters allocated, and how programs are made and run. */
async function prepare(
  open: OpenNet,
  options: TakenOptions<CompileOptions>,
  {
    solver,
    placeOf,
  }: {
    readonly solver?: SolverParameter;
    readonly placeOf?: (place: number) => number | undefined;
  },
): Promise<Parts> {
  const { definition, root, lowered, feeds, seed, threads, atMost, dtype, lent } = open;
  let { target, hold } = open;
  try {
    const keep = keptBlobs(lowered, options.keep);
    const diffsOfParams = keptDiffs(lowered, options);
    const finite = options.debug === "finite";
    const info = definition.net.debug_info || (solver?.debug_info ?? false);
    const backward = open.phase === "TRAIN" && hasGradient(lowered);
    const objective: Objective = { backward, seeds: [], keep, watch: info || finite };
    if (solver) requireStaticShapes(lowered, "training");
    const step = { keep, keptDiffs: diffsOfParams, watch: info || finite };
    const requestsOn = (one: Device): readonly ProgramRequest[] => {
      const on = optionsFor(one, dtype, seed, options.passes);
      if (!solver) return [netRequest(lowered, objective, on)];
      const { step: own, update } = trainingRequests(lowered, step, solver, on);
      return update ? [own, update] : [own];
    };
    ({ target, hold } = await settleTarget(open, options, solver, requestsOn));
    const { device } = hold;
    const programOptions = optionsFor(device, dtype, seed, options.passes);
    const request = (one: ProgramRequest, of = lowered): Promise<LoadableProgram> =>
      requestProgram(one, of, device);
    const training =
      solver && (await requestTraining(trainingRequests(lowered, step, solver, programOptions), request));
    let planned = training ? undefined : await request(netRequest(lowered, objective, programOptions));
    const { params, fillParams } = createParams(lowered, {
      device,
      dtype,
      seed,
      lent: lent && { ...lent, placeOf },
      // Whether the net fits is known, and reported, before anything of it is allocated.
      check: (parameters) =>
        hold.reserve(
          netMemory(
            lowered,
            [planned, training?.step, training?.update].filter((one) => one !== undefined),
            { parameters, history: training?.states.reduce((sum, count) => sum + count, 0) },
            { dtype, threads },
          ),
        ),
    });
    const load = async (program: LoadableProgram): Promise<CompiledRunner> => {
      const runner = await loadProgram(program, { device, params, threads, atMost });
      for (const { input, values } of open.constants) await runner.write(input, values);
      return runner;
    };
    const make = async (
      wanted: Objective,
      of: LoweredNet,
      program?: LoadableProgram,
    ): Promise<CompiledCurrent> => {
      const found = program ?? (await request(netRequest(of, wanted, programOptions), of));
      const runner = await load(found);
      return { tables: netTables(of, keep, diffsOfParams), runner, lowered: of, objective: wanted };
    };
    const inspector = createInspector({ finite, info }, { lowered, definition, params: params.memories });
    const first = (): Promise<CompiledCurrent> => {
      const made = make(objective, lowered, planned);
      planned = undefined;
      return made;
    };
    const running = runCompiled({
      tables: netTables(lowered, keep, diffsOfParams),
      params: params.memories,
      first,
      make: (wanted, of) => make(wanted, of),
      lower: open.lower,
      feeds,
      sinks: open.sinks,
      inspector,
      log: definition.net.debug_info ? (options.log ?? logLine) : undefined,
    });
    const unfed = [...lowered.inputs.keys()].filter((blob) => !feeds.blobs.has(blob));
    const internals: NetInternals = { lowered, params, hold, keep, diffsOfParams, running, unfed, inspector };
    return { definition, root, target, internals, programs: [], training, load, fillParams };
  } catch (error) {
    await hold.close();
    await feeds.close();
    throw error;
  }
}

/** The programs of a step, one after the other. */
async function requestTraining(
  { step, update, ...states }: Training<ProgramRequest>,
  request: (one: ProgramRequest) => Promise<LoadableProgram>,
): Promise<Training<LoadableProgram>> {
  const made = { ...states, step: await request(step) };
  return update ? { ...made, update: await request(update) } : made;
}

/** Builds the program that is shown, makes the net, loads weights and draws what they do not give; whatever fails, nothing stays open. */
function finish(
  parts: Parts,
  options: TakenOptions<CompileOptions>,
  show: () => Promise<() => CompiledRunner>,
): Promise<CompiledNet> {
  return orClose(parts, async () => {
    const shown = await show();
    const { definition, target, internals } = parts;
    const ranges = createRanges({
      definition,
      whole: () => compiled,
      internals,
      compileShared(range, shapes, placeOf) {
        const tops = new Set(range.net.layer.flatMap(({ top }) => top));
        const { keep } = options;
        const own: TakenOptions<CompileOptions> = {
          root: parts.root,
          share: compiled,
          shapes,
          keep: keep === "all" ? keep : keep?.filter((blob) => tops.has(blob)),
          keepDiffs: undefined,
          weights: undefined,
        };
        return compileTaken(range, { ...options, ...own }, placeOf);
      },
    });
    const compiled: CompiledNet = createNet({
      definition,
      target,
      internals,
      ranges,
      shown,
      close: () => release(parts),
    });
    const loaded = new Set<ParamMemory>();
    if (options.weights !== undefined) {
      const report = await loadTakenWeights(compiled, options.weights, (param) => {
        const memory = memoryOf(param);
        if (memory) loaded.add(memory);
      });
      // Caffe says nothing; but who passes weights of which none is used has made a mistake.
      if (report.matched.length === 0 && report.untouched.length > 0)
        throw userError(
          "no layer of the net has weights in what option weights gives",
          formatMatchReport(report),
        );
    }
    await parts.fillParams(loaded);
    return compiled;
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
    await internals.running.close();
  } finally {
    for (const { built } of programs) await built.executor.close();
    await internals.hold.close();
  }
}

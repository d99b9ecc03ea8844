import { userError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import type { LoweredNet } from "../layers/index.js";
import type { NetDef } from "../net-text/index.js";
import type { CompileOptions } from "./compile-options.js";
import { createTraining } from "./compile-training.js";
import type { CompiledNet, TrainingNet } from "./compiled-net.js";
import { createNet } from "./create-net.js";
import { createInspector } from "./inspect.js";
import type { NetInternals } from "./internals.js";
import { type CompiledRunner, checkFit, loadProgram, optionsFor } from "./load-program.js";
import { formatMatchReport, loadWeights } from "./load-weights.js";
import { createParams } from "./net-params.js";
import { netTables } from "./net-tables.js";
import { hasGradient, keptBlobs, keptDiffs, type Objective } from "./objective.js";
import { type OpenNet, openNet } from "./open-net.js";
import { type NetProgram, netProgram, type ProgramOptions } from "./programs.js";
import { createRanges } from "./ranges.js";
import type { CompiledCurrent } from "./row-programs.js";
import { runCompiled } from "./run-compiled.js";

/**
 * Compiles a net to functions: prototxt → NetDef → graph → derivative → passes → plan → kernels → source → memory.
 *
 * `net` is the text of a prototxt, the path of one, or a NetDef. A mistake in it, in the weights or in the options
 * is a CortadoError that carries every mistake found, each with its place.
 */
export async function compile(net: string | NetDef, options: CompileOptions = {}): Promise<CompiledNet> {
  return compileShared(net, options);
}

/** @param placeOf where the net is a part of the one it shares with: see `Lent` */
async function compileShared(
  net: string | NetDef,
  options: CompileOptions,
  placeOf?: (place: number) => number | undefined,
): Promise<CompiledNet> {
  const parts = await prepare(await openNet(net, options), options, { planFirst: true, placeOf });
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
  options: CompileOptions = {},
): Promise<TrainingNet> {
  const trainOptions = { ...options, phase: "TRAIN" } as const;
  const open = await openNet(net, trainOptions);
  const parts = await prepare(open, trainOptions, { planFirst: false, debugInfo: solver.debug_info });
  const training = await orClose(parts, () =>
    createTraining(parts.internals, open.sinks, solver, parts.programOptions, async (program) => {
      const runner = await parts.load(program, open.lowered);
      parts.programs.push(runner);
      return runner;
    }),
  );
  const compiled = await finish(parts, trainOptions, async () => () => training.runner);
  // Getters stay getters: a copy by spreading would freeze their values.
  return Object.assign(compiled, { step: training.step, history: training.history });
}

interface Parts extends Pick<OpenNet, "definition" | "root" | "target"> {
  readonly internals: NetInternals;
  readonly programOptions: ProgramOptions;
  readonly load: (program: NetProgram, lowered: LoweredNet) => Promise<CompiledRunner>;
  /** Programs beside the running net's own, to be closed with it. */
  readonly programs: CompiledRunner[];
}

/** Everything up to the first program: parameters allocated and filled, and how programs are made and run. */
async function prepare(
  open: OpenNet,
  options: CompileOptions,
  {
    planFirst,
    debugInfo = false,
    placeOf,
  }: {
    readonly planFirst: boolean;
    readonly debugInfo?: boolean;
    readonly placeOf?: (place: number) => number | undefined;
  },
): Promise<Parts> {
  const { definition, root, target, lowered, feeds, hold, seed, threads, dtype, lent } = open;
  const { device } = hold;
  try {
    const keep = keptBlobs(lowered, options.keep);
    const diffsOfParams = keptDiffs(lowered, options);
    const finite = options.debug === "finite";
    const info = definition.net.debug_info || debugInfo;
    const backward = open.phase === "TRAIN" && hasGradient(lowered);
    const objective: Objective = { backward, seeds: [], keep, watch: info || finite };
    const programOptions = optionsFor(device, dtype, seed);
    // Whether the net fits is known, and reported, before anything of it is allocated.
    let planned = planFirst ? netProgram(lowered, objective, programOptions) : undefined;
    const params = await createParams(lowered, {
      device,
      dtype,
      seed,
      lent: lent && { ...lent, placeOf },
      check: (elements) => checkFit(device, planned ? [planned] : [], elements, dtype),
    });
    const load = async (program: NetProgram, of: LoweredNet): Promise<CompiledRunner> => {
      const runner = await loadProgram(program, of, { device, params, threads });
      for (const { input, values } of open.constants) await runner.write(input, values);
      return runner;
    };
    const make = async (
      wanted: Objective,
      of: LoweredNet,
      program = netProgram(of, wanted, programOptions),
    ): Promise<CompiledCurrent> => {
      const runner = await load(program, of);
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
      log: definition.net.debug_info ? (options.log ?? writeToStderr) : undefined,
    });
    const unfed = [...lowered.inputs.keys()].filter((blob) => !feeds.blobs.has(blob));
    const internals: NetInternals = { lowered, params, hold, keep, diffsOfParams, running, unfed, inspector };
    return { definition, root, target, internals, programs: [], programOptions, load };
  } catch (error) {
    await hold.close();
    await feeds.close();
    throw error;
  }
}

/** Builds the program that is shown, makes the net and loads weights; whatever fails, nothing stays open. */
function finish(
  parts: Parts,
  options: CompileOptions,
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
        const own: CompileOptions = {
          root: parts.root,
          share: compiled,
          shapes,
          keep: keep === "all" ? keep : keep?.filter((blob) => tops.has(blob)),
          keepDiffs: undefined,
          weights: undefined,
        };
        return compileShared(range, { ...options, ...own }, placeOf);
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
    if (options.weights !== undefined) {
      const report = await loadWeights(compiled, options.weights);
      // Caffe says nothing; but who passes weights of which none is used has made a mistake.
      if (report.matched.length === 0 && report.untouched.length > 0)
        throw userError(
          "no layer of the net has weights in what option weights gives",
          formatMatchReport(report),
        );
    }
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

/** As Caffe's log. */
const writeToStderr = (line: string): void => void process.stderr.write(`${line}\n`);

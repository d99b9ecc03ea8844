import { type Command, Option } from "commander";
import { orList, userError } from "../../proto/errors/index.js";
import { createSolver, type Solver } from "../index.js";
import { readSolver, readTextFile, schemaWith } from "../tools.js";
import { EFFECTS } from "./caffe-flags.js";
import { closingAfter } from "./closing.js";
import {
  countOption,
  type End,
  fileOption,
  finiteOption,
  jsonOption,
  passesOf,
  type RunOptions,
  type StateOptions,
  theFile,
  withState,
  withTarget,
} from "./command-options.js";
import { EXIT, exitOfSignal } from "./faults.js";
import type { Io, Signal } from "./io.js";
import { loadLayers } from "./layers.js";
import { oneOf } from "./option-values.js";
import { given } from "./read-model.js";
import { pathOf } from "./text.js";
import { createJsonReport, createTextReport, type TrainReport } from "./train-report.js";
import { warnGpu } from "./warnings.js";

interface TrainOptions extends RunOptions, StateOptions {
  readonly solver?: string;
  readonly weights?: string;
  readonly snapshot?: string;
  readonly seed?: number;
  readonly finite?: true;
  readonly sigintEffect: Effect;
  readonly sighupEffect: Effect;
}

type Effect = (typeof EFFECTS)[number];

const effectOption = (flag: string, what: string, fallback: Effect): Option =>
  new Option(`${flag} <effect>`, `${what}: ${orList(EFFECTS)}`).argParser(oneOf(EFFECTS)).default(fallback);

/** `cortado train`: runs a solver to its end, or to Ctrl-C. */
export function addTrain(program: Command, io: Io, end: End): void {
  const command = program
    .command("train")
    .summary("train a net by its solver")
    .description(
      "Trains the net that a solver names, with its tests and snapshots, and writes the last snapshot. " +
        "Ctrl-C and SIGTERM end after the iteration at hand, with a snapshot, and exit with 130 and 143; a second Ctrl-C " +
        "ends at once. SIGHUP writes a snapshot, and training goes on.",
    )
    .argument("[solver]", "the solver's prototxt")
    .addOption(fileOption("--solver <file>", "the same, as caffe writes it"))
    .addOption(
      fileOption("--weights <files>", "weights to start from: .caffemodel files, separated by commas"),
    )
    .addOption(fileOption("--snapshot <file>", "a .solverstate to go on from"))
    .addOption(fileOption("--root <folder>", "where relative paths start, before the working directory"))
    .addOption(
      countOption("--seed <n>", "of fillers, dropout and crops (default: the solver's, else 1701)", 0),
    )
    .addOption(finiteOption())
    .addOption(effectOption("--sigint-effect", "what Ctrl-C does", "stop"))
    .addOption(effectOption("--sighup-effect", "what SIGHUP does", "snapshot"));
  withState(withTarget(command))
    .addOption(jsonOption("one JSON object a line for every event, and nothing else on stdout"))
    .action(async (solver: string | undefined, options: TrainOptions) =>
      end(
        await train(
          theFile(solver, options.solver, { command: "train", what: "a solver", flag: "solver" }),
          options,
          io,
        ),
      ),
    );
}

async function train(file: string, options: TrainOptions, io: Io): Promise<number> {
  if (options.snapshot !== undefined && options.weights !== undefined)
    throw userError(
      "--weights and --snapshot exclude each other",
      "a .solverstate names its own weights: give --snapshot to go on, --weights to start anew from a model",
    );
  const report = options.json ? createJsonReport(io) : createTextReport(io);
  const interruption = listen(options, report, io);
  const work = async (): Promise<number> => {
    warnGpu(options, io);
    const path = pathOf(io, file);
    const layers = await loadLayers(options.layers, io);
    const text = await readTextFile(path, "solver");
    // With mistakes in it: createSolver adds those of its settings and nets.
    const definition = readSolver(text, { name: path, schema: schemaWith(layers) });
    report.warnings(definition.warnings);
    const solver = await createSolver(definition, {
      target: options.target,
      threads: options.threads,
      passes: passesOf(options),
      root: given(io, options.root),
      seed: options.seed,
      debug: options.finite && "finite",
      weights: options.weights === undefined ? undefined : listed(options.weights, io),
      resume: given(io, options.snapshot),
      stages: options.stage,
      level: options.level,
      layers,
      onEvent: report.event,
    });
    return closingAfter(solver, () => {
      const nets = [solver.net, ...solver.testNets];
      report.warnings([...new Set(nets.flatMap(({ definition }) => definition.warnings))]);
      return runToEnd(solver, report, interruption);
    });
  };
  const working = work();
  // When it was ended at once, nobody waits for what becomes of it.
  working.catch(() => undefined);
  try {
    return await Promise.race([working, interruption.endedAtOnce]);
  } finally {
    interruption.release();
    report.close();
  }
}

/** What signals have asked for. */
interface Interruption {
  /** The solver is there: what was asked for meanwhile is asked of it. */
  begin(solver: Solver): void;
  /** A snapshot is asked for and not written. */
  readonly snapshotWanted: boolean;
  /** The signal that ends the training. */
  readonly stoppedBy: Signal | undefined;
  /** The exit code, where the training's end is not waited for. */
  readonly endedAtOnce: Promise<number>;
  release(): void;
}

/**
 * Hears signals: one that stops ends the training after its iteration, with a snapshot, and before there is a solver at
 * once; so does Ctrl-C while it is being ended.
 */
function listen({ sigintEffect, sighupEffect }: TrainOptions, report: TrainReport, io: Io): Interruption {
  const effects: Readonly<Record<Signal, Effect>> = {
    SIGINT: sigintEffect,
    SIGHUP: sighupEffect,
    SIGTERM: "stop",
    SIGPIPE: "stop",
  };
  let solver: Solver | undefined;
  let snapshotWanted = false;
  let stoppedBy: Signal | undefined;
  let endNow = (_code: number): void => {};
  const endedAtOnce = new Promise<number>((resolve) => {
    endNow = resolve;
  });
  const takeSnapshot = (): void => {
    snapshotWanted = true;
    // What it fails of, the training fails of too; where that ends before it, there is one more.
    solver?.snapshot().then(
      () => {
        snapshotWanted = false;
      },
      () => undefined,
    );
  };
  const release = io.onSignal?.((signal) => {
    const effect = effects[signal];
    if (effect === "snapshot") takeSnapshot();
    if (effect !== "stop") return;
    if (!solver || (stoppedBy !== undefined && signal === "SIGINT")) endNow(exitOfSignal(signal));
    if (stoppedBy !== undefined || !solver) return;
    stoppedBy = signal;
    solver.stop();
    report.stopping(signal);
  });
  return {
    begin(started) {
      solver = started;
      if (snapshotWanted) takeSnapshot();
    },
    get snapshotWanted() {
      return snapshotWanted;
    },
    get stoppedBy() {
      return stoppedBy;
    },
    endedAtOnce,
    release: () => release?.(),
  };
}

async function runToEnd(solver: Solver, report: TrainReport, interruption: Interruption): Promise<number> {
  const start = performance.now();
  const solving = solver.solve();
  interruption.begin(solver);
  let outcome = await solving;
  const { stoppedBy, snapshotWanted } = interruption;
  // A solver without snapshot_after_train has none when it is stopped.
  if ((outcome.stopped || snapshotWanted) && outcome.snapshot?.iteration !== outcome.iteration)
    outcome = { ...outcome, snapshot: await solver.snapshot() };
  report.result({
    outcome,
    net: solver.net.definition.net.name,
    target: solver.net.target.name,
    seconds: (performance.now() - start) / 1000,
  });
  return outcome.stopped ? exitOfSignal(stoppedBy ?? "SIGINT") : EXIT.done;
}

const listed = (paths: string, io: Io): string =>
  paths
    .split(",")
    .map((path) => pathOf(io, path.trim()))
    .join(",");

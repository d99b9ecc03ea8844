import type { Command } from "commander";
import { userError } from "../../proto/errors/index.js";
import { createSolver, type Solver } from "../index.js";
import { readSolver, readTextFile, schemaWith } from "../tools.js";
import {
  countOption,
  type End,
  fileOption,
  jsonOption,
  type RunOptions,
  type StateOptions,
  theFile,
  withState,
  withTarget,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import type { Io } from "./io.js";
import { loadLayers } from "./layers.js";
import { given } from "./read-model.js";
import { pathOf } from "./text.js";
import { createJsonReport, createTextReport, type TrainReport } from "./train-report.js";
import { warnGpu } from "./warnings.js";

interface TrainOptions extends RunOptions, StateOptions {
  readonly solver?: string;
  readonly weights?: string;
  readonly snapshot?: string;
  readonly seed?: number;
}

/** `cortado train`: runs a solver to its end, or to Ctrl-C. */
export function addTrain(program: Command, io: Io, end: End): void {
  const command = program
    .command("train")
    .summary("train a net by its solver")
    .description(
      "Trains the net that a solver names, with its tests and snapshots, and writes the last snapshot.\n" +
        "Ctrl-C ends after the iteration at hand, writes a snapshot and exits with 130; a second one ends at once.",
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
    );
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
  warnGpu(options, io);
  const path = pathOf(io, file);
  const layers = await loadLayers(options.layers, io);
  const text = await readTextFile(path, "solver");
  // With mistakes in it: createSolver adds those of its settings and nets.
  const definition = readSolver(text, { name: path, schema: schemaWith(layers) });
  const report = options.json ? createJsonReport(io) : createTextReport(io);
  report.warnings(definition.warnings);

  let solver: Solver | undefined;
  let interrupts = 0;
  let endNow = (): void => {};
  const endedAtOnce = new Promise<number>((resolve) => {
    endNow = () => resolve(EXIT.interrupted);
  });
  const release = io.onInterrupt?.(() => {
    interrupts++;
    if (interrupts > 1 || !solver) endNow();
    else {
      solver.stop();
      report.stopping();
    }
  });

  const work = async (): Promise<number> => {
    solver = await createSolver(definition, {
      target: options.target,
      threads: options.threads,
      root: given(io, options.root),
      seed: options.seed,
      weights: options.weights === undefined ? undefined : listed(options.weights, io),
      resume: given(io, options.snapshot),
      stages: options.stage,
      level: options.level,
      layers,
      onEvent: report.event,
    });
    try {
      const nets = [solver.net, ...solver.testNets];
      report.warnings([...new Set(nets.flatMap(({ definition }) => definition.warnings))]);
      return await runToEnd(solver, report);
    } finally {
      await solver.close();
    }
  };
  const working = work();
  // When it was ended at once, nobody waits for what becomes of it.
  working.catch(() => undefined);
  try {
    return await Promise.race([working, endedAtOnce]);
  } finally {
    release?.();
    report.close();
  }
}

async function runToEnd(solver: Solver, report: TrainReport): Promise<number> {
  const start = performance.now();
  let outcome = await solver.solve();
  // A solver without snapshot_after_train has none when it is stopped.
  if (outcome.stopped && outcome.snapshot?.iteration !== outcome.iteration)
    outcome = { ...outcome, snapshot: await solver.snapshot() };
  report.result({
    outcome,
    net: solver.net.definition.net.name,
    target: solver.net.target.name,
    seconds: (performance.now() - start) / 1000,
  });
  return outcome.stopped ? EXIT.interrupted : EXIT.done;
}

const listed = (paths: string, io: Io): string =>
  paths
    .split(",")
    .map((path) => pathOf(io, path.trim()))
    .join(",");

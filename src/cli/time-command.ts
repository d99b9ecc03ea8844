import { type Command, Option } from "commander";
import { InternalError, userError } from "../../proto/errors/index.js";
import { unquoted } from "../../proto/words/names.js";
import { type CompiledNet, compile } from "../index.js";
import {
  attributeTimes,
  distinctNames,
  hasGradient,
  internalsOf,
  type LayerTime,
  type NetInternals,
  outputValues,
  selectLayers,
  shortNumber,
  standInValues,
  threadsFor,
  unfedInputs,
  weightedLoss,
  withShapeHint,
} from "../tools.js";
import { closingAfter } from "./closing.js";
import {
  archOption,
  countOption,
  type End,
  fileOption,
  jsonOption,
  type ModelOptions,
  passesOf,
  phaseOption,
  type RunOptions,
  rootOption,
  theFile,
  withModel,
  withShapes,
  withState,
  withTarget,
} from "./command-options.js";
import { dryRun } from "./dry-run.js";
import { EXIT } from "./faults.js";
import { type Io, painter } from "./io.js";
import { readModel } from "./read-model.js";
import { json } from "./text.js";
import { warnGpu } from "./warnings.js";

interface TimeOptions extends RunOptions, ModelOptions {
  readonly iterations: number;
  readonly phase: "TRAIN" | "TEST";
  /** Caffe's scripts give it; times do not depend on weights. */
  readonly weights?: string;
  readonly dryRun?: true;
  readonly arch?: string;
}

/**
 * Iterations before the measured ones, and at least so long, so that JavaScript's engine has compiled the loops for
 * good; a net of a few microseconds is not run for ever.
 */
const WARM_UP = { iterations: 3, milliseconds: 500, most: 1000 };

/** `cortado time`: milliseconds of forward and backward, layer by layer. */
export function addTime(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("time")
      .summary("time a net layer by layer")
      .description(
        "Runs forward and backward and prints the average time of each layer. Where layers are fused into one loop, " +
          "the time stands at the layer that the loop belongs to, and the others name it.",
      ),
  )
    .addOption(
      countOption("--iterations <n>", "measured iterations, after those that warm up", 1).default(50),
    )
    .addOption(phaseOption("TRAIN"))
    .addOption(rootOption())
    .addOption(
      fileOption("--weights <files>", "accepted for caffe's sake: times do not depend on weights").hideHelp(),
    );
  withShapes(withState(withTarget(command)))
    .addOption(
      new Option(
        "--dry-run",
        "with --target cuda: compile only, and print each kernel's registers, occupancy and predicted time",
      ),
    )
    .addOption(archOption("the architecture of the dry run (default: sm_90)"))
    .addOption(jsonOption("one JSON document on stdout"))
    .action(async (model: string | undefined, options: TimeOptions) => {
      const file = theFile(model, options.model, { command: "time", what: "a net", flag: "model" });
      end(await (isDryRun(options) ? dryRun(file, options, io) : time(file, options, io)));
    });
}

/** @throws CortadoError where an option of the dry run stands without it, or the other way round */
function isDryRun({ dryRun, target, arch }: TimeOptions): boolean {
  if (dryRun && target !== "cuda")
    throw userError("--dry-run is about the kernels of --target cuda", "add --target cuda");
  if (arch !== undefined && !dryRun)
    throw userError("--arch is for --dry-run: a device that runs kernels has its own", "add --dry-run");
  return dryRun === true;
}

async function time(file: string, options: TimeOptions, io: Io): Promise<number> {
  warnGpu(options, io);
  const { phase, iterations } = options;
  const { definition, state, root, layers } = await readModel(file, options, io);
  const net = await compile(definition, {
    ...state,
    layers,
    root,
    threads: options.threads,
    passes: passesOf(options),
    target: options.target,
    shapes: options.shape,
  }).catch((error: unknown) => {
    throw withShapeHint(error, selectLayers(definition, state), phase);
  });
  return closingAfter(net, async () => {
    const internals = internalsOf(net);
    if (!internals) throw new InternalError("a compiled net without internals");
    const say = (text: string): void => {
      if (!options.json) io.stdout.write(`${text}\n`);
    };
    const measured = await measure(net, internals, options, say);
    if (options.json)
      io.stdout.write(
        `${json({ model: file, phase, iterations, threads: threadsFor(options.threads).threads, target: net.target.name, ...measured }, 2)}\n`,
      );
    else
      for (const line of timeLines(measured, iterations, painter(io.stdout, io.env)))
        io.stdout.write(`${line}\n`);
    return EXIT.done;
  });
}

interface PassTime {
  /** Of the whole pass, in milliseconds. */
  readonly total: number;
  /** Of its kernels; the rest is data, and copies in and out. */
  readonly kernels: number;
}

interface Measured {
  readonly layers: readonly {
    readonly name: string;
    readonly type: string;
    readonly forward: LayerTime;
    /** Absent where the net has no backward. */
    readonly backward?: LayerTime;
  }[];
  readonly forward: PassTime;
  readonly backward?: PassTime;
}

const PASSES = ["forward", "backward"] as const;
const NO_TIME: LayerTime = { milliseconds: 0, with: [], within: [] };

async function measure(
  net: CompiledNet,
  internals: NetInternals,
  { iterations, shape: shapes }: Pick<TimeOptions, "iterations" | "shape">,
  say: (line: string) => void,
): Promise<Measured> {
  const passes = hasGradient(internals.lowered) ? PASSES : PASSES.slice(0, 1);
  const unfed = unfedInputs(internals.lowered, shapes);
  const inputs = unfed.length > 0 ? standInValues(internals.lowered, unfed) : undefined;
  const once = {
    forward: () => net.forward(inputs),
    backward: () => net.backward(),
  };
  const first = await once.forward();
  if (Object.keys(net.lossWeights).length > 0)
    say(`Initial loss: ${shortNumber(weightedLoss(outputValues(net, first)))}`);
  if (passes.length > 1) await once.backward();
  else say("Nothing to differentiate from (no loss with parameters below it): forward only.");
  const warm = performance.now();
  for (let i = 1; i < WARM_UP.most; i++) {
    if (i >= WARM_UP.iterations && performance.now() - warm > WARM_UP.milliseconds) break;
    for (const pass of passes) await once[pass]();
  }

  const program = internals.running.current()?.runner.built;
  if (!program) throw new InternalError("a net that has run has no program");
  const kernels = {
    forward: new Float64Array(program.program.forward.length),
    backward: new Float64Array(program.program.backward.length),
  };
  const totals = { forward: 0, backward: 0 };
  say("*** Benchmark begins ***");
  say(`Testing for ${iterations} iterations on ${net.target.name}.`);
  for (let i = 1; i <= iterations; i++) {
    let both = 0;
    for (const pass of passes) {
      const start = performance.now();
      await once[pass]();
      const took = performance.now() - start;
      both += took;
      totals[pass] += took;
      await program.executor.profile?.(pass);
      for (const [launch, milliseconds] of program.executor.times(pass).entries())
        kernels[pass][launch] += milliseconds;
    }
    say(`Iteration: ${i} ${passes.join("-")} time: ${milliseconds(both)} ms.`);
  }

  const averages = {
    forward: Array.from(kernels.forward, (sum) => sum / iterations),
    backward: Array.from(kernels.backward, (sum) => sum / iterations),
  };
  const byLayer = {
    forward: attributeTimes(program.plan.steps, program.program.forward, averages.forward),
    backward: attributeTimes(program.plan.steps, program.program.backward, averages.backward),
  };
  const passTime = (pass: "forward" | "backward"): PassTime => ({
    total: totals[pass] / iterations,
    kernels: averages[pass].reduce((sum, each) => sum + each, 0),
  });
  const both = passes.length > 1;
  const origins = distinctNames(net.layers.map(({ name }) => name));
  return {
    layers: net.layers.map(({ name, type }, place) => ({
      name,
      type,
      forward: byLayer.forward.get(origins[place]) ?? NO_TIME,
      ...(both && { backward: byLayer.backward.get(origins[place]) ?? NO_TIME }),
    })),
    forward: passTime("forward"),
    ...(both && { backward: passTime("backward") }),
  };
}

const milliseconds = (value: number): string => shortNumber(Number(value.toPrecision(5)));

/** As `caffe time` prints them; what follows a time says which layers share it. */
function timeLines(
  measured: Measured,
  iterations: number,
  paint: ReturnType<typeof painter>,
): readonly string[] {
  const { layers, forward, backward } = measured;
  const width = Math.min(40, Math.max(10, ...layers.map(({ name }) => unquoted(name, 40).length)));
  const line = (name: string, pass: "forward" | "backward", time: LayerTime | undefined): string[] => {
    if (!time) return [];
    const notes = [
      ...(time.with.length > 0 ? [`with ${time.with.map((layer) => unquoted(layer)).join(", ")}`] : []),
      ...(time.within.length > 0 && time.milliseconds === 0
        ? [`in ${time.within.map((layer) => unquoted(layer)).join(", ")}`]
        : []),
    ];
    const note = notes.length > 0 ? paint(`  (${notes.join("; ")})`, "dim") : "";
    return [`${unquoted(name, 40).padStart(width)}\t${pass}: ${milliseconds(time.milliseconds)} ms.${note}`];
  };
  const pass = (title: string, time: PassTime): string[] => [
    paint(`Average ${title} pass: ${milliseconds(time.total)} ms.`, "bold"),
    paint(
      `    kernels ${milliseconds(time.kernels)} ms, data and copies ${milliseconds(Math.max(0, time.total - time.kernels))} ms`,
      "dim",
    ),
  ];
  const both = forward.total + (backward?.total ?? 0);
  return [
    "Average time per layer:",
    ...layers.flatMap(({ name, ...time }) => [
      ...line(name, "forward", time.forward),
      ...line(name, "backward", time.backward),
    ]),
    ...pass("Forward", forward),
    ...(backward
      ? [...pass("Backward", backward), paint(`Average Forward-Backward: ${milliseconds(both)} ms.`, "bold")]
      : []),
    `Total Time: ${milliseconds(both * iterations)} ms.`,
    "*** Benchmark ends ***",
  ];
}

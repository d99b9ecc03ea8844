import type { Command } from "commander";
import { userError } from "../../proto/errors/index.js";
import { createMessage, type SolverParameter } from "../../proto/index.js";
import { grouped, showBytes, showCount, showShape, showThousands } from "../../proto/words/amounts.js";
import { unquoted } from "../../proto/words/names.js";
import { formatPlan } from "../index.js";
import {
  type Analysis,
  analyse,
  buildSolver,
  describeMemory,
  type LoweredNet,
  type NetMemory,
  type NetProgram,
  netMemory,
  programOptions,
  ruleOf,
  sizeOf,
  threadsFor,
  totalMemory,
  trainingPrograms,
  tsTarget,
} from "../tools.js";
import {
  type End,
  fileOption,
  jsonOption,
  type ModelOptions,
  phaseOption,
  rootOption,
  withModel,
  withShapes,
  withState,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, painter } from "./io.js";
import { onModel, readModel } from "./read-model.js";
import { json, pathOf, table } from "./text.js";

interface SummaryOptions extends ModelOptions {
  readonly phase: "TRAIN" | "TEST";
  readonly plan?: true;
  readonly solver?: string;
}

/** `cortado summary`: layers, shapes, parameters, FLOPs, who needs backward, planned memory. */
export function addSummary(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("summary")
      .summary("show a net's layers, shapes, parameters, FLOPs and memory")
      .description(
        "Shows what a net is, without running it: layers, shapes, parameters, operations, who needs backward, " +
          "and the memory that forward (in phase TRAIN: and backward, and a training step) takes. The data need not be " +
          "there: give --shape.",
      ),
  )
    .addOption(phaseOption("TEST"))
    .option("--plan", "also the schedule, step by step, and where each value lies in memory")
    .addOption(
      fileOption(
        "--solver <file>",
        "whose training step's memory to show, in phase TRAIN (default: SGD with momentum)",
      ),
    )
    .addOption(rootOption());
  onModel(
    withShapes(withState(command)).addOption(jsonOption("one JSON document on stdout")),
    { io, end },
    summary,
  );
}

async function summary(file: string, options: SummaryOptions, io: Io): Promise<number> {
  const { definition, state, root, layers } = await readModel(file, options, io);
  const analysis = await analyse(definition, { ...state, root, layers, shapes: options.shape });
  if (options.solver !== undefined && options.phase !== "TRAIN")
    throw userError("--solver is about training", "add --phase TRAIN");
  const solver =
    options.solver === undefined
      ? createMessage("SolverParameter", { momentum: 0.9 })
      : await buildSolver(pathOf(io, options.solver), layers);
  const facts = { ...factsOf(analysis), training: trainingMemory(analysis, solver) };
  const params = analysis.lowered.layers.flatMap(({ name, params }) =>
    params.map(({ index }, position) => [index, `${name}[${position}]`] as const),
  );
  const names: string[] = [];
  for (const [index, name] of params) names[index] ??= name;
  if (options.json)
    io.stdout.write(
      `${json({ model: file, phase: options.phase, ...facts, ...(options.plan && { plan: formatPlan(analysis.program.plan, { params: names }) }) }, 2)}\n`,
    );
  else {
    const lines = summaryLines(facts, options.phase, painter(io.stdout, io.env));
    if (options.plan) lines.push("", formatPlan(analysis.program.plan, { params: names }));
    io.stdout.write(`${lines.join("\n")}\n`);
  }
  return EXIT.done;
}

type NamedShapes = readonly { readonly blob: string; readonly shape: readonly number[] }[];

/** What a training step takes, as `createSolver` runs it; it is another program than that of `compile`. */
interface TrainingMemory {
  readonly rule: string;
  readonly arenaBytes: number;
  readonly unsharedBytes: number;
  /** Of the rule's own values, one or more for each that learns. */
  readonly historyBytes: number;
  /** All that a step takes on one thread, by what it is for. */
  readonly bytes: NetMemory;
}

/** Undefined where there is nothing to train. */
function trainingMemory(
  { lowered, lower, objective }: Analysis,
  solver: SolverParameter,
): TrainingMemory | undefined {
  if (!objective.backward || lowered.wanted.params.length === 0 || lowered.rowCounts.length > 0)
    return undefined;
  const { step, update, states } = trainingPrograms(lower(), { keep: [] }, solver, programOptions());
  const programs = update ? [step, update] : [step];
  const { type } = solver;
  const { slots } = ruleOf(solver);
  const bytes = memoryOnTs(
    lowered,
    programs,
    states.reduce((sum, elements) => sum + elements, 0),
  );
  return {
    rule: type === "SGD" && slots > 0 && solver.momentum > 0 ? "SGD with momentum" : type,
    arenaBytes: programs.reduce((sum, { program }) => sum + program.arenaBytes, 0),
    unsharedBytes: programs.reduce((sum, { plan }) => sum + plan.unsharedBytes, 0),
    historyBytes: bytes.history,
    bytes,
  };
}

/** As `compile` and `createSolver` count it before they take any, on target ts. */
const memoryOnTs = (lowered: LoweredNet, programs: readonly NetProgram[], history: number): NetMemory =>
  netMemory(
    lowered,
    programs.map(({ program }) => ({
      arenaBytes: program.arenaBytes,
      scratchBytes: tsTarget.scratchBytes(program),
    })),
    { parameters: lowered.params.reduce((sum, { shape }) => sum + sizeOf(shape), 0), history },
    { dtype: "float32", threads: threadsFor().threads },
  );

interface Facts {
  readonly name: string;
  readonly layers: readonly {
    readonly name: string;
    readonly type: string;
    readonly bottoms: readonly string[];
    readonly tops: NamedShapes;
    readonly parameters: number;
    readonly flops: number;
    readonly needsBackward: boolean;
  }[];
  /** Each shared one once. */
  readonly parameters: number;
  readonly flops: number;
  readonly memory: {
    readonly parameterBytes: number;
    readonly arenaBytes: number;
    readonly unsharedBytes: number;
    readonly backward: boolean;
    /** All that the net takes on one thread, by what it is for. */
    readonly bytes: NetMemory;
  };
  readonly training?: TrainingMemory;
  readonly inputs: NamedShapes;
  readonly outputs: NamedShapes;
}

function factsOf({ definition, lowered, program: made }: Analysis): Facts {
  const { plan, program } = made;
  const named = (blobs: Iterable<string>): NamedShapes =>
    [...blobs].map((blob) => ({ blob, shape: lowered.blobs.get(blob)?.shape ?? [] }));
  const layers = lowered.layers.map(({ name, type, bottoms, tops, params, flops, needsBackward }) => ({
    name,
    type,
    bottoms,
    tops: named(tops),
    parameters: params.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    flops,
    needsBackward,
  }));
  const parameters = lowered.params
    .filter(({ kind }) => kind !== "carried")
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    name: definition.net.name,
    layers,
    parameters,
    flops: layers.reduce((sum, { flops }) => sum + flops, 0),
    memory: {
      parameterBytes: 4 * parameters,
      arenaBytes: program.arenaBytes,
      unsharedBytes: plan.unsharedBytes,
      backward: plan.steps.length > plan.firstBackward,
      bytes: memoryOnTs(lowered, [made], 0),
    },
    inputs: named(lowered.inputs.keys()),
    outputs: named(lowered.outputs),
  };
}

function summaryLines(facts: Facts, phase: string, paint: ReturnType<typeof painter>): string[] {
  const { layers, parameters, flops, memory, training, inputs, outputs } = facts;
  const shapes = (blobs: NamedShapes, layer?: string): string =>
    blobs
      .map(({ blob, shape }) =>
        blobs.length === 1 && blob === layer ? showShape(shape) : `${unquoted(blob, 32)} ${showShape(shape)}`,
      )
      .join(", ");
  const [title, rule, ...rows] = table(
    [
      { title: "layer" },
      { title: "type" },
      { title: "tops" },
      { title: "parameters", align: "right" },
      { title: "FLOPs", align: "right" },
      { title: "backward" },
    ],
    layers.map((layer) => [
      unquoted(layer.name, 40),
      unquoted(layer.type, 30),
      shapes(layer.tops, layer.name) || "–",
      layer.parameters > 0 ? grouped(layer.parameters) : "–",
      layer.flops > 0 ? showThousands(layer.flops) : "–",
      layer.needsBackward ? "yes" : "–",
    ]),
  );
  const against = ({ arenaBytes, unsharedBytes }: { arenaBytes: number; unsharedBytes: number }): string => {
    const share = unsharedBytes > 0 ? Math.round((100 * arenaBytes) / unsharedBytes) : 100;
    return `${showBytes(arenaBytes)}, against ${showBytes(unsharedBytes)} without sharing (${share}%), beside the parameters`;
  };
  const inAll = (bytes: NetMemory): string => `${showBytes(totalMemory(bytes))}: ${describeMemory(bytes)}`;
  const total = [
    ["parameters", `${grouped(parameters)} (${showBytes(memory.parameterBytes)})`],
    ["FLOPs, forward", `${showThousands(flops)} (a multiply-add counts 2)`],
    [`memory, ${memory.backward ? "forward and backward (compile)" : "forward"}`, against(memory)],
    ["  in all, on one thread", inAll(memory.bytes)],
    ...(training
      ? [
          [
            `memory, training step (${training.rule})`,
            `${against(training)} and ${showBytes(training.historyBytes)} of history`,
          ],
          ["  in all, on one thread", inAll(training.bytes)],
        ]
      : []),
    ["inputs", shapes(inputs) || "none"],
    ["outputs", shapes(outputs) || "none"],
  ];
  const width = Math.max(...total.map(([label]) => label.length));
  return [
    paint(
      `${facts.name === "" ? "Net without a name" : unquoted(facts.name)}, phase ${phase}, ${showCount(layers.length, "layer")}`,
      "bold",
    ),
    "",
    paint(title, "bold"),
    paint(rule, "dim"),
    ...rows,
    "",
    ...total.map(([label, value]) => `${label.padEnd(width)}  ${value}`),
  ];
}

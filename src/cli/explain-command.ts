import { type Command, Option } from "commander";
import { orList, userError } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { showBytes, showShape } from "../../proto/words/amounts.js";
import { quoted, unquoted } from "../../proto/words/names.js";
import {
  explainLayers,
  type LayerExplanation,
  type LoweredNet,
  lowerForAnalysis,
  programOptions,
  TARGETS,
  type TargetName,
  type TracedProgram,
  type TracedStage,
  traceProgram,
} from "../tools.js";
import {
  type End,
  fileOption,
  jsonOption,
  type ModelOptions,
  passesOf,
  passOption,
  phaseOption,
  rootOption,
  withModel,
  withShapes,
  withState,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, type Paint, painter } from "./io.js";
import { oneOf } from "./option-values.js";
import { onModel, readModel } from "./read-model.js";
import { json, table } from "./text.js";

interface ExplainOptions extends Omit<ModelOptions, "stage"> {
  readonly phase: "TRAIN" | "TEST";
  readonly target: TargetName;
  readonly arch?: string;
  readonly withoutPass?: readonly string[];
  readonly layer?: string;
  /** Of the compiler. */
  readonly stage?: string;
  /** Of the net's state: what other commands call `--stage`. */
  readonly netStage?: readonly string[];
  readonly timings?: true;
}

const NAMES = TARGETS.map(({ name }) => name);

/** `cortado explain`: what the compiler makes of a net, stage by stage and layer by layer, and why. */
export function addExplain(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("explain")
      .summary("show what the compiler makes of a net, and why")
      .description(
        "Shows of a layer its equation and the backward that is derived from it, why it takes part in backward, what " +
          "backward keeps in memory, what is computed in place or why not, and its kernels. Without --layer: a line for " +
          "each layer. --stage prints what a stage of the compiler makes: a name, or graph, plan, kernels, source; all: their times.",
      ),
  )
    .addOption(phaseOption("TEST"))
    .addOption(
      new Option("--target <name>", `whose kernels: ${orList(NAMES)}`).argParser(oneOf(NAMES)).default("ts"),
    )
    .addOption(fileOption("--arch <name>", "the architecture, of a target that has several: avx512, sm_90"))
    .addOption(passOption())
    .addOption(fileOption("--layer <name>", "one layer, with everything that is known of it"))
    .addOption(fileOption("--stage <name>", "what a stage of the compiler makes of the net"))
    .option("--timings", "the time of each stage, as --stage all")
    .addOption(rootOption());
  onModel(
    withShapes(withState(command, "--net-stage")).addOption(jsonOption("one JSON document on stdout")),
    { io, end },
    explain,
  );
}

async function explain(file: string, options: ExplainOptions, io: Io): Promise<number> {
  const { phase, layer, stage, arch } = options;
  const timings = options.timings ?? stage === "all";
  if (layer !== undefined && (stage !== undefined || timings))
    throw userError("--layer and --stage exclude each other", "a stage is of the whole net");
  const target = TARGETS.find(({ name }) => name === options.target) ?? TARGETS[0];
  if (arch !== undefined && !target.architectures)
    throw userError(`the ${target.name} target has no architectures`, "leave --arch out");
  const { definition, state, root, layers } = await readModel(
    file,
    { ...options, stage: options.netStage },
    io,
  );
  const { lowered, objective } = await lowerForAnalysis(definition, {
    ...state,
    root,
    layers,
    shapes: options.shape,
  });
  requireLayer(layer, lowered, phase);
  const programFor = programOptions(target, arch, passesOf(options));
  const traced = traceProgram(lowered, objective, programFor);
  const paint = painter(io.stdout, io.env);
  const answer = (): Answer => {
    if (timings) return timingsOf(traced.stages, paint);
    if (stage !== undefined) return printOf(stageNamed(stage, traced.stages));
    const all = explainLayers(lowered, objective, traced, programFor.dtype);
    return layer === undefined
      ? { found: { layers: all }, lines: overviewLines(all, paint) }
      : oneLayer(
          all.filter(({ name }) => name === layer),
          traced,
          paint,
        );
  };
  const { found, lines } = answer();
  const about = { model: file, phase, target: target.name };
  io.stdout.write(options.json ? `${json({ ...about, ...found }, 2)}\n` : `${lines.join("\n")}\n`);
  return EXIT.done;
}

/** What was asked for: for machines, and as lines. */
interface Answer {
  readonly found: object;
  readonly lines: readonly string[];
}

/** @throws CortadoError where the net has no such layer */
function requireLayer(layer: string | undefined, lowered: LoweredNet, phase: string): void {
  const known = lowered.layers.map(({ name }) => name);
  if (layer !== undefined && !known.includes(layer))
    throw userError(
      `the net has no layer ${quoted(layer)} in phase ${phase}`,
      didYouMean(layer, known) ?? "cortado explain without --layer lists them",
    );
}

function printOf({ name, print }: TracedStage): Answer {
  const text = print().trimEnd();
  return { found: { stage: name, text }, lines: [text] };
}

const timingsOf = (stages: readonly TracedStage[], paint: Paint): Answer => ({
  found: {
    stages: stages.map(({ name, kind, about, milliseconds }) => ({ name, kind, about, milliseconds })),
  },
  lines: timingLines(stages, paint),
});

function oneLayer(found: readonly LayerExplanation[], traced: TracedProgram, paint: Paint): Answer {
  const used = new Set(found.flatMap(({ kernels }) => kernels.map(({ kernel }) => kernel)));
  const kernels = [...used].map((kernel) => ({ kernel, text: traced.kernelText(kernel) }));
  return {
    found: { layers: found, kernels },
    lines: found.flatMap((one) => layerLines(one, traced, paint)),
  };
}

/** A stage by its name, or the last one of a kind. @throws CortadoError that lists the names */
function stageNamed(name: string, stages: readonly TracedStage[]): TracedStage {
  const found = stages.find((stage) => stage.name === name) ?? stages.findLast(({ kind }) => kind === name);
  if (found) return found;
  const names = [
    ...new Set([...stages.map((stage) => stage.name), ...stages.map(({ kind }) => kind), "all"]),
  ];
  throw userError(
    `the compiler has no stage ${quoted(name)}`,
    didYouMean(name, names) ?? `stages: ${names.map(quoted).join(", ")}`,
  );
}

function timingLines(stages: readonly TracedStage[], paint: Paint): readonly string[] {
  const total = stages.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const [title, rule, ...rows] = table(
    [{ title: "stage" }, { title: "makes" }, { title: "ms", align: "right" }, { title: "what it does" }],
    [
      ...stages.map(({ name, kind, milliseconds, about }) => [name, kind, milliseconds.toFixed(1), about]),
      ["all", "", total.toFixed(1), ""],
    ],
  );
  return [paint(title, "bold"), paint(rule, "dim"), ...rows];
}

const names = (of: readonly string[]): string => of.map((name) => unquoted(name, 40)).join(", ");

/** One line for each layer. */
function overviewLines(layers: readonly LayerExplanation[], paint: Paint): readonly string[] {
  const [title, rule, ...rows] = table(
    [
      { title: "layer" },
      { title: "type" },
      { title: "nodes", align: "right" },
      { title: "kernels", align: "right" },
      { title: "keeps", align: "right" },
      { title: "in place" },
      { title: "backward" },
    ],
    layers.map(({ name, type, forward, backward, kernels, keeps, inPlace, needsBackward, why }) => {
      const kept = keeps.reduce((sum, one) => sum + one.bytes, 0);
      return [
        unquoted(name, 40),
        unquoted(type, 30),
        backward.length > 0 ? `${forward.length} + ${backward.length}` : String(forward.length),
        String(kernels.length),
        kept > 0 ? showBytes(kept) : "–",
        inPlace.some(({ made }) => made) ? "yes" : inPlace.length > 0 ? "no" : "–",
        `${needsBackward ? "yes" : "no"}: ${unquoted(why, 100)}`,
      ];
    }),
  );
  return [paint(title, "bold"), paint(rule, "dim"), ...rows];
}

/** Everything of one layer. */
function layerLines(layer: LayerExplanation, traced: TracedProgram, paint: Paint): readonly string[] {
  const part = (title: string, lines: readonly string[], none: string): readonly string[] => [
    "",
    paint(title, "bold"),
    ...(lines.length > 0 ? lines : [none]).map((line) => `  ${line}`),
  ];
  const shown = new Set<number>();
  return [
    paint(
      `${unquoted(layer.name)} (${unquoted(layer.type, 30)}): ${names(layer.bottoms) || "nothing"} → ${names(layer.tops) || "nothing"}`,
      "bold",
    ),
    ...layer.names.map((line) => `  ${line}`),
    ...part("forward", layer.forward, "nothing is computed"),
    ...part(
      `backward: ${layer.needsBackward ? "yes" : "no"}, ${layer.why}`,
      layer.backward,
      "nothing is derived",
    ),
    ...part(
      "backward keeps",
      layer.keeps.map(({ value, shape, bytes: size }) => `${value}, ${showShape(shape)}, ${showBytes(size)}`),
      "nothing",
    ),
    ...part(
      "in place",
      layer.inPlace.map(({ step, reason }) => `step ${step}: ${reason}`),
      "no value of a size that it reads",
    ),
    ...layer.kernels.flatMap(({ pass, launch, kernel, note, with: others }) => {
      const title = `launch ${launch} of ${pass}: kernel ${kernel}, ${note}${others.length > 0 ? ` (with ${names(others)})` : ""}`;
      if (shown.has(kernel)) return ["", paint(title, "bold")];
      shown.add(kernel);
      return ["", paint(title, "bold"), "", traced.kernelText(kernel).trimEnd()];
    }),
    ...(layer.kernels.length === 0 ? ["", paint("no kernel computes anything of it", "bold")] : []),
  ];
}

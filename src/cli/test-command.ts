import type { Command } from "commander";
import { InternalError, userError } from "../../proto/errors/index.js";
import { showDuration } from "../../proto/words/amounts.js";
import { quoted, unquoted } from "../../proto/words/names.js";
import { type CompiledNet, compile, formatMatchReport, loadWeights, type WeightReport } from "../index.js";
import {
  internalsOf,
  type OutputValue,
  outputValues,
  shortNumber,
  unfedInputs,
  weightedLoss,
} from "../tools.js";
import { closingAfter } from "./closing.js";
import {
  countOption,
  type End,
  fileOption,
  finiteOption,
  jsonOption,
  type ModelOptions,
  passesOf,
  type RunOptions,
  rootOption,
  withModel,
  withState,
  withTarget,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, painter } from "./io.js";
import { loadLayers } from "./layers.js";
import { given, onModel } from "./read-model.js";
import { json, pathOf } from "./text.js";
import { outputText } from "./train-report.js";
import { showWarnings, warnGpu } from "./warnings.js";

interface TestOptions extends RunOptions, ModelOptions {
  readonly weights?: string;
  readonly iterations: number;
  readonly finite?: true;
}

/** `cortado test`: a net's outputs over its next batches, each and on the mean. */
export function addTest(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("test")
      .summary("score a trained net on its own test data")
      .description(
        "Runs a net of phase TEST on the batches of its data layers: the outputs of each, then their means.",
      ),
  )
    .addOption(fileOption("--weights <files>", "trained weights: .caffemodel files, separated by commas"))
    .addOption(countOption("--iterations <n>", "batches", 1).default(50))
    .addOption(finiteOption())
    .addOption(rootOption());
  onModel(
    withState(withTarget(command)).addOption(jsonOption("one JSON document on stdout")),
    { io, end },
    test,
  );
}

async function test(file: string, options: TestOptions, io: Io): Promise<number> {
  const { weights, iterations } = options;
  if (weights === undefined)
    throw userError(
      "test needs trained weights",
      "cortado test --model net.prototxt --weights net.caffemodel",
    );
  warnGpu(options, io);
  const net = await compile(pathOf(io, file), {
    phase: "TEST",
    target: options.target,
    threads: options.threads,
    passes: passesOf(options),
    debug: options.finite && "finite",
    level: options.level,
    stages: options.stage,
    layers: await loadLayers(options.layers, io),
    root: given(io, options.root),
  });
  return closingAfter(net, async () => {
    showWarnings(net.definition.warnings, io);
    refuseUnfed(net);
    const reports: WeightReport[] = [];
    for (const path of weights.split(",")) reports.push(await loadWeights(net, pathOf(io, path.trim())));
    const paint = painter(io.stdout, io.env);
    const say = (text: string): void => {
      if (!options.json) io.stdout.write(`${text}\n`);
    };
    for (const report of reports) say(`${formatMatchReport(report).trimEnd()}\n`);
    say(`Running for ${iterations} iterations on ${net.target.name}.`);

    const batches: { readonly batch: number; readonly outputs: readonly OutputValue[] }[] = [];
    const sums: number[] = [];
    const start = performance.now();
    for (let batch = 0; batch < iterations; batch++) {
      const outputs = outputValues(net, await net.forward());
      batches.push({ batch, outputs });
      for (const [i, { blob, value }] of outputs.entries()) {
        sums[i] = (sums[i] ?? 0) + value;
        say(`Batch ${batch}, ${unquoted(blob)} = ${shortNumber(value)}`);
      }
    }
    const seconds = (performance.now() - start) / 1000;
    const means = batches[0].outputs.map((output, i) => ({ ...output, value: sums[i] / iterations }));
    const loss = weightedLoss(means);
    if (options.json)
      io.stdout.write(
        `${json({ model: file, weights: reports, iterations, target: net.target.name, seconds, batches, means, loss }, 2)}\n`,
      );
    say(`\n${paint(`Loss: ${shortNumber(loss)}`, "bold")}`);
    for (const mean of means) say(paint(`${unquoted(mean.blob)} = ${outputText(mean)}`, "bold"));
    say(paint(`${iterations} batches in ${showDuration(seconds)}`, "dim"));
    return EXIT.done;
  });
}

/** A net that waits for a caller's values has no data to be tested on. */
function refuseUnfed(net: CompiledNet): void {
  const internals = internalsOf(net);
  if (!internals) throw new InternalError("a compiled net without internals");
  const inputs = unfedInputs(internals.lowered);
  if (inputs.length > 0)
    throw userError(
      `nothing feeds ${inputs.map(quoted).join(", ")}: this net waits for values that a program gives`,
      "test a net with data layers in phase TEST, such as the one it was trained with",
    );
}

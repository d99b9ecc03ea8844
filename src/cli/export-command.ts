import { type Command, Option } from "commander";
import { CortadoError, userError } from "../../proto/errors/index.js";
import { showBytes, showCount } from "../../proto/words/amounts.js";
import { quotedPath, unquoted } from "../../proto/words/names.js";
import { type ExportedBlob, type OnnxReport, type WriteOnnxOptions, writeOnnx } from "../index.js";
import { INT8_USUAL, type OnnxVerification, OPSETS, shortNumber, verifyOnnx } from "../tools.js";
import {
  anyPhaseOption,
  countOption,
  type End,
  fileOption,
  jsonOption,
  type ModelOptions,
  rootOption,
  withModel,
  withShapes,
  withState,
} from "./command-options.js";
import { firstText } from "./diff-command.js";
import { EXIT } from "./faults.js";
import { type Io, type Paint, painter } from "./io.js";
import { list, number, wholeNumber } from "./option-values.js";
import { createProgressLine, type ProgressLine } from "./progress.js";
import { given, onModel, readModel, requireShapes } from "./read-model.js";
import { json, pathOf, shownPath } from "./text.js";

interface ExportFlags extends ModelOptions {
  readonly out: string;
  readonly weights?: string;
  readonly phase?: "TRAIN" | "TEST";
  readonly opset?: number;
  readonly keep?: readonly string[];
  readonly batch?: number;
  readonly dynamicBatch?: true;
  readonly backward?: true;
  readonly from?: readonly string[];
  readonly train?: true;
  readonly solver?: string;
  readonly fold?: true;
  readonly float16?: true;
  readonly int8?: true;
  readonly calibrate?: string;
  readonly images?: number;
  readonly percentile?: number;
  readonly tolerance?: number;
  readonly externalData?: true;
  readonly verify?: true;
}

/** `cortado export`: a net as an ONNX file. */
export function addExport(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("export")
      .summary("write a net as an ONNX file that computes the same numbers")
      .description(
        "Writes a net, with its weights, as an ONNX file: its forward pass, with --backward its gradients too, with " +
          "--train a whole step. Values are named after blobs and nodes after layers. Tops of data layers become inputs. A net with a layer that cannot be said in ONNX is refused, with all " +
          "such layers named.",
      ),
  )
    .addOption(fileOption("--out <file>", "where to write").makeOptionMandatory())
    .addOption(fileOption("--weights <file>", "the net's weights (default: as its fillers make them)"))
    .addOption(anyPhaseOption("TEST, and TRAIN with --train"))
    .addOption(
      new Option("--opset <n>", `the version of ONNX's operators, ${OPSETS.least} to ${OPSETS.greatest}`)
        .argParser(wholeNumber(OPSETS.least))
        .default(OPSETS.usual),
    )
    .addOption(new Option("--keep <blobs>", "blobs to be outputs too, or all").argParser(list))
    .addOption(countOption("--batch <n>", "the first extent of inputs (default: the net's)", 1))
    .option("--dynamic-batch", "leave the first extent of inputs open, for any batch")
    .option("--backward", "also diffs of parameters and inputs, from the loss or from diffs of the outputs")
    .addOption(new Option("--from <blobs>", "also backward, from diffs of these blobs").argParser(list))
    .option("--train", "a training step: next values of parameters and of what the solver keeps")
    .addOption(fileOption("--solver <file>", "whose update (default: SGD, its rate an input)"))
    .option("--fold", "a BatchNorm and a Scale become part of the convolution before them")
    .option("--float16", "weights in 16 bits, made 32 when the file is read")
    .option("--int8", "convolutions and InnerProducts in 8 bits, their ranges measured on data")
    .addOption(
      fileOption("--calibrate <net>", "whose data layers give the data for --int8 (default: the net's own)"),
    )
    .addOption(countOption("--images <n>", `images to measure on (default: ${INT8_USUAL.images})`, 1))
    .addOption(
      new Option(
        "--percentile <p>",
        `so many in a hundred numbers lie within a value's range (default: ${INT8_USUAL.percentile})`,
      ).argParser(number(50)),
    )
    .addOption(
      new Option(
        "--tolerance <x>",
        `a layer that moves the outputs by more (relative L2) stays float (default: ${INT8_USUAL.tolerance})`,
      ).argParser(number(0)),
    )
    .option("--external-data", "constants in a file beside it (default: where they take more than 2 GiB)")
    .option(
      "--verify",
      "run the file by onnxruntime, where that is found, and compare every blob; exits with 2 when one differs",
    )
    .addOption(rootOption());
  onModel(
    withShapes(withState(command)).addOption(jsonOption("one JSON document on stdout")),
    { io, end },
    exportNet,
  );
}

async function exportNet(file: string, options: ExportFlags, io: Io): Promise<number> {
  if (options.verify && (options.backward || options.from || options.train))
    throw userError(
      "--verify is for files of a forward pass",
      "leave out --backward, --from and --train, or --verify",
    );
  const phase = options.phase ?? (options.train ? "TRAIN" : "TEST");
  const model = await readModel(file, { ...options, phase }, io);
  const { definition, state, root, layers } = model;
  await requireShapes(model, options.shape);
  const { keep } = options;
  const line = options.int8 && io.stderr.isTTY ? createProgressLine(io) : undefined;
  const wanted: WriteOnnxOptions = {
    ...state,
    root,
    layers,
    weights: given(io, options.weights),
    opset: options.opset,
    keep: keep?.length === 1 && keep[0] === "all" ? "all" : keep,
    batch: options.batch,
    dynamicBatch: options.dynamicBatch,
    backward: options.from ?? options.backward,
    train: options.train,
    solver: given(io, options.solver),
    fold: options.fold,
    float16: options.float16,
    int8: int8Options(options, io, line),
    externalData: options.externalData,
    shapes: options.shape,
  };
  const report = await writeOnnx(pathOf(io, options.out), definition, wanted).finally(() => line?.close());
  const say = (lines: readonly string[]): void => {
    if (!options.json) for (const line of lines) io.stdout.write(`${line}\n`);
  };
  const paint = painter(io.stdout, io.env);
  say(exportLines(report, paint, io));
  const verified = options.verify && (await verify(report, () => verifyOnnx(report, definition, wanted, io)));
  if (options.json) io.stdout.write(`${json({ ...report, ...(verified && { verified }) }, 2)}\n`);
  if (verified) say(verifiedLines(verified, paint));
  return verified?.first ? EXIT.mistake : EXIT.done;
}

/** @throws CortadoError where what belongs to --int8 is given without it */
function int8Options(options: ExportFlags, io: Io, line: ProgressLine | undefined): WriteOnnxOptions["int8"] {
  const { images, percentile, tolerance } = options;
  const calibrate = given(io, options.calibrate);
  if (options.int8) return { calibrate, images, percentile, tolerance, progress: line?.show };
  const [unused] = Object.entries({ calibrate, images, percentile, tolerance }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (unused) throw userError(`--${unused} is of no use without --int8`, "give --int8, too");
  return undefined;
}

/** Whatever keeps a file from being verified, it is there. */
async function verify<T>({ out }: OnnxReport, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    const [first, ...others] = error.diagnostics;
    const message = `${quotedPath(out)} is written, and could not be verified: ${first.message}`;
    throw new CortadoError([{ ...first, message }, ...others]);
  }
}

const blobs = (all: readonly ExportedBlob[]): string =>
  all.map(({ name, shape }) => `${unquoted(name, 40)} ${shape.join("×") || "()"}`).join(", ") || "none";

function exportLines(made: OnnxReport, paint: Paint, io: Io): readonly string[] {
  return [
    paint(
      `${unquoted(shownPath(io, made.out), 200)} (ONNX, opset ${made.opset}): ${showBytes(made.bytes)}`,
      "bold",
    ),
    ...(made.beside === undefined
      ? []
      : [`constants in ${unquoted(made.beside, 100)}: ${showBytes(made.constantBytes)}`]),
    `inputs   ${blobs(made.inputs)}`,
    `outputs  ${blobs(made.outputs)}`,
    `nodes    ${made.nodes}, for ${showCount(made.layers, "layer")}`,
    ...(made.int8 ? int8Lines(made.int8) : []),
  ];
}

/** Layers that are named where they stay float. */
const MOST_NAMED = 8;

function int8Lines({ layers, outputs, images }: NonNullable<OnnxReport["int8"]>): readonly string[] {
  const left = layers.filter(({ int8 }) => !int8);
  const named = left
    .slice(0, MOST_NAMED)
    .map(({ name, relative }) => `${unquoted(name, 40)} (${short(relative)})`);
  const more = left.length > MOST_NAMED ? [`${left.length - MOST_NAMED} more`] : [];
  return [
    `int8     ${layers.length - left.length} of ${showCount(layers.length, "layer")}, measured on ${showCount(images, "image")}`,
    ...(left.length > 0
      ? [`float    ${[...named, ...more].join(", ")}: alone they move the outputs so far`]
      : []),
    ...outputs.map(({ name, relative, means, top1 }) => {
      const figures = [
        ...(top1 ? [`top-1 ${inBoth(top1.map((percent) => `${percent.toFixed(2)}%`))}`] : []),
        ...(means ? [`mean ${inBoth(means.map(short))}`] : []),
        `relative L2 ${short(relative)}`,
      ];
      return `output   ${unquoted(name, 40)}: ${figures.join("; ")}`;
    }),
  ];
}

const inBoth = ([float, int8]: readonly string[]): string => `${float} in float, ${int8} in 8 bits`;

/** A number in three digits. */
const short = (x: number): string => shortNumber(Number(x.toPrecision(3)));

function verifiedLines(verified: OnnxVerification, paint: Paint): readonly string[] {
  const { runtime, blobs: all, outputs, first, greatest, randomParameters } = verified;
  const most = `relative L2 at most ${greatest === 0 ? "0" : greatest.toExponential(1)}`;
  const counts = `all ${showCount(all.length, "blob")} agree, and the ${showCount(outputs.length, "output")} of the file`;
  return [
    `verified by ${unquoted(runtime)}${randomParameters ? ", with random parameters" : ""}`,
    first
      ? paint(`${first.of === "outputs" ? "in the file itself, " : ""}${firstText(first)}`, "red", "bold")
      : paint(`${counts} (${most})`, "green", "bold"),
  ];
}

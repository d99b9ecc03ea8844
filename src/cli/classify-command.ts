import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Command, Option } from "commander";
import { fileError, userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedPath, unquoted } from "../../proto/words/names.js";
import {
  type CompiledNet,
  compile,
  createImageTransform,
  type ImageSize,
  type ImageTransformOptions,
  type RankedClass,
  readImage,
  readMean,
  topK,
} from "../index.js";
import { lowerForAnalysis, unfedInputs } from "../tools.js";
import { closingAfter } from "./closing.js";
import {
  countOption,
  type End,
  fileOption,
  jsonOption,
  passesOf,
  type RunOptions,
  type StateOptions,
  withState,
  withTarget,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, painter } from "./io.js";
import { imageSize, number } from "./option-values.js";
import { given, readModel } from "./read-model.js";
import { json, pathOf } from "./text.js";

interface ClassifyFlags extends RunOptions, StateOptions {
  readonly mean?: string;
  readonly labels?: string;
  readonly top: number;
  readonly resize?: ImageSize;
  readonly scale?: number;
  readonly rgb?: true;
  readonly oversample?: true;
}

/** Images that go through the net at once, before each becomes ten. */
const AT_ONCE = 8;

/** `cortado classify`: what a net sees in images. */
export function addClassify(program: Command, io: Io, end: End): void {
  const command = program
    .command("classify")
    .summary("say what a trained net sees in images")
    .description(
      "Runs a net to be deployed on images, prepared as Caffe's examples do: resized to the net's input, blue, green and red, " +
        "minus the mean of each channel. Of each image the classes with the greatest scores are printed.",
    )
    .argument("<files...>", "the net's prototxt, its trained weights, then images")
    .addOption(
      fileOption("--mean <file>", "a mean image, binaryproto or npy, of which each channel's mean is taken"),
    )
    .addOption(fileOption("--labels <file>", "names of the classes, one a line"))
    .addOption(countOption("--top <n>", "classes to print", 1).default(5))
    .addOption(
      new Option(
        "--resize <size>",
        "first to this size, height×width, then the middle (default: the input's)",
      ).argParser(imageSize),
    )
    .addOption(
      new Option("--scale <x>", "what pixels are multiplied by, after the mean").argParser(number(0)),
    )
    .option("--rgb", "red, green and blue, for nets that were trained so")
    .option("--oversample", "the mean of ten parts: corners and middle of --resize, and mirrored");
  withState(withTarget(command))
    .addOption(jsonOption("one JSON document on stdout"))
    .action(async (files: readonly string[], options: ClassifyFlags) => {
      const [model, weights, ...images] = files;
      if (images.length === 0)
        throw userError(
          "classify needs a net, its weights, and images",
          "cortado classify deploy.prototxt net.caffemodel cat.jpg",
        );
      end(await classify({ model, weights, images }, options, io));
    });
}

async function classify(
  files: { readonly model: string; readonly weights: string; readonly images: readonly string[] },
  options: ClassifyFlags,
  io: Io,
): Promise<number> {
  const { definition, state, root, layers } = await readModel(files.model, { ...options, phase: "TEST" }, io);
  const { lowered } = await lowerForAnalysis(definition, { ...state, root, layers });
  const [blob, ...others] = unfedInputs(lowered);
  const shape = lowered.inputs.get(blob) ?? [];
  const [, channels, height, width] = shape;
  if (others.length > 0 || shape.length !== 4)
    throw userError(
      blob === undefined
        ? "the net reads its own data, and classify gives it images"
        : `the net's inputs are ${[blob, ...others].map(quoted).join(", ")}, and images are one of images × channels × height × width`,
      "classify takes a net to be deployed: one Input layer, and no labels",
    );
  const labels = await readLabels(given(io, options.labels));
  const transform = createImageTransform(await preparation(options, { height, width }, io));
  const color = channels === 1 ? "gray" : "color";
  const rows = Math.min(files.images.length, AT_ONCE) * (options.oversample ? 10 : 1);
  const net = await compile(definition, {
    ...{ ...state, root, layers, weights: pathOf(io, files.weights) },
    ...{ target: options.target, threads: options.threads, passes: passesOf(options) },
    shapes: { [blob]: [rows, channels, height, width] },
  });
  return closingAfter(net, async () => {
    const results: { readonly image: string; readonly classes: readonly RankedClass[] }[] = [];
    const paint = painter(io.stdout, io.env);
    for (let at = 0; at < files.images.length; at += AT_ONCE) {
      const names = files.images.slice(at, at + AT_ONCE);
      const read = await Promise.all(names.map((name) => readImage(pathOf(io, name), { color })));
      const { data, shape: batch } = transform(read);
      const whole = new Float32Array(rows * channels * height * width);
      whole.set(data);
      const scores = await scoresOf(net, { [blob]: whole }, rows);
      const each = batch[0] / names.length;
      for (const [i, image] of names.entries()) {
        const classes = topK(meanRow(scores, i * each, each, rows), { k: options.top, labels });
        results.push({ image, classes });
        if (!options.json) io.stdout.write(`${classLines(image, classes, paint).join("\n")}\n`);
      }
    }
    if (options.json) io.stdout.write(`${json(results, 2)}\n`);
    return EXIT.done;
  });
}

async function preparation(
  { mean, resize, scale, rgb, oversample }: ClassifyFlags,
  size: ImageSize,
  io: Io,
): Promise<ImageTransformOptions> {
  const file = given(io, mean);
  return {
    size,
    resize,
    scale,
    oversample,
    order: rgb && "RGB",
    mean: file === undefined ? undefined : (await readMean(file)).channels,
  };
}

async function readLabels(file: string | undefined): Promise<readonly string[] | undefined> {
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, "utf8")).trimEnd().split(/\r?\n/);
  } catch (error) {
    throw fileError(`cannot read the labels ${quotedPath(file)}`, error);
  }
}

/** The first output, which must have a row for each input. */
async function scoresOf(
  net: CompiledNet,
  inputs: Readonly<Record<string, Float32Array>>,
  rows: number,
): Promise<Float32Array> {
  const outputs = await net.forward(inputs);
  const [name] = net.outputs;
  const { shape } = net.blobs[name];
  if (shape[0] !== rows)
    throw userError(`the net's output is ${showShape(shape)}, and ${rows} inputs need as many rows`);
  return outputs[name];
}

/** The mean of some rows. */
function meanRow(scores: Float32Array, from: number, count: number, rows: number): Float32Array {
  const classes = scores.length / rows;
  return Float32Array.from({ length: classes }, (_, i) => {
    let sum = 0;
    for (let row = from; row < from + count; row++) sum += scores[row * classes + i];
    return sum / count;
  });
}

const classLines = (
  image: string,
  classes: readonly RankedClass[],
  paint: ReturnType<typeof painter>,
): readonly string[] => [
  paint(unquoted(basename(image), 100), "bold"),
  ...classes.map(
    ({ index, score, label }) =>
      `  ${score.toFixed(4)}  ${label === undefined ? `class ${index}` : unquoted(label, 100)}`,
  ),
];

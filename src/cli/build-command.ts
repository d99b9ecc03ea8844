import { type Command, Option } from "commander";
import { showBytes, showCount, showShape } from "../../proto/words/amounts.js";
import { unquoted } from "../../proto/words/names.js";
import { type BuildOptions, type BuildReport, buildNet } from "../index.js";
import { BUILD_TARGETS, PROCESSORS, stringLiteral, type TargetName } from "../tools.js";
import {
  anyPhaseOption,
  countOption,
  type End,
  fileOption,
  jsonOption,
  type ModelOptions,
  passesOf,
  passOption,
  rootOption,
  withModel,
  withShapes,
  withState,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, painter } from "./io.js";
import { list, listOfWords, oneOf } from "./option-values.js";
import { given, onModel, readModel, requireShapes } from "./read-model.js";
import { json, pathOf, shownPath } from "./text.js";

interface BuildFlags extends ModelOptions {
  readonly out: string;
  readonly target: TargetName;
  readonly arch?: readonly string[];
  readonly cpu?: BuildOptions["cpu"];
  readonly withoutPass?: readonly string[];
  readonly phase?: "TRAIN" | "TEST";
  readonly weights?: string;
  readonly keep?: readonly string[];
  readonly backward?: true;
  readonly diffs?: readonly string[];
  readonly train?: true;
  readonly solver?: string;
  readonly seed?: number;
}

/** `vectors of --target native: sse, avx2 (default: this machine's)` */
const ofTarget = (option: "arch" | "cpu", what: string): string => {
  const able = BUILD_TARGETS.flatMap(({ name, architectures }) => {
    if (architectures?.option !== option) return [];
    const { names, usual } = architectures;
    return [`of --target ${name}${names ? `: ${names.join(", ")}` : ""} (default: ${usual})`];
  });
  return `${what} ${able.join("; ")}`;
};

/** `cortado build`: a net compiled ahead of time into a folder that needs nothing else. */
export function addBuild(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("build")
      .summary("compile a net ahead of time, to run without Cortado")
      .description(
        "Writes a module that runs the net, its types, its weights and a manifest into a folder. Loading it " +
          "compiles nothing and needs neither Cortado nor the prototxt. Tops of data layers become inputs. " +
          "--target wasm needs nothing to build. --target native compiles with the system's C++ compiler; running what it wrote needs none. --target cuda " +
          "compiles with NVRTC and needs no GPU; running what it wrote needs one, and its driver.",
      ),
  )
    .addOption(
      fileOption("--out <folder>", "where to write; made where it is not there").makeOptionMandatory(),
    )
    .addOption(
      new Option("--target <name>", BUILD_TARGETS.map(({ name, about }) => `${name}: ${about}`).join("; "))
        .argParser(oneOf(BUILD_TARGETS.map(({ name }) => name)))
        .default("ts"),
    )
    .addOption(new Option("--arch <names>", ofTarget("arch", "architectures")).argParser(list))
    .addOption(new Option("--cpu <names>", ofTarget("cpu", "vectors")).argParser(listOfWords(PROCESSORS)))
    .addOption(
      fileOption("--weights <file>", "the weights to build in (default: as the net's fillers make them)"),
    )
    .addOption(anyPhaseOption("TEST, and TRAIN with --train"))
    .addOption(
      new Option("--keep <blobs>", "blobs to be readable beside the outputs, or all").argParser(list),
    )
    .option("--backward", "also backward: from the loss, or from diffs of the outputs where there is none")
    .addOption(new Option("--diffs <blobs>", "also backward, from diffs of these blobs").argParser(list))
    .option("--train", "also backward and a solver's update")
    .addOption(fileOption("--solver <file>", "whose update (default: SGD, its rate given to each step)"))
    .addOption(countOption("--seed <n>", "of fillers and dropout (default: the solver's, else 1701)", 0))
    .addOption(passOption())
    .addOption(rootOption());
  onModel(
    withShapes(withState(command)).addOption(jsonOption("one JSON document on stdout")),
    { io, end },
    build,
  );
}

async function build(file: string, options: BuildFlags, io: Io): Promise<number> {
  const phase = options.phase ?? (options.train ? "TRAIN" : "TEST");
  const model = await readModel(file, { ...options, phase }, io);
  const { definition, state, root, layers } = model;
  await requireShapes(model, options.shape);
  const { keep } = options;
  const report = await buildNet(definition, {
    ...state,
    root,
    layers,
    out: pathOf(io, options.out),
    target: options.target,
    arch: options.arch,
    cpu: options.cpu,
    passes: passesOf(options),
    weights: given(io, options.weights),
    keep: keep?.length === 1 && keep[0] === "all" ? "all" : keep,
    backward: options.diffs ?? options.backward,
    train: options.train,
    solver: given(io, options.solver),
    seed: options.seed,
    shapes: options.shape,
  });
  if (options.json) io.stdout.write(`${json(report, 2)}\n`);
  else for (const line of buildLines(report, io)) io.stdout.write(`${line}\n`);
  return EXIT.done;
}

function buildLines(report: BuildReport, io: Io): readonly string[] {
  const paint = painter(io.stdout, io.env);
  const { files, inputs, outputs, fed, weights } = report;
  const folder = shownPath(io, report.out);
  const rows = fileRows(files);
  const width = Math.max(...rows.map(({ name }) => name.length));
  const sizes = rows.map(({ size }) => showBytes(size));
  const sizeWidth = Math.max(...sizes.map(({ length }) => length));
  const blobs = (list: BuildReport["inputs"]): string =>
    list.map(({ name, shape }) => `${unquoted(name, 40)} ${showShape(shape)}`).join(", ") || "none";
  const parts = ["forward", ...(report.backward ? ["backward"] : []), ...(report.train ? ["update"] : [])];
  return [
    ...(weights === undefined ? [] : [weights]),
    paint(`${unquoted(folder, 200)} (${report.target}: ${parts.join(", ")})`, "bold"),
    ...rows.map(({ name }, i) => `  ${name.padEnd(width)}  ${sizes[i].padStart(sizeWidth)}`),
    "",
    `inputs      ${blobs(inputs)}`,
    ...(fed.length === 0
      ? []
      : [
          `            (no data layer reads here: ${fed.map((name) => unquoted(name, 40)).join(", ")} are given)`,
        ]),
    `outputs     ${blobs(outputs)}`,
    `memory      ${showBytes(report.parameterBytes)} of parameters, ${showBytes(report.arenaBytes)} of blobs; ${showCount(report.kernels, "kernel")}`,
    "",
    ...exampleLines(report, folder),
  ];
}

/** A line for each file, and one for the kernels of an architecture. */
function fileRows(files: BuildReport["files"]): readonly { readonly name: string; readonly size: number }[] {
  const rows = new Map<string, { files: number; size: number }>();
  for (const { path, bytes: size } of files) {
    const name = /^kernels\/\w+\//.exec(path)?.[0] ?? path;
    const row = rows.get(name) ?? { files: 0, size: 0 };
    rows.set(name, { files: row.files + 1, size: row.size + size });
  }
  return [...rows].map(([name, { files, size }]) => ({
    name: name.endsWith("/") ? `${name} (${showCount(files, "file")})` : name,
    size,
  }));
}

/** A program that runs the build, as JavaScript that can be pasted. */
function exampleLines({ inputs, outputs, train, needsRate }: BuildReport, folder: string): readonly string[] {
  const key = (name: string): string =>
    name === "__proto__" ? '["__proto__"]' : /^[A-Za-z_$][\w$]*$/.test(name) ? name : stringLiteral(name);
  const arrays = inputs.map(
    ({ name, shape }) => `${key(name)}: new Float32Array(${shape.join(" * ") || "1"})`,
  );
  const from = folder.startsWith("/") || /^\.\.?\//.test(folder) ? folder : `./${folder}`;
  const result = outputs.length === 0 ? "" : `[${stringLiteral(outputs[0].name)}]`;
  const batch = arrays.length === 0 ? "" : `{ ${arrays.join(", ")} }`;
  return [
    `  import { load } from ${stringLiteral(`${from}/net.js`)};`,
    "  const net = await load();",
    ...(train
      ? [`  const { loss } = await net.step(${batch || "{}"}${needsRate ? ", { rate: 0.01 }" : ""});`]
      : [
          `  const outputs = await net.forward(${batch});`,
          ...(result === "" ? [] : [`  console.log(outputs${result});`]),
        ]),
  ];
}

import { type Command, Option } from "commander";
import { fileError } from "../../proto/errors/index.js";
import { showBytes, showCount } from "../../proto/words/amounts.js";
import { quotedPath, unquoted } from "../../proto/words/names.js";
import {
  type ExportedBlob,
  makeOnnx,
  type OnnxFile,
  OPSETS,
  selectLayers,
  withShapeHint,
  writeFileAtomically,
} from "../tools.js";
import {
  anyPhaseOption,
  type End,
  fileOption,
  jsonOption,
  type ModelOptions,
  rootOption,
  withModel,
  withShapes,
  withState,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, painter } from "./io.js";
import { list, wholeNumber } from "./option-values.js";
import { given, onModel, readModel } from "./read-model.js";
import { json, pathOf, shownPath } from "./text.js";

interface ExportFlags extends ModelOptions {
  readonly out: string;
  readonly weights?: string;
  readonly phase?: "TRAIN" | "TEST";
  readonly opset?: number;
  readonly keep?: readonly string[];
  readonly dynamicBatch?: true;
}

/** `cortado export`: a net as an ONNX file. */
export function addExport(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("export")
      .summary("write a net as an ONNX file that computes the same numbers")
      .description(
        "Writes the net's forward pass, with its weights, as an ONNX file. Values are named after blobs and nodes after " +
          "layers. Tops of data layers become inputs. A net with a layer that cannot be said in ONNX is refused, with all " +
          "such layers named.",
      ),
  )
    .addOption(fileOption("--out <file>", "where to write").makeOptionMandatory())
    .addOption(fileOption("--weights <file>", "the net's weights (default: as its fillers make them)"))
    .addOption(anyPhaseOption("TEST"))
    .addOption(
      new Option("--opset <n>", `the version of ONNX's operators, ${OPSETS.least} to ${OPSETS.greatest}`)
        .argParser(wholeNumber(OPSETS.least))
        .default(OPSETS.usual),
    )
    .addOption(new Option("--keep <blobs>", "blobs to be outputs too, or all").argParser(list))
    .option("--dynamic-batch", "leave the first extent of inputs open, for any batch")
    .addOption(rootOption());
  onModel(
    withShapes(withState(command)).addOption(jsonOption("one JSON document on stdout")),
    { io, end },
    exportNet,
  );
}

async function exportNet(file: string, options: ExportFlags, io: Io): Promise<number> {
  const phase = options.phase ?? "TEST";
  const { definition, state, root, layers } = await readModel(file, { ...options, phase }, io);
  const { keep } = options;
  const made = await makeOnnx(definition, {
    ...state,
    root,
    layers,
    weights: given(io, options.weights),
    opset: options.opset,
    keep: keep?.length === 1 && keep[0] === "all" ? "all" : keep,
    dynamicBatch: options.dynamicBatch,
    shapes: options.shape,
  }).catch((error: unknown) => {
    throw withShapeHint(error, selectLayers(definition, state), phase);
  });
  const path = pathOf(io, options.out);
  try {
    await writeFileAtomically(path, made.bytes);
  } catch (error) {
    throw fileError(`cannot write ${quotedPath(options.out)}`, error);
  }
  if (options.json) io.stdout.write(`${json(reportOf(made, path), 2)}\n`);
  else for (const line of exportLines(made, path, io)) io.stdout.write(`${line}\n`);
  return EXIT.done;
}

const reportOf = ({ bytes, ...rest }: OnnxFile, out: string) => ({ out, bytes: bytes.length, ...rest });

const blobs = (all: readonly ExportedBlob[]): string =>
  all.map(({ name, shape }) => `${unquoted(name, 40)} ${shape.join("×") || "()"}`).join(", ") || "none";

function exportLines(made: OnnxFile, path: string, io: Io): readonly string[] {
  const paint = painter(io.stdout, io.env);
  return [
    paint(
      `${unquoted(shownPath(io, path), 200)} (ONNX, opset ${made.opset}): ${showBytes(made.bytes.length)}`,
      "bold",
    ),
    `inputs   ${blobs(made.inputs)}`,
    `outputs  ${blobs(made.outputs)}`,
    `nodes    ${made.nodes}, for ${showCount(made.layers, "layer")}`,
  ];
}

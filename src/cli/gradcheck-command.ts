import type { Command } from "commander";
import { showCount, showShape } from "../../proto/words/amounts.js";
import { unquoted, visible } from "../../proto/words/names.js";
import { checkGradients, type GradientFailure, type GradientReport } from "../index.js";
import {
  countOption,
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
import { type Io, type Paint, painter } from "./io.js";
import { loadLayers } from "./layers.js";
import { given, onModel } from "./read-model.js";
import { json, pathOf, table } from "./text.js";

interface GradcheckOptions extends ModelOptions {
  readonly phase: "TRAIN" | "TEST";
  readonly seed: number;
  readonly runs: number;
  readonly layer?: string;
  readonly weights?: string;
}

/** `cortado gradcheck`: a net's backward against central differences of its forward. */
export function addGradcheck(program: Command, io: Io, end: End): void {
  const command = withModel(
    program
      .command("gradcheck")
      .summary("check a net's gradients against central differences")
      .description(
        "Compares backward with central differences of forward, in float64: along random directions over all " +
          "parameters and inputs at once, and over each of them alone. Exits with 2 when any of them differs.",
      ),
  )
    .addOption(phaseOption("TRAIN"))
    .addOption(countOption("--runs <n>", "points at which everything is compared", 1).default(4))
    .addOption(countOption("--seed <n>", "of values and directions; a failure names its own", 0).default(1))
    .addOption(fileOption("--layer <name>", "only the parameters of this layer"))
    .addOption(fileOption("--weights <file>", "parameters to check at (default: random)"))
    .addOption(rootOption());
  onModel(
    withShapes(withState(command)).addOption(jsonOption("one JSON document on stdout")),
    { io, end },
    gradcheck,
  );
}

async function gradcheck(file: string, options: GradcheckOptions, io: Io): Promise<number> {
  const { phase, seed, runs, layer, level } = options;
  const report = await checkGradients(pathOf(io, file), {
    ...{ phase, seed, runs, layer, level },
    stages: options.stage,
    layers: await loadLayers(options.layers, io),
    shapes: options.shape,
    root: given(io, options.root),
    weights: given(io, options.weights),
  });
  if (options.json) io.stdout.write(`${json({ model: file, phase, seed, runs, ...report }, 2)}\n`);
  else for (const line of reportLines(report, painter(io.stdout, io.env))) io.stdout.write(`${line}\n`);
  return report.failures.length > 0 ? EXIT.mistake : EXIT.done;
}

function reportLines({ parts, failures, checked, kinks }: GradientReport, paint: Paint): readonly string[] {
  const wrong = (name: string): readonly GradientFailure[] => failures.filter(({ along }) => along === name);
  // The failures of single layers stand before the net's own, and are along everything of theirs.
  const whole = failures.at(-1)?.prototxt;
  const ofNet = new Set(failures.filter(({ prototxt }) => prototxt === whole).map(({ along }) => along));
  const [title, rule, ...rows] = table(
    [
      { title: "along" },
      { title: "shape" },
      { title: "compared", align: "right" },
      { title: "at a kink", align: "right" },
      { title: "relative error", align: "right" },
      { title: "" },
    ],
    parts.map((part) => {
      const bad = ofNet.has(part.name) ? wrong(part.name).map(({ error }) => error) : [];
      return [
        unquoted(part.name, 40),
        part.kind === "everything" ? "–" : showShape(part.shape),
        String(part.checked),
        String(part.kinks),
        part.checked === 0 ? "–" : Math.max(part.worst, ...bad).toExponential(1),
        bad.length > 0 ? "wrong" : part.checked === 0 ? "not smooth" : "ok",
      ];
    }),
  );
  const verdict =
    failures.length > 0
      ? paint(`${showCount(failures.length, "wrong gradient")}`, "red", "bold")
      : paint(`${showCount(checked, "comparison")} right`, "green", "bold");
  return [
    paint(title, "bold"),
    paint(rule, "dim"),
    ...rows,
    "",
    `${verdict}${kinks > 0 ? `, ${showCount(kinks, "point")} at a kink left out` : ""}`,
    ...(failures.length > 0 ? failureLines(failures[0], paint) : []),
  ];
}

/** The first failure: the smallest net. */
const failureLines = ({ prototxt, seed, along, backward, differences }: GradientFailure, paint: Paint) => [
  "",
  `along ${unquoted(along)} backward gives ${backward}, differences ${differences}; seed ${seed} repeats it on`,
  "",
  ...prototxt
    .trimEnd()
    .split("\n")
    .map((line) => paint(visible(line), "dim")),
];

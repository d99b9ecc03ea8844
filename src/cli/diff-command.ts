import { type Command, Option } from "commander";
import { orList, userError } from "../../proto/errors/index.js";
import { showCount, showShape } from "../../proto/words/amounts.js";
import { unquoted } from "../../proto/words/names.js";
import {
  type BlobDifference,
  type CompiledNet,
  collectWeights,
  compareNets,
  compile,
  loadWeights,
  type NetComparison,
} from "../index.js";
import { shortNumber, TARGET_CHOICES, writeRandomParameters } from "../tools.js";
import {
  countOption,
  type End,
  jsonOption,
  oneTarget,
  passesOf,
  passOption,
  phaseOption,
  type RunOptions,
  rootOption,
  type StateOptions,
  withShapes,
  withState,
} from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, type Paint, painter } from "./io.js";
import { loadLayers } from "./layers.js";
import { number, type Shapes, text } from "./option-values.js";
import { json, pathOf, table } from "./text.js";

type Target = NonNullable<RunOptions["target"]>;

interface DiffOptions extends StateOptions {
  readonly phase: "TRAIN" | "TEST";
  readonly weights: readonly string[];
  readonly target: readonly Target[];
  readonly bound: number;
  readonly seed: number;
  readonly backward?: true;
  readonly withoutPass?: readonly string[];
  readonly root?: string;
  readonly shape?: Shapes;
  readonly json?: true;
}

/** `cortado diff`: the first blob on which two nets, two weight files or two targets differ. */
export function addDiff(program: Command, io: Io, end: End): void {
  const command = program
    .command("diff")
    .summary("find the first blob on which two nets, weights or targets differ")
    .description(
      "Runs two nets on the same inputs and compares every blob that both have, in the order of the schedule. " +
        "Give what differs twice: two prototxts, --weights A --weights B, or --target ts --target cuda. " +
        "Exits with 2 when any blob differs by more than the bound.",
    )
    .argument("<nets...>", "the net's prototxt, or two")
    .addOption(
      new Option("--weights <file>", "weights of both nets, or of each (repeatable)")
        .argParser((value: string, before: readonly string[]) => [...before, text(value)])
        .default([] as readonly string[], "none"),
    )
    .addOption(
      new Option("--target <name>", `${orList(TARGET_CHOICES)}, of both nets or of each (repeatable)`)
        .argParser((value: string, before: readonly Target[]) => [...before, oneTarget(value)])
        .default([] as readonly Target[], "CORTADO_TARGET, else auto"),
    )
    .addOption(phaseOption("TEST"))
    .addOption(
      new Option("--bound <number>", "the greatest relative L2 distance that counts as equal")
        .argParser(number(0))
        .default(1e-4),
    )
    .addOption(new Option("--backward", "compare diffs and parameter gradients too"))
    .addOption(countOption("--seed <n>", "of inputs that nothing feeds", 0).default(1))
    .addOption(passOption())
    .addOption(rootOption());
  withShapes(withState(command))
    .addOption(jsonOption("one JSON document on stdout"))
    .action(async (files: string[], options: DiffOptions) => end(await diff(files, options, io)));
}

/** One of the two: the first of what was given, or the second where there is one. */
const pick = <T>(given: readonly T[], side: 0 | 1): T | undefined => given[Math.min(side, given.length - 1)];

async function diff(files: readonly string[], options: DiffOptions, io: Io): Promise<number> {
  const { weights, target, phase, bound, seed } = options;
  for (const [what, given] of [
    ["nets", files],
    ["--weights", weights],
    ["--target", target],
  ] as const)
    if (given.length > 2) throw userError(`diff compares two: ${given.length} ${what} are given`);
  if (![files, weights, target].some((given) => given.length === 2))
    throw userError(
      "diff needs two of something: there is nothing to compare",
      "cortado diff a.prototxt b.prototxt, or --weights A --weights B, or --target ts --target cuda",
    );
  const layers = await loadLayers(options.layers, io);
  const open: CompiledNet[] = [];
  const make = async (side: 0 | 1): Promise<CompiledNet> => {
    const own = pick(weights, side);
    const net = await compile(pathOf(io, files[Math.min(side, files.length - 1)]), {
      phase,
      target: pick(target, side),
      passes: passesOf(options),
      keep: "all",
      level: options.level,
      stages: options.stage,
      layers,
      shapes: options.shape,
      root: options.root === undefined ? undefined : pathOf(io, options.root),
      weights: own === undefined ? undefined : pathOf(io, own),
    });
    open.push(net);
    return net;
  };
  try {
    const [a, b] = [await make(0), await make(1)];
    // Without weights both have the same random parameters, for a net to be deployed has no fillers.
    if (weights.length === 0) {
      await writeRandomParameters(a, seed);
      await loadWeights(b, await collectWeights(a));
    }
    const comparison = await compareNets(a, b, undefined, {
      bound,
      seed,
      backward: options.backward === true,
    });
    if (options.json)
      io.stdout.write(
        `${json({ nets: files, weights, targets: open.map(({ target }) => target.name), phase, bound, ...comparison }, 2)}\n`,
      );
    else
      for (const line of comparisonLines(comparison, [a, b], bound, painter(io.stdout, io.env)))
        io.stdout.write(`${line}\n`);
    return comparison.first ? EXIT.mistake : EXIT.done;
  } finally {
    for (const net of open) await net.close();
  }
}

function comparisonLines(
  { blobs, first, onlyIn }: NetComparison,
  [a, b]: readonly [CompiledNet, CompiledNet],
  bound: number,
  paint: Paint,
): readonly string[] {
  const [title, rule, ...rows] = table(
    [
      { title: "pass" },
      { title: "blob" },
      { title: "layer" },
      { title: "shape" },
      { title: "relative L2", align: "right" },
      { title: "farthest", align: "right" },
      { title: "" },
    ],
    blobs.map((blob) => [
      blob.pass,
      unquoted(blob.name, 40),
      unquoted(blob.layer, 40),
      showShape(blob.shape),
      blob.relative === 0 ? "0" : blob.relative.toExponential(1),
      blob.relative === 0
        ? "–"
        : `[${blob.index}] ${shortNumber(blob.values[0])} ${shortNumber(blob.values[1])}`,
      blob.differs ? "differs" : "",
    ]),
  );
  const only = onlyIn.flatMap((names, side) =>
    names.length === 0
      ? []
      : [
          `only in the ${side === 0 ? "first" : "second"}: ${names.map((name) => unquoted(name, 40)).join(", ")}`,
        ],
  );
  return [
    paint(`${a.target.name} and ${b.target.name}, bound ${bound}`, "bold"),
    "",
    paint(title, "bold"),
    paint(rule, "dim"),
    ...rows,
    ...only,
    "",
    first
      ? paint(firstText(first), "red", "bold")
      : paint(`${showCount(blobs.length, "blob")} equal`, "green", "bold"),
  ];
}

/** The first blob that differs, and by how much. */
export const firstText = ({ pass, name, layer, index, values, relative }: BlobDifference): string =>
  `first difference: ${pass}, ${unquoted(name)} of layer ${unquoted(layer)}, element ${index}: ` +
  `${values[0]} and ${values[1]} (relative L2 ${relative.toExponential(1)})`;

/** Options that several commands share. */

import { type Command, Option } from "commander";
import { orList, userError } from "../../proto/errors/index.js";
import { quoted, unquoted } from "../../proto/words/names.js";
import type { CompileOptions } from "../index.js";
import { HIDDEN_CHOICES, PASS_NAMES, TARGET_CHOICES } from "../tools.js";
import { level, PHASES } from "./caffe-flags.js";
import {
  architecture,
  list,
  listOfWords,
  oneOf,
  type Shapes,
  shape,
  text,
  wholeNumber,
} from "./option-values.js";

/** Ends a command with an exit code. */
export type End = (code: number) => void;

export interface StateOptions {
  readonly level?: number;
  readonly stage?: readonly string[];
  /** Modules with layer types, and the word extras. */
  readonly layers?: readonly string[];
}

export interface RunOptions {
  readonly target?: CompileOptions["target"];
  readonly threads?: number;
  readonly withoutPass?: readonly string[];
  readonly root?: string;
  readonly gpu?: string;
  readonly json?: true;
}

export interface ModelOptions extends StateOptions {
  readonly model?: string;
  readonly root?: string;
  readonly shape?: Shapes;
  readonly json?: true;
}

export const fileOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(text);

export const countOption = (flags: string, description: string, least: number): Option =>
  new Option(flags, description).argParser(wholeNumber(least));

export const phaseOption = (fallback: "TRAIN" | "TEST"): Option =>
  new Option("--phase <phase>", orList(PHASES)).argParser(oneOf(PHASES)).default(fallback);

/** The same where nothing given means something of its own. */
export const anyPhaseOption = (otherwise: string): Option =>
  new Option("--phase <phase>", `${orList(PHASES)} (default: ${otherwise})`).argParser(oneOf(PHASES));

export const rootOption = (): Option =>
  fileOption("--root <folder>", "where relative paths of data layers start (default: the folder of the net)");

/** An architecture as NVRTC names it. */
export const archOption = (description: string): Option =>
  new Option("--arch <name>", description).argParser(architecture);

export const jsonOption = (what: string): Option => new Option("--json", what);

/** What decides the layers of a net: level and stages of its state, as `caffe` takes them, and types of one's own. */
export const withState = (command: Command, stage = "--stage"): Command =>
  command
    .addOption(new Option("--level <n>", "the net's level, for include and exclude rules").argParser(level))
    .addOption(new Option(`${stage} <names>`, "the net's stages, separated by commas").argParser(list))
    .addOption(
      new Option(
        "--layers <files>",
        "JavaScript modules that export layer types of your own; extras: those of common forks",
      ).argParser(list),
    );

/** For commands that compile. */
export const passOption = (): Option =>
  new Option(
    "--without-pass <names>",
    `passes of the target to leave out (${PASS_NAMES.join(", ")}), separated by commas`,
  ).argParser(listOfWords(PASS_NAMES));

/** The passes as `compile` takes them. */
export const passesOf = ({
  withoutPass,
}: {
  readonly withoutPass?: readonly string[];
}): CompileOptions["passes"] => withoutPass && Object.fromEntries(withoutPass.map((name) => [name, false]));

/** A target that nets run on, or `auto`. */
export const oneTarget = oneOf<NonNullable<RunOptions["target"]>>(TARGET_CHOICES, HIDDEN_CHOICES);

/** What a command does where `--target` is not given, as its help says it. */
export const TARGET_DEFAULT = "default: CORTADO_TARGET, else auto";

/** How kernels run. */
export const withTarget = (command: Command): Command =>
  command
    .addOption(
      countOption(
        "--threads <n>",
        "threads that run the kernels (default: CORTADO_THREADS, else all cores)",
        1,
      ),
    )
    .addOption(
      new Option("--target <name>", `${orList(TARGET_CHOICES)} (${TARGET_DEFAULT})`).argParser(oneTarget),
    )
    .addOption(passOption())
    .addOption(
      new Option("--gpu <ids>", "accepted for caffe's sake, and ignored").argParser(text).hideHelp(),
    );

/** For commands that run nets to see what comes of them. */
export const finiteOption = (): Option =>
  new Option("--finite", "end at the first value that is NaN or infinite, and name the layer that made it");

/** A net by argument or, as Caffe has it, by option. */
export const withModel = (command: Command): Command =>
  command
    .argument("[model]", "the net's prototxt")
    .addOption(fileOption("--model <file>", "the same, as caffe writes it"));

export const withShapes = (command: Command): Command =>
  command.addOption(
    new Option(
      "--shape <blob=extents>",
      "shape of an input, or of a data layer's top that is then not read; e.g. data=64,1,28,28 (repeatable)",
    ).argParser(shape),
  );

/** The one file that a command is about, given either way. */
export function theFile(
  argument: string | undefined,
  option: string | undefined,
  { command, what, flag }: { readonly command: string; readonly what: string; readonly flag: string },
): string {
  if (argument !== undefined && option !== undefined && argument !== option)
    throw userError(`${what} is given twice: ${quoted(argument)} and --${flag} ${unquoted(option)}`);
  const file = argument ?? option;
  if (file === undefined || file === "")
    throw userError(`${command} needs ${what}`, `cortado ${command} --${flag} ${flag}.prototxt`);
  return file;
}

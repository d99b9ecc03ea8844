import { Command } from "commander";
import { visible, visibleLines } from "../../proto/words/names.js";
import { version } from "../tools.js";
import { type Grammar, normaliseArguments } from "./arguments.js";
import { addBuild } from "./build-command.js";
import { addUnusedFlags } from "./caffe-flags.js";
import { addCheck } from "./check-command.js";
import { addClassify } from "./classify-command.js";
import type { End } from "./command-options.js";
import { addConvert, addMean } from "./data-commands.js";
import { addDeviceQuery } from "./device-query-command.js";
import { addDiff } from "./diff-command.js";
import { addExplain } from "./explain-command.js";
import { addExport } from "./export-command.js";
import { EXIT, paintDiagnostics, reportFault } from "./faults.js";
import { addGradcheck } from "./gradcheck-command.js";
import { describeProgram, helpWidth } from "./help.js";
import { hasColours, type Io, painter } from "./io.js";
import { addSummary } from "./summary-command.js";
import { addTest } from "./test-command.js";
import { addTime } from "./time-command.js";
import { addTrain } from "./train-command.js";

/**
 * Runs one command line and gives its exit code. Everything goes through `io`: nothing is written elsewhere, the
 * process is never ended, and whatever is thrown has been reported.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.done;
  try {
    const program = createProgram(io, (given) => {
      code = given;
    });
    const { args, ignored } = normaliseArguments(argv, grammarOf(program));
    if (ignored.length > 0) warn(io, `${ignored.join(", ")}: options of Caffe's log mean nothing here`);
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    code = reportFault(error, io);
  }
  return code;
}

function createProgram(io: Io, end: End): Command {
  const paint = painter(io.stderr, io.env);
  const program = describeProgram(new Command("cortado"), io)
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => helpWidth(io.stdout),
      getErrHelpWidth: () => helpWidth(io.stderr),
      getOutHasColors: () => hasColours(io.stdout, io.env),
      getErrHasColors: () => hasColours(io.stderr, io.env),
      outputError: (text, write) => write(`${paintDiagnostics(commanderMessage(text), paint)}\n`),
    });
  for (const add of [
    addTrain,
    addTest,
    addTime,
    addSummary,
    addExplain,
    addCheck,
    addGradcheck,
    addDiff,
    addBuild,
    addExport,
    addClassify,
    addConvert,
    addMean,
    addDeviceQuery,
  ])
    add(program, io, end);
  for (const command of program.commands) addUnusedFlags(command, io);
  return program;
}

/** Commander's message in the shape of all others: the hint on a line of its own, nothing that steers a terminal. */
const commanderMessage = (text: string): string =>
  visibleLines(text.trim()).replace(/\(Did you mean ([^)]*)\?\)/, "  did you mean $1?");

function grammarOf(program: Command): Grammar {
  const options = [program, ...program.commands].flatMap((command) => command.options);
  const named = (valued: boolean): ReadonlySet<string> =>
    new Set(
      options
        .filter((option) => (option.required || option.optional) === valued)
        .flatMap(({ long }) => (long ? [long.slice(2)] : [])),
    );
  return {
    commands: program.commands.map((command) => command.name()),
    valued: named(true),
    flags: new Set([...named(false), "help"]),
  };
}

const warn = (io: Io, message: string): void =>
  void io.stderr.write(`${paintDiagnostics(`warning: ${visible(message)}`, painter(io.stderr, io.env))}\n`);

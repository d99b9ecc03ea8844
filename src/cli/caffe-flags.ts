/** The flags of `caffe`, each of which gflags takes with every command. */

import { type Command, Option } from "commander";
import type { Io } from "./io.js";
import { oneOf, text, wholeNumber } from "./option-values.js";
import { showNote } from "./warnings.js";

/** The phases of a net. */
export const PHASES = ["TRAIN", "TEST"] as const;

/** What a signal does to a training. */
export const EFFECTS = ["stop", "snapshot", "none"] as const;

/** Levels may be below 0: rules compare with them. */
export const level = wholeNumber(-(2 ** 31));

/** Those of tools/caffe.cpp, and how their values are checked where a command does nothing with them. */
const FLAGS: Readonly<Record<string, (value: string) => unknown>> = {
  "--solver <file>": String,
  "--model <file>": String,
  "--weights <files>": text,
  "--snapshot <file>": text,
  "--phase <phase>": oneOf(PHASES),
  "--level <n>": level,
  "--stage <names>": text,
  "--iterations <n>": wholeNumber(-(2 ** 31)),
  "--gpu <ids>": text,
  "--sigint-effect <effect>": oneOf(EFFECTS),
  "--sighup-effect <effect>": oneOf(EFFECTS),
};

/** Adds to a command those that it does not use itself: given all the same, a note says so. */
export function addUnusedFlags(command: Command, io: Io): void {
  const unused = Object.entries(FLAGS)
    .map(([flags, parse]) => new Option(flags).argParser(parse).hideHelp())
    .filter(({ long }) => command.options.every((known) => known.long !== long));
  for (const option of unused) command.addOption(option);
  command.hook("preAction", () => {
    const given = unused.filter(
      (option) => command.getOptionValueSource(option.attributeName()) !== undefined,
    );
    if (given.length > 0)
      showNote(`${command.name()} does not use ${given.map(({ long }) => long).join(", ")}`, io);
  });
}

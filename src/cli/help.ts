/** What `--help` says of the program, and how it is fitted to a terminal. */

import { type Command, Help } from "commander";
import { type Io, type Output, painter } from "./io.js";

const DESCRIPTION =
  "Compiles Caffe networks: trains, tests, times, summarises, checks, compares and builds them. " +
  "Every command takes Caffe's flags, in Caffe's spellings: -solver X, -model=X, -weights X, -iterations N.";

const EXAMPLES = `
Examples:
  cortado train --solver examples/lenet/solver.prototxt
  cortado test --model net.prototxt --weights net.caffemodel --iterations 100
  cortado time --model net.prototxt
  cortado summary net.prototxt --phase TRAIN
  cortado check *.prototxt
  cortado build net.prototxt --weights net.caffemodel --out dist
`;

const EXIT_CODES =
  "Exit codes: 0 done, 2 a mistake in what was given, 70 a fault in Cortado, 74 the system refused to read or write; " +
  "129, 130, 143 ended by SIGHUP, Ctrl-C, SIGTERM; 141 nobody reads the output.";

/** Where nothing says how wide it is, and the widest that reads well. */
const USUAL = 100;
const WIDEST = 110;
const INDENT = 6;
/** A narrower column of descriptions beside the names is none: then they stand below. */
const NARROWEST = 34;

export const helpWidth = ({ columns }: Output): number => Math.min(columns ?? USUAL, WIDEST);

/** Texts are written as paragraphs: they are wrapped here, once. */
export function describeProgram(program: Command, io: Io): Command {
  return program
    .description(DESCRIPTION)
    .addHelpText("after", ({ error, command }) => {
      const width = helpWidth(error ? io.stderr : io.stdout);
      return `${EXAMPLES}\n${command.createHelp().boxWrap(EXIT_CODES, width)}`;
    })
    .configureHelp({
      minWidthToWrap: NARROWEST - INDENT,
      styleTitle: (title) => painter(io.stdout, io.env)(title, "bold"),
      formatItem(term, termWidth, description, helper) {
        const width = helper.helpWidth ?? USUAL;
        if (description === "" || width - termWidth - 4 >= NARROWEST)
          return Help.prototype.formatItem.call(helper, term, termWidth, description, helper);
        const lines = helper.boxWrap(description, width - INDENT).split("\n");
        return [`  ${term}`, ...lines.map((line) => " ".repeat(INDENT) + line)].join("\n");
      },
    });
}

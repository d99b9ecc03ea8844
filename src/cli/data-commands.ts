import { Argument, type Command, Option } from "commander";
import { orList, userError } from "../../proto/errors/index.js";
import { showCount } from "../../proto/words/amounts.js";
import { unquoted } from "../../proto/words/names.js";
import {
  type ConvertedDatabase,
  type ConvertImagesOptions,
  type ConvertOptions,
  type ConvertProgress,
  computeMean,
  convertCifar10,
  convertImages,
  convertMnist,
  convertRecords,
} from "../index.js";
import { shortNumber } from "../tools.js";
import { countOption, type End, fileOption, jsonOption } from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, painter } from "./io.js";
import { imageSize, oneOf, text } from "./option-values.js";
import { createProgressLine } from "./progress.js";
import { json, pathOf, shownPath } from "./text.js";

interface DataFlags {
  readonly out: string;
  readonly json?: true;
}

/** What some kinds of sources have options for. */
interface ConvertFlags extends DataFlags {
  readonly records?: number;
  readonly root?: string;
  readonly resize?: ConvertImagesOptions["size"];
  readonly gray?: true;
  readonly shuffle?: true;
  readonly seed?: number;
  readonly encoded?: true;
  readonly checkSize?: true;
}

const KINDS = ["images", "mnist", "cifar10", "records"] as const;
type Kind = (typeof KINDS)[number];

/** The options of each kind, by their names among the flags. */
const OWN: Readonly<Record<Kind, readonly (keyof ConvertFlags)[]>> = {
  images: ["root", "resize", "gray", "shuffle", "seed", "encoded", "checkSize"],
  mnist: [],
  cifar10: [],
  records: ["records"],
};

/** A source of records: a path, or `builtin:…`, which is none. */
const sourceOf = (io: Io, source: string): string =>
  source.startsWith("builtin:") ? source : pathOf(io, source);

/** `cortado convert`: databases, as Caffe's tools make them. */
export function addConvert(program: Command, io: Io, end: End): void {
  program
    .command("convert")
    .summary("make a database that Caffe, Python and Cortado read")
    .description(
      "Makes LMDBs, each whole or not at all. images: of a list, whose lines are a path, a space and a label, the LMDB --out. " +
        "mnist: of a folder with MNIST's four idx files, mnist_train_lmdb and mnist_test_lmdb in the folder --out. cifar10: of a " +
        "folder with CIFAR-10's binary batches, cifar10_train_lmdb and cifar10_test_lmdb. records: of an LMDB, a LevelDB, idx " +
        "images or builtin:digits/train the LMDB --out.",
    )
    .addArgument(new Argument("<what>", orList(KINDS)).argParser(oneOf(KINDS)))
    .addArgument(new Argument("<source>", "a folder or file").argParser(text))
    .addOption(fileOption("--out <folder>", "where to write").makeOptionMandatory())
    .addOption(fileOption("--root <folder>", "images: where the list's paths start (default: beside it)"))
    .addOption(
      new Option("--resize <size>", "images: bring all to a size, height×width: 256x256").argParser(
        imageSize,
      ),
    )
    .option("--gray", "images: one channel in place of three")
    .option("--shuffle", "images: in an order that is drawn")
    .addOption(countOption("--seed <n>", "images: of that order", 0))
    .option("--encoded", "images: the files themselves, to be decoded when they are read")
    .option("--check-size", "images: refuse one of another size than the first")
    .addOption(countOption("--records <n>", "records: so many, from the first on (default: all)", 1))
    .addOption(jsonOption("one JSON document on stdout"))
    .action(async (what: Kind, source: string, options: ConvertFlags) => {
      refuseOthers(what, options);
      const made = await withProgress(io, "converting", (progress) =>
        convert(what, source, options, { io, progress }),
      );
      io.stdout.write(options.json ? `${json(made, 2)}\n` : databaseLines(made, io));
      end(EXIT.done);
    });
}

/** @throws CortadoError for an option that is another kind's */
function refuseOthers(what: Kind, options: ConvertFlags): void {
  for (const kind of KINDS)
    for (const name of kind === what ? [] : OWN[kind])
      if (options[name] !== undefined) {
        const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        throw userError(`--${option} is for convert ${kind}, not for ${what}`);
      }
}

async function convert(
  what: Kind,
  source: string,
  { out: target, root, resize, records, ...rest }: ConvertFlags,
  { io, progress }: { readonly io: Io; readonly progress: ConvertOptions["progress"] },
): Promise<readonly ConvertedDatabase[]> {
  const out = pathOf(io, target);
  const shared = { root: io.cwd, progress };
  switch (what) {
    case "images": {
      const { gray, shuffle, seed, encoded, checkSize } = rest;
      const own = { size: resize, gray, shuffle, seed, encoded, checkSize, progress };
      const from = root === undefined ? {} : { root: pathOf(io, root) };
      return [await convertImages(pathOf(io, source), out, { ...own, ...from })];
    }
    case "mnist":
      return convertMnist(pathOf(io, source), out, shared);
    case "cifar10":
      return convertCifar10(pathOf(io, source), out, shared);
    case "records":
      return [await convertRecords(sourceOf(io, source), out, { ...shared, records })];
    default:
      return what satisfies never;
  }
}

const databaseLines = (made: readonly ConvertedDatabase[], io: Io): string => {
  const paint = painter(io.stdout, io.env);
  const lines = made.map(
    ({ out, records }) =>
      `${paint(unquoted(shownPath(io, out), 200), "bold")}: ${showCount(records, "record")}\n`,
  );
  return lines.join("");
};

/** `cortado mean`: the mean image of a database. */
export function addMean(program: Command, io: Io, end: End): void {
  program
    .command("mean")
    .summary("compute the mean image of a database")
    .description(
      "Computes the mean of all images of a database, as Caffe's compute_image_mean does, and prints it for each channel: " +
        "what mean_value takes. With --out the image is written as a binaryproto: what mean_file names.",
    )
    .addArgument(
      new Argument("<source>", "an LMDB, a LevelDB, idx images or builtin:digits/train").argParser(text),
    )
    .addOption(fileOption("--out <file>", "where to write the mean image, as a binaryproto"))
    .addOption(jsonOption("one JSON document on stdout"))
    .action(async (source: string, { out, json: asJson }: Partial<DataFlags>) => {
      const { shape, channels, records } = await withProgress(io, "reading", (progress) =>
        computeMean(sourceOf(io, source), {
          root: io.cwd,
          out: out === undefined ? undefined : pathOf(io, out),
          progress,
        }),
      );
      const lines = [
        `mean of ${showCount(records, "image")} of ${shape.join("×")}`,
        ...channels.map(
          (mean, i) => `mean_value of channel ${i}: ${shortNumber(Number(mean.toPrecision(6)))}`,
        ),
      ];
      io.stdout.write(`${asJson ? json({ shape, channels, records, out }, 2) : lines.join("\n")}\n`);
      end(EXIT.done);
    });
}

/** Does some work with a line at the bottom of the terminal, where stderr is one. */
async function withProgress<T>(
  io: Io,
  doing: string,
  work: (progress: ((state: ConvertProgress) => void) | undefined) => Promise<T>,
): Promise<T> {
  const line = io.stderr.isTTY ? createProgressLine(io) : undefined;
  try {
    return await work(line && (({ done, total = done }) => line.show({ doing, done, total })));
  } finally {
    line?.close();
  }
}

import { dirname } from "node:path";
import { CortadoError, type Span, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { locateSource } from "./locate.js";
import { readWhole } from "./whole-file.js";

/** A text file that names files, in memory, without the byte-order mark that it may begin with. */
export interface TextList {
  readonly path: string;
  readonly bytes: Buffer;
  /** For messages: `line 3 of "/data/list.txt"`. Lines count from 1. */
  at(line: number): string;
  /** The path of a file that the list names on a line: below the net's root, or beside the list. */
  locate(name: string, line: number): Promise<string>;
}

/** 2^31 − 1: what Node reads at once. */
const LONGEST = 2 ** 31 - 1;

/**
 * Reads the text that a data layer's `source` names.
 *
 * @param what what it is to the user: `the list of images`
 * @param names what it names: `the image`
 * @param prefix stands before every name, as it is: Caffe's root_folder
 * @throws CortadoError when it is missing, no text, or empty
 */
export async function readTextList(
  source: string,
  options: {
    readonly root: string;
    readonly what: string;
    readonly names: string;
    readonly prefix?: string;
    readonly span?: Span;
    /** What a reader of a wrong file should know: what its lines look like. */
    readonly form: string;
  },
): Promise<TextList> {
  const { root, what, names, prefix = "", form } = options;
  const path = await locateSource(source, [root], what, options.span);
  const named = `${what} ${quotedPath(path)}`;
  const whole = await readWhole(path, named, LONGEST);
  if (UTF16_MARKS.some((mark) => startsWith(whole, mark)))
    throw userError(`${named} is a text in UTF-16`, "save it as UTF-8");
  const bytes = startsWith(whole, UTF8_MARK) ? whole.subarray(UTF8_MARK.length) : whole;
  if (bytes.includes(0)) throw userError(`${named} is not a text`, form);
  if (!bytes.some((byte) => byte > SPACE)) throw userError(`${named} is empty`, form);
  const at = (line: number): string => `line ${line} of ${quotedPath(path)}`;
  return {
    path,
    bytes,
    at,
    async locate(name, line) {
      try {
        return await locateSource(prefix + name, [root, dirname(path)], `${at(line)}: ${names}`);
      } catch (error) {
        if (!(error instanceof CortadoError) || prefix === "" || /[/\\]$/.test(prefix)) throw error;
        const hint = `root_folder ${quotedPath(prefix)} stands before the names as it is: should it end in a slash?`;
        throw new CortadoError(error.diagnostics.map((one) => ({ ...one, hint: one.hint ?? hint })));
      }
    },
  };
}

/** Byte-order marks. */
const UTF8_MARK = [0xef, 0xbb, 0xbf];
const UTF16_MARKS = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];
const startsWith = (bytes: Uint8Array, mark: readonly number[]): boolean =>
  mark.every((byte, i) => bytes[i] === byte);

const SPACE = 0x20;
const NEWLINE = 0x0a;

/** The lines of a text that hold anything: their numbers from 1, and where each begins and ends. */
export function* filledLines(
  bytes: Uint8Array,
): Generator<{ readonly number: number; readonly start: number; readonly end: number }> {
  let number = 0;
  for (let start = 0; start < bytes.length; ) {
    let next = bytes.indexOf(NEWLINE, start);
    if (next === -1) next = bytes.length;
    number++;
    let first = start;
    let end = next;
    while (first < end && bytes[first] <= SPACE) first++;
    while (end > first && bytes[end - 1] <= SPACE) end--;
    if (end > first) yield { number, start: first, end };
    start = next + 1;
  }
}

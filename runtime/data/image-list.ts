import { CortadoError, type Diagnostic, type Span } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import { filledLines, readTextList, type TextList } from "./text-list.js";

const MISTAKES_SHOWN = 10;
const LINE = "a line is the path of an image, a space, and its label";

/** One line of the list: an image's path stands from `start` to `end`. */
export interface ListedImage {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly label: number;
}

/** A text file that names images and their labels. */
export interface ImageList extends TextList {
  readonly entries: readonly ListedImage[];
  nameOf(entry: ListedImage): string;
}

/**
 * Reads a list of images, one a line.
 *
 * @param prefix stands before every name, as it is
 * @throws CortadoError when it is missing, no text or empty, and with the first mistakes in it
 */
export async function readImageList(
  source: string,
  options: { readonly root: string; readonly prefix?: string; readonly span?: Span },
): Promise<ImageList> {
  const list = await readTextList(source, {
    ...options,
    what: "the list of images",
    names: "the image",
    form: `source names a text file: ${LINE}`,
  });
  return {
    ...list,
    entries: entriesOf(list),
    nameOf: ({ start, end }) => list.bytes.toString("utf8", start, end),
  };
}

/** All lines of a list. @throws CortadoError with the first mistakes in it */
function entriesOf(list: TextList): readonly ListedImage[] {
  const entries: ListedImage[] = [];
  const mistakes: Diagnostic[] = [];
  for (const { number: line, start, end } of filledLines(list.bytes)) {
    let gap = end;
    while (gap > start && !isBlank(list.bytes[gap - 1])) gap--;
    let last = gap;
    while (last > start && isBlank(list.bytes[last - 1])) last--;
    const word = list.bytes.toString("utf8", gap, Math.min(end, gap + 40));
    const label = Number(word);
    const wrong =
      last === start
        ? `no label stands after ${quoted(word)}`
        : !/^[+-]?\d+$/.test(word) || Math.abs(label) >= 2 ** 31
          ? `the label ${quoted(word)} is no integer`
          : undefined;
    if (wrong === undefined) entries.push({ line, start, end: last, label });
    else mistakes.push({ severity: "error", message: `${list.at(line)}: ${wrong}`, hint: LINE });
    if (mistakes.length === MISTAKES_SHOWN) break;
  }
  if (mistakes.length > 0) throw new CortadoError(mistakes);
  return entries;
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09;

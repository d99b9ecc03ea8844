import { type CortadoError, userError } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import type { TextList } from "./text-list.js";

export interface WindowImage {
  readonly name: string;
  /** Where the file names it. */
  readonly line: number;
}

/** Windows, six numbers each, since there may be millions: see `windowAt`. */
export interface WindowSet {
  readonly count: number;
  readonly values: Int32Array;
}

export interface WindowList {
  readonly images: readonly WindowImage[];
  readonly foreground: WindowSet;
  readonly background: WindowSet;
}

/** One window: corners in pixels, both included. */
export interface Window {
  readonly image: number;
  readonly label: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly line: number;
}

const FIELDS = 7;

export function windowAt({ values }: WindowSet, index: number): Window {
  const [image, label, left, top, right, bottom, line] = values.subarray(
    index * FIELDS,
    (index + 1) * FIELDS,
  );
  return { image, label, left, top, right, bottom, line };
}

/**
 * Reads a window file: for each image `# index`, path, channels, height, width, the number of windows, and as many
 * times `class overlap x1 y1 x2 y2`, all parted by white space.
 *
 * @throws CortadoError that names the line of what is wrong
 */
export function parseWindows(
  list: TextList,
  { fgThreshold, bgThreshold }: { readonly fgThreshold: number; readonly bgThreshold: number },
): WindowList {
  const words = scan(list);
  const images: WindowImage[] = [];
  const foreground = growing();
  const background = growing();
  while (words.next()) {
    if (words.text() !== "#")
      throw wrong(list, words.line, `an image begins with "#", and here is ${quoted(words.text())}`);
    const index = words.integer("the image's number");
    if (index !== images.length)
      throw wrong(
        list,
        words.line,
        `this is image ${index}, and ${images.length} comes next: images are numbered from 0, without gaps`,
      );
    words.expect("the image's path");
    const name = words.text();
    const { line } = words;
    const channels = words.integer("the image's channels");
    if (channels !== 3)
      throw wrong(
        list,
        words.line,
        `the image has ${channels} channels: windows are cut from 3, as read in colour`,
      );
    words.integer("the image's height");
    words.integer("the image's width");
    const count = words.integer("the number of windows");
    if (count < 0) throw wrong(list, words.line, `there cannot be ${count} windows`);
    for (let i = 0; i < count; i++) {
      const label = words.integer("a window's class");
      const at = words.line;
      const overlap = words.number("a window's overlap");
      const x1 = words.integer("a window's x1");
      const y1 = words.integer("a window's y1");
      const x2 = words.integer("a window's x2");
      const y2 = words.integer("a window's y2");
      if (overlap >= fgThreshold) {
        if (label < 1)
          throw wrong(
            list,
            at,
            `the class of a foreground window is 1 or more, not ${label}: 0 is the background`,
          );
        foreground.push([index, label, x1, y1, x2, y2, at]);
      } else if (overlap < bgThreshold) background.push([index, 0, x1, y1, x2, y2, at]);
    }
    images.push({ name, line });
  }
  return { images, foreground: foreground.all(), background: background.all() };
}

const wrong = ({ at }: TextList, line: number, message: string): CortadoError =>
  userError(
    `${at(line)}: ${message}`,
    'an image is "# index", its path, channels, height, width, the number of windows, and for each "class overlap x1 y1 x2 y2"',
  );

/** A growing table of windows. */
function growing() {
  let values = new Int32Array(1024 * FIELDS);
  let used = 0;
  return {
    push(window: readonly number[]): void {
      if (used === values.length) {
        const larger = new Int32Array(2 * values.length);
        larger.set(values);
        values = larger;
      }
      values.set(window, used);
      used += FIELDS;
    },
    all: (): WindowSet => ({ count: used / FIELDS, values: values.subarray(0, used) }),
  };
}

const SPACE = 0x20;
const NEWLINE = 0x0a;
const LONGEST_WORD = 4096;

/** The words of a text, one after the other, with their lines. */
function scan(list: TextList) {
  const { bytes } = list;
  let at = 0;
  let start = 0;
  const words = {
    line: 1,
    /** Steps to the next word; false at the end. */
    next(): boolean {
      for (; at < bytes.length && bytes[at] <= SPACE; at++) if (bytes[at] === NEWLINE) words.line++;
      start = at;
      while (at < bytes.length && bytes[at] > SPACE) at++;
      return at > start;
    },
    text: (): string => bytes.toString("utf8", start, Math.min(at, start + LONGEST_WORD)),
    expect(what: string): void {
      if (!words.next()) throw wrong(list, words.line, `the file ends where ${what} should be`);
    },
    number(what: string): number {
      words.expect(what);
      const text = bytes.toString("latin1", start, Math.min(at, start + 40));
      const value = Number(text);
      if (!Number.isFinite(value)) throw wrong(list, words.line, `${what} is no number: ${quoted(text)}`);
      return value;
    },
    integer(what: string): number {
      const value = words.number(what);
      // Coordinates may be written with a fraction; they are cut, as Caffe's are.
      if (Math.abs(value) >= 2 ** 31) throw wrong(list, words.line, `${what} is too large: ${value}`);
      return Math.trunc(value);
    },
  };
  return words;
}

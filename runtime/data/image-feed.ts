import { CortadoError, type Diagnostic, userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import { permutation, randomStream, streamOf } from "../random/index.js";
import type { Feed, FeedOf, FeedOptions } from "./batches.js";
import { openImageFile } from "./image-file.js";
import { located } from "./located.js";
import type { PlainRecord } from "./records.js";
import { resizeBilinear } from "./resize.js";
import { filledLines, readTextList, type TextList } from "./text-list.js";
import { createTransformer } from "./transform.js";

/** Images that are decoded at once: as many as there are threads for it. */
const AT_ONCE = 4;
const MISTAKES_SHOWN = 10;
const LINE = "a line is the path of an image, a space, and its label";

/** One line of the list: an image's path stands from `start` to `end`. */
interface Entry {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly label: number;
}

/** Caffe's ImageData layer: the images of a list in order or shuffled, from the first again after the last. */
export async function imageFeed(spec: FeedOf<"images">, options: FeedOptions): Promise<Feed> {
  const { root, phase, seed, index = 0 } = options;
  const { batchSize, transform, size: target } = spec;
  const list = await readTextList(spec.source, {
    root,
    what: "the list of images",
    names: "the image",
    prefix: spec.rootFolder,
    span: spec.span,
    form: `source names a text file: ${LINE}`,
  });
  const entries = entriesOf(list);
  const transformer = await located(transform.span, () =>
    createTransformer(transform, {
      root,
      phase,
      random: randomStream(seed, streamOf("transform", index)),
    }),
  );
  const shuffle = randomStream(seed, streamOf("shuffle", index));
  const order = (): Uint32Array | undefined =>
    spec.shuffle ? permutation(shuffle, entries.length) : undefined;
  let places = order();
  let at =
    spec.randSkip > 0
      ? randomStream(seed, streamOf("skip", index)).integer(spec.randSkip) % entries.length
      : 0;
  const current = (): Entry => entries[places ? places[at] : at];
  const advance = (): void => {
    if (++at < entries.length) return;
    at = 0;
    places = order();
  };

  const what = ({ line }: Entry): string => `the image on ${list.at(line)}`;
  const load = async (entry: Entry): Promise<PlainRecord> => {
    const name = list.bytes.toString("utf8", entry.start, entry.end);
    const image = await openImageFile(list, name, entry.line, spec.color ? "color" : "gray");
    return { ...(target ? resizeBilinear(image, target.height, target.width) : image), label: entry.label };
  };
  const first = current();
  const { channels, height, width } = await load(first);
  const image = await located(transform.span, () =>
    transformer.shapeOf([channels, height, width], what(first)),
  );
  const size = image[0] * image[1] * image[2];

  const write = (record: PlainRecord, entry: Entry, item: number, into: readonly Float32Array[]): void => {
    const shape = transformer.shapeOf([record.channels, record.height, record.width], what(entry));
    if (shape.some((extent, i) => extent !== image[i]))
      throw userError(
        `${what(entry)} is ${showShape(shape)} (channels×height×width), and the first is ${showShape(image)}: a batch needs one size`,
        "new_height and new_width, or crop_size, make images of one size",
      );
    transformer.apply(record, into[0], item * size, what(entry));
    into[1][item] = record.label;
  };

  return {
    shapes: [[batchSize, ...image], [batchSize]],
    async next(into) {
      for (let item = 0; item < batchSize; item += AT_ONCE) {
        const group = Array.from({ length: Math.min(AT_ONCE, batchSize - item) }, () => {
          const entry = current();
          advance();
          return entry;
        });
        // All of them end before one of them may be the mistake: no file stays open behind it.
        const loaded = await Promise.allSettled(group.map(load));
        for (const [i, result] of loaded.entries()) {
          if (result.status === "rejected") throw result.reason;
          write(result.value, group[i], item + i, into);
        }
      }
    },
    async close() {},
  };
}

/** All lines of a list. @throws CortadoError with the first mistakes in it */
function entriesOf(list: TextList): readonly Entry[] {
  const entries: Entry[] = [];
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

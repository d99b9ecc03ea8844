/**
 * Damaged files for tests: a sound text or binary and a few edits of the kinds that people, editors and disks make.
 * The arbitraries shrink to few and small edits.
 */
import fc from "fast-check";

/** How many damaged files a test tries: $CORTADO_FUZZ_RUNS, or a number that takes a few seconds. */
export const fuzzRuns: number = Number(process.env["CORTADO_FUZZ_RUNS"] ?? 1200);

/** Places and lengths are fractions of the file, so that an edit means the same for files of any size. */
type Edit<T> =
  | { readonly is: "insert"; readonly at: number; readonly content: T }
  | { readonly is: "delete"; readonly at: number; readonly length: number }
  | { readonly is: "duplicate"; readonly at: number; readonly length: number; readonly to: number }
  | { readonly is: "overwrite"; readonly at: number; readonly content: T }
  | { readonly is: "truncate"; readonly at: number };

const MOST_EDITS = 6;
const LONGEST_SPAN = 400;

/** Pieces that are likely to matter to a parser. */
const TEXT_PIECES: readonly string[] = [
  "{",
  "}",
  "<",
  ">",
  "[",
  "]",
  ":",
  ",",
  ";",
  "-",
  '"',
  "'",
  "\\",
  "#",
  "\n",
  "\u00a0",
  "\ufeff",
  "\0",
  "$",
  "`$".concat("{1}`"),
  "*/",
  "__proto__",
  "constructor: 1",
  "toString { }",
  "layer {",
  "layers { layer { ",
  'name: "x"',
  'type: "',
  'bottom: "data"',
  'top: "data"',
  "input_dim: 1",
  "param { }",
  "include { phase: TRAIN }",
  "exclude: { stage: 'a' }",
  "1e",
  "1e999",
  "-inf",
  "nan",
  "0x",
  "0xffffffffffffffffffff",
  "08",
  "18446744073709551616",
  "9".repeat(400),
  "-1",
  "1.5.2",
  "<<<<<<< HEAD\n",
  "{".repeat(300),
  "[[[",
  "a".repeat(3000),
];

const fraction = fc.double({ min: 0, max: 1, noNaN: true });

function edits<T>(content: fc.Arbitrary<T>): fc.Arbitrary<readonly Edit<T>[]> {
  const length = fc.nat({ max: LONGEST_SPAN });
  return fc.array(
    fc.oneof(
      fc.record({ is: fc.constant("insert" as const), at: fraction, content }),
      fc.record({ is: fc.constant("delete" as const), at: fraction, length }),
      fc.record({ is: fc.constant("duplicate" as const), at: fraction, length, to: fraction }),
      fc.record({ is: fc.constant("overwrite" as const), at: fraction, content }),
      fc.record({ is: fc.constant("truncate" as const), at: fraction }),
    ),
    { minLength: 1, maxLength: MOST_EDITS },
  );
}

/** What the edits need of a text or of bytes. */
interface Pieces<T> {
  readonly length: (whole: T) => number;
  readonly slice: (whole: T, start: number, end?: number) => T;
  readonly join: (...parts: T[]) => T;
}

function applyEdits<T>(whole: T, list: readonly Edit<T>[], pieces: Pieces<T>): T {
  const { slice, join } = pieces;
  return list.reduce((current, edit) => {
    const place = (at: number): number => Math.floor(at * pieces.length(current));
    const at = place(edit.at);
    const before = slice(current, 0, at);
    switch (edit.is) {
      case "insert":
        return join(before, edit.content, slice(current, at));
      case "delete":
        return join(before, slice(current, at + edit.length));
      case "duplicate": {
        const to = place(edit.to);
        return join(slice(current, 0, to), slice(current, at, at + edit.length), slice(current, to));
      }
      case "overwrite":
        return join(before, edit.content, slice(current, at + pieces.length(edit.content)));
      case "truncate":
        return before;
      default:
        return edit satisfies never;
    }
  }, whole);
}

/** One of the texts with a few edits. */
export function mutatedText(sources: readonly string[]): fc.Arbitrary<string> {
  const content = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...TEXT_PIECES) },
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.string({ unit: "grapheme-ascii", maxLength: 8 }),
  );
  const text: Pieces<string> = {
    length: (whole) => whole.length,
    slice: (whole, start, end) => whole.slice(start, end),
    join: (...parts) => parts.join(""),
  };
  return fc
    .tuple(fc.constantFrom(...sources), edits(content))
    .map(([source, list]) => applyEdits(source, list, text));
}

/** One of the texts with words, signs and blanks left out, said twice, put elsewhere or cut off. */
export function mutatedTokens(sources: readonly string[]): fc.Arbitrary<string> {
  const tokens: Pieces<readonly string[]> = {
    length: (whole) => whole.length,
    slice: (whole, start, end) => whole.slice(start, end),
    join: (...parts) => parts.flat(),
  };
  const content = fc
    .constantFrom(...TEXT_PIECES, "”", "“a”", "：", "｛", "\u0430", "//", "/*", "=")
    .map((piece) => [piece]);
  return fc
    .tuple(fc.constantFrom(...sources), edits<readonly string[]>(content))
    .map(([source, list]) =>
      applyEdits(source.match(/\s+|"[^"\n]*"|[\w.]+|[\s\S]/g) ?? [], list, tokens).join(""),
    );
}

/** One of the binaries with a few edits. */
export function mutatedBytes(sources: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const content = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 6 }),
    // Lengths and tags of the largest kind.
    fc.constantFrom(
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
      Uint8Array.of(0x80, 0x80, 0x80),
      new Uint8Array(64).fill(0x0b),
    ),
  );
  const bytes: Pieces<Uint8Array> = {
    length: (whole) => whole.length,
    slice: (whole, start, end) => whole.slice(start, end),
    join: (...parts) => new Uint8Array(Buffer.concat(parts)),
  };
  return fc
    .tuple(fc.constantFrom(...sources), edits(content))
    .map(([source, list]) => applyEdits(source, list, bytes));
}

/** Extents, counts and offsets that a header may claim. */
const HOSTILE_WORDS: readonly number[] = [
  ...[0, 1, 2, 3, 7, 255, 256, 4096, 8192, 16_384, 32_767, 65_535, 65_536, 2 ** 20, 2 ** 27, 2 ** 30],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
];

/** One of the binaries with a few numbers among its first bytes exchanged. @param reach how many bytes those are */
export function mutatedNumbers(sources: readonly Uint8Array[], reach: number): fc.Arbitrary<Uint8Array> {
  const changes = fc.array(
    fc.record({
      at: fc.nat({ max: reach }),
      value: fc.constantFrom(...HOSTILE_WORDS),
      size: fc.constantFrom(1, 2, 4),
      littleEndian: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  );
  return fc.tuple(fc.constantFrom(...sources), changes).map(([source, list]) => {
    const bytes = Uint8Array.from(source);
    for (const { at, value, size, littleEndian } of list)
      for (let i = 0; i < size; i++)
        if (at + i < bytes.length)
          bytes[at + i] = Math.floor(value / 256 ** (littleEndian ? i : size - 1 - i)) % 256;
    return bytes;
  });
}

/** Small sound nets of all three generations, to be damaged. */
export const seedNets: readonly string[] = [
  `name: "small"
layer {
  name: "data"
  type: "Input"
  top: "data"
  top: "label"
  input_param { shape { dim: 2 dim: 1 dim: 8 dim: 8 } shape { dim: 2 } }
}
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  param { lr_mult: 1 decay_mult: 1 }
  param { lr_mult: 2 decay_mult: 0 }
  convolution_param {
    num_output: 4
    kernel_size: 3
    stride: [1, 1]
    weight_filler { type: "xavier" }
    bias_filler < type: "constant" value: 0.1 >
  }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" relu_param { negative_slope: 1e-2 } }
layer { name: 'pool1' type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: AVE kernel_size: 2 stride: 0x2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool1" top: "ip" inner_product_param { num_output: 10 } }
layer {
  name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
  include { phase: TEST }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" loss_weight: 1 }
`,
  `name: 'old' input: "data" input_dim: 1 input_dim: 3 input_dim: 16 input_dim: 16
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
  convolution_param { num_output: 2 kernel_size: 3 } } # a comment
layers { name: "drop" type: DROPOUT bottom: "conv" top: "conv" dropout_param { dropout_ratio: .5f } include: { phase: TRAIN stage: "a" } }
layers { name: "fc" type: INNER_PRODUCT bottom: "conv" top: "fc" inner_product_param { num_output: 5 } }
layers { name: "prob" type: SOFTMAX bottom: "fc" top: "prob" }
`,
  `name: "oldest"
input: "data" input_dim: 1 input_dim: 3 input_dim: 16 input_dim: 16
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "padded" }
layers { layer { name: "conv" type: "conv" num_output: 2 kernelsize: 3 stride: 1 weight_filler { type: "gaussian" std: 0.01 } blobs_lr: 1. } bottom: "padded" top: "conv" }
layers { layer { name: "relu" type: "relu" } bottom: "conv" top: "conv" }
layers { layer { name: "pool" type: "pool" pool: MAX kernelsize: 2 stride: 2 } bottom: "conv" top: "pool" }
layers { layer { name: "fc" type: "innerproduct" num_output: 3 } bottom: "pool" top: "fc" }
`,
];

/** Numbers at the ends of the ranges that fields have, and beyond. */
const HOSTILE_NUMBERS: readonly string[] = [
  "0",
  "1",
  "2",
  "3",
  "-1",
  "-2",
  "7",
  "64",
  "1000000000",
  "2147483647",
  "2147483648",
  "4294967295",
  "-2147483648",
  "9223372036854775807",
  "-9223372036854775808",
  "0.5",
  "-0.0",
  "1e-45",
  "1e38",
  "1e300",
  "inf",
  "-inf",
  "nan",
];

/** One of the texts, well-formed still, with a few of its numbers and quoted names exchanged. */
export function mutatedValues(sources: readonly string[], names: readonly string[]): fc.Arbitrary<string> {
  const swaps = fc.array(
    fc.record({
      at: fraction,
      number: fc.constantFrom(...HOSTILE_NUMBERS),
      name: fc.constantFrom(...names),
    }),
    { minLength: 1, maxLength: MOST_EDITS },
  );
  return fc.tuple(fc.constantFrom(...sources), swaps).map(([source, list]) => {
    const values = [...source.matchAll(/(?<=[:\s[,])-?\d[\d.e+-]*|"[^"\n]*"|'[^'\n]*'/g)];
    const chosen = new Map(list.map((swap) => [Math.floor(swap.at * values.length), swap]));
    let done = 0;
    const parts: string[] = [];
    for (const [i, match] of values.entries()) {
      const swap = chosen.get(i);
      if (!swap) continue;
      const quote = /^["']/.exec(match[0]);
      parts.push(source.slice(done, match.index), quote ? `"${swap.name}"` : swap.number);
      done = match.index + match[0].length;
    }
    return `${parts.join("")}${source.slice(done)}`;
  });
}

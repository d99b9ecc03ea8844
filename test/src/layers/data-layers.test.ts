/** The records of layers that feed a net or write what it holds: their checks, and what a user reads. */
import { describe, expect, it } from "vitest";
import { fixedSizeOf } from "../../../runtime/data/feed-spec.js";
import { compile, defineLayer } from "../../../src/index.js";
import { feedsOf } from "../../../src/layers/index.js";
import { parseNet } from "../../../src/net-text/index.js";
import { mistakeOf } from "../../support/feeds.js";
import { lowerText } from "../../support/lowered.js";

const INPUT = `layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }\n`;
const SCALAR = `layer { name: "s" type: "Reduction" bottom: "x" top: "s" }\n`;
const images = (settings: string, rest = ""): string =>
  `layer { name: "d" type: "ImageData" top: "a" top: "b" image_data_param { ${settings} } ${rest} }`;
const windows = (settings: string, rest = "transform_param { crop_size: 8 }"): string =>
  `layer { name: "d" type: "WindowData" top: "a" top: "b" window_data_param { ${settings} } ${rest} }`;
const memory = (settings: string): string =>
  `layer { name: "d" type: "MemoryData" top: "a" top: "b" memory_data_param { ${settings} } }`;
const output = (settings: string, bottoms = `bottom: "x" bottom: "y"`): string =>
  `${INPUT}${SCALAR}layer { name: "d" type: "HDF5Output" ${bottoms} hdf5_output_param { ${settings} } }`;
const stochastic = (settings: string): string =>
  `layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: 6 dim: 6 } } }
layer { name: "d" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: STOCHASTIC kernel_size: 3 ${settings} } }`;

/** Each: the net, the message behind the layer's name, and the text under the caret. */
const MISTAKES: readonly (readonly [text: string, message: string | RegExp, caret: string])[] = [
  [images(""), "source must be given", "image_data_param"],
  [images('source: "s" batch_size: 0'), "batch_size must be positive", "0"],
  [images('source: "s" new_height: 4'), "new_height and new_width go together", "4"],
  [images('source: "s" new_width: 5'), "new_height and new_width go together", "5"],
  [
    images('source: "s"', 'transform_param { mean_file: "m" mean_value: 1 }'),
    "give either mean_file or mean_value, not both",
    '"m"',
  ],
  [`layer { name: "d" type: "ImageData" top: "a" }`, "it makes 2 top blobs, and has 1", '"a"'],
  [windows("batch_size: 1"), "source must be given", "window_data_param"],
  [windows('source: "s"'), "batch_size must be given, and positive", "window_data_param"],
  [
    windows('source: "s" batch_size: 1', ""),
    "crop_size must be given in transform_param: windows are warped to it",
    '"d"',
  ],
  [
    windows('source: "s" batch_size: 1 context_pad: 4'),
    "context_pad 4 on both sides leaves nothing of a crop of 8",
    "4",
  ],
  [
    windows('source: "s" batch_size: 1 fg_fraction: 1.5'),
    "fg_fraction must lie between 0 and 1, not 1.5",
    "1.5",
  ],
  [
    windows('source: "s" batch_size: 1 crop_mode: "sqare"'),
    'there is no crop_mode "sqare": it is "warp" or "square"',
    '"sqare"',
  ],
  [memory("batch_size: 2 channels: 3 height: 4"), "width must be given, and positive", "memory_data_param"],
  [memory("batch_size: 0 channels: 3 height: 4 width: 1"), "batch_size must be given, and positive", "0"],
  [output(""), "file_name must be given", "hdf5_output_param"],
  [output('file_name: "o"', `bottom: "x" bottom: "s"`), "it writes rows, and a scalar has none", '"d"'],
  [output('file_name: "o"', `bottom: "x"`), "it takes 2 bottom blobs, and has 1", '"x"'],
  [
    `layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 dim: 3 } shape { dim: 4 } } }
layer { name: "d" type: "HDF5Output" bottom: "x" bottom: "y" hdf5_output_param { file_name: "o" } }`,
    "data and label must have as many rows: their shapes are 2×3 and 4",
    '"d"',
  ],
  [
    `${INPUT}layer { name: "d" type: "Python" bottom: "x" top: "z" python_param { module: "pyloss" layer: "MyLoss" } }`,
    'Cortado does not run Python, which class "MyLoss" of module "pyloss" is written in',
    '"MyLoss"',
  ],
  [
    `layer { name: "d" type: "Python" top: "z" python_param { module: "pydata" } }`,
    'Cortado does not run Python, which module "pydata" is written in',
    '"pydata"',
  ],
  [stochastic("pad: 1"), "STOCHASTIC pooling takes no padding", "1"],
  [stochastic("pad_h: 0 pad_w: 2"), "STOCHASTIC pooling takes no padding", "2"],
];

it("stochastic pooling refuses too many overlaps", async () => {
  const text = stochastic("")
    .replace("dim: 6 dim: 6", "dim: 90 dim: 90")
    .replace("kernel_size: 3", "kernel_size: 40");
  const found = await mistakeOf(() => lowerText(text));
  expect(found?.diagnostics[0].message).toMatch(/here 1600 of them overlap: at most 256 may/);
});

describe("mistakes, at their place", () => {
  it.each(MISTAKES)("%#: %s", async (text, message, caret) => {
    const found = await mistakeOf(() => lowerText(text));
    expect(found?.diagnostics).toHaveLength(1);
    const [{ message: said, span }] = found!.diagnostics;
    expect(said).toMatch(/^layer "d" \(\w+\): /);
    expect(said.replace(/^layer "d" \(\w+\): /, "")).toBe(message);
    expect(span?.source.text.slice(span.start, span.end).startsWith(caret)).toBe(true);
  });

  it("crop_mode: did you mean", async () => {
    const found = await mistakeOf(() => lowerText(windows('source: "s" batch_size: 1 crop_mode: "sqare"')));
    expect(found?.diagnostics[0].hint).toBe('did you mean "square"?');
  });

  it("a Python layer's refusal points to defineLayer", async () => {
    const text = `layer { name: "d" type: "Python" top: "z" python_param { module: "m" layer: "L" } }`;
    const found = await mistakeOf(() => compile(text, { target: "ts" }));
    expect(found?.message).toMatch(/defineLayer.*compile\(net, \{ layers: \[yours\] \}\)/);
  });
});

it("a type of the user's own takes Python's place", async () => {
  const mine = defineLayer({
    type: "Python",
    parameter: "python_param",
    summary: "Doubles.",
    bottoms: { exact: 1 },
    tops: { exact: 1 },
    lower: ({ builder, bottoms: [x] }) => [
      builder.map({ kind: "binary", op: "add", a: { kind: "arg", index: 0 }, b: { kind: "arg", index: 0 } }, [
        x,
      ]),
    ],
  });
  const text = `layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }
layer { name: "d" type: "Python" bottom: "x" top: "z" python_param { module: "m" layer: "Twice" } }`;
  const net = await compile(text, { layers: [mine], target: "ts" });
  expect(await net.forward({ x: Float32Array.of(1, 2) })).toEqual({ z: Float32Array.of(2, 4) });
  await net.close();
});

describe("what records say of their data", () => {
  it("defaults and settings reach the feed", () => {
    const net = parseNet(`${images(
      'source: "s" root_folder: "r/" shuffle: true rand_skip: 3 is_color: false new_height: 5 new_width: 6 batch_size: 7',
    )}
${windows('source: "w" batch_size: 9 scale: 0.5 mirror: true', "transform_param { crop_size: 8 mirror: true scale: 3 }").replace('"a" top: "b"', '"e" top: "f"')}`);
    const [image, window] = feedsOf(net, "TRAIN").map(({ spec }) => spec);
    expect(image).toMatchObject({
      kind: "images",
      source: "s",
      rootFolder: "r/",
      shuffle: true,
      randSkip: 3,
      color: false,
      size: { height: 5, width: 6 },
      batchSize: 7,
    });
    expect(fixedSizeOf(image)).toEqual([5, 6]);
    expect(window).toMatchObject({
      kind: "windows",
      batchSize: 9,
      fgThreshold: 0.5,
      bgThreshold: 0.5,
      fgFraction: 0.25,
      contextPad: 0,
      cropMode: "warp",
      cacheImages: false,
      // As Caffe has it: window_data_param's scale, transform_param's mirror and crop.
      transform: { scale: 0.5, mirror: true, cropSize: 8 },
    });
    expect(fixedSizeOf(window)).toEqual([8, 8]);
    const [plain] = feedsOf(parseNet(images('source: "s"')), "TEST");
    expect(plain.spec).toMatchObject({
      batchSize: 1,
      color: true,
      shuffle: false,
      randSkip: 0,
      size: undefined,
    });
    expect(fixedSizeOf(plain.spec)).toBeUndefined();
  });
});

describe("MemoryData", () => {
  const text = `${memory("batch_size: 2 channels: 1 height: 1 width: 3")}
layer { name: "p" type: "Power" bottom: "a" top: "c" power_param { scale: 2 } }`;

  it("takes what the caller gives", async () => {
    const net = await compile(text, { target: "ts" });
    expect(net.inputs).toEqual(["a", "b"]);
    expect(net.blobs).toMatchObject({ a: { shape: [2, 1, 1, 3] }, b: { shape: [2] } });
    const out = await net.forward({ a: [1, 2, 3, 4, 5, 6], b: [7, 8] } as unknown as Record<
      string,
      Float32Array
    >);
    expect(out).toEqual({ b: Float32Array.of(7, 8), c: Float32Array.of(2, 4, 6, 8, 10, 12) });
    await net.close();
  });

  it("says what was not given, or does not fit", async () => {
    const net = await compile(text, { target: "ts" });
    expect((await mistakeOf(() => net.forward()))?.message).toMatch(
      /Input "a", of shape 2×1×1×3, was not given[\s\S]*Input "b", of shape 2, was not given/,
    );
    const short = { a: new Float32Array(5), b: new Float32Array(2) };
    expect((await mistakeOf(() => net.forward(short)))?.message).toMatch(/"a" has shape .* 5 were given/);
    await net.close();
  });

  it("runs as part of a range", async () => {
    const net = await compile(text, { target: "ts", keep: "all" });
    const given = { a: Float32Array.of(1, 2, 3, 4, 5, 6), b: Float32Array.of(7, 8) };
    expect(await net.forward(given, { from: "d", to: "p" })).toMatchObject({
      c: Float32Array.of(2, 4, 6, 8, 10, 12),
    });
    expect(await net.forward({ a: given.a.map((value) => -value) }, { from: "p" })).toEqual({
      c: Float32Array.of(-2, -4, -6, -8, -10, -12),
    });
    await net.close();
  });

  it("has another batch size by compile's shapes; a blob that is no input has none", async () => {
    const net = await compile(text, { target: "ts", shapes: { a: [1, 1, 1, 2], b: [1] } });
    expect(await net.forward({ a: Float32Array.of(1, 2), b: Float32Array.of(3) })).toMatchObject({
      c: Float32Array.of(2, 4),
    });
    await net.close();
    const wrong = await mistakeOf(() => compile(text, { target: "ts", shapes: { c: [1] } }));
    expect(wrong?.message).toMatch(/shapes: the net has no input blob "c"/);
  });
});

/**
 * One small net for every layer type, for docs/LAYERS.md and for tests that want one of each. A type without an entry
 * here gets the simplest net that its record's domain allows.
 */

import type { Shape } from "../../codegen/ir/graph.js";
import { singleLayerNet } from "../../src/gradcheck/make-nets.js";
import { drawFrom } from "../../src/gradcheck/random-net.js";
import { knownLayerTypes, type LayerType } from "../../src/layers/index.js";
import { parseNet } from "../../src/net-text/index.js";

export interface LayerExample {
  readonly type: string;
  /** The layer's bottoms by name: Input layers. */
  readonly bottoms: Readonly<Record<string, Shape>>;
  readonly tops: readonly string[];
  /** Its settings, one block a line. */
  readonly settings: readonly string[];
  /** What the axes of a bottom are called: `1 N 4D`. Default: N C H W, and the same name for the same extent. */
  readonly axes?: Readonly<Record<string, string>>;
}

/** Where nothing else is said: images of N = 2, C = 3, H = 6, W = 5. */
const IMAGES = { x: [2, 3, 6, 5] } as const;
const SCORES = { x: [2, 5] } as const;
const LABELLED = { ...SCORES, label: [2] } as const;
const SEQUENCE = { x: [4, 2, 3], cont: [4, 2] } as const;

const EXAMPLES: Readonly<Record<string, Partial<Omit<LayerExample, "type">>>> = {
  Accuracy: { bottoms: LABELLED, tops: ["accuracy"], settings: ["accuracy_param { top_k: 1 }"] },
  ArgMax: { bottoms: SCORES, settings: ["argmax_param { axis: 1 }"] },
  BatchNorm: { settings: ["batch_norm_param { eps: 0.00001 }"] },
  BatchReindex: { bottoms: { x: [4, 3], position: [7] } },
  Bias: { settings: [`bias_param { filler { type: "constant" value: 0.1 } }`] },
  Clip: { settings: ["clip_param { min: -1 max: 1 }"] },
  Concat: { bottoms: { a: [2, 3, 6, 5], b: [2, 4, 6, 5] }, settings: ["concat_param { axis: 1 }"] },
  ContrastiveLoss: {
    bottoms: { a: [2, 5], b: [2, 5], alike: [2] },
    tops: ["loss"],
    settings: ["contrastive_loss_param { margin: 1 }"],
  },
  Convolution: {
    settings: [
      `convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 weight_filler { type: "msra" } }`,
    ],
  },
  Crop: {
    bottoms: { x: [2, 3, 16, 14], like: [2, 3, 4, 5] },
    settings: ["crop_param { axis: 2 offset: 1 }"],
  },
  Data: {
    tops: ["data", "label"],
    settings: [
      `data_param { source: "builtin:digits/train" batch_size: 8 }`,
      "transform_param { scale: 0.00390625 }",
    ],
  },
  Deconvolution: {
    settings: [
      `convolution_param { num_output: 3 group: 3 kernel_size: 4 stride: 2 pad: 1 bias_term: false weight_filler { type: "bilinear" } }`,
    ],
  },
  Dropout: { settings: ["dropout_param { dropout_ratio: 0.5 }"] },
  DummyData: {
    tops: ["noise"],
    settings: [`dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "gaussian" std: 1 } }`],
  },
  ELU: { settings: ["elu_param { alpha: 1 }"] },
  Eltwise: {
    bottoms: { a: [2, 3, 6, 5], b: [2, 3, 6, 5] },
    settings: ["eltwise_param { operation: SUM }"],
  },
  Embed: {
    bottoms: { word: [2, 4] },
    settings: [`embed_param { input_dim: 10 num_output: 3 weight_filler { type: "uniform" } }`],
  },
  EuclideanLoss: { bottoms: { x: [2, 5], target: [2, 5] }, tops: ["loss"] },
  Exp: { settings: ["exp_param { base: 2 scale: 0.5 }"] },
  Filter: { bottoms: { x: [4, 3], selector: [4] } },
  Flatten: { settings: ["flatten_param { axis: 1 }"] },
  HDF5Data: { tops: ["data", "label"], settings: [`hdf5_data_param { source: "rows.txt" batch_size: 2 }`] },
  HDF5Output: {
    bottoms: { data: [2, 5], label: [2] },
    tops: [],
    settings: [`hdf5_output_param { file_name: "rows.h5" }`],
  },
  HingeLoss: { bottoms: LABELLED, tops: ["loss"], settings: ["hinge_loss_param { norm: L2 }"] },
  Im2col: { settings: ["convolution_param { kernel_size: 3 }"] },
  ImageData: {
    tops: ["data", "label"],
    settings: [
      `image_data_param { source: "images.txt" batch_size: 2 new_height: 8 new_width: 8 }`,
      "transform_param { scale: 0.00390625 }",
    ],
  },
  InfogainLoss: { bottoms: { ...LABELLED, h: [5, 5] }, tops: ["loss"] },
  InnerProduct: {
    settings: [`inner_product_param { num_output: 4 weight_filler { type: "xavier" } }`],
  },
  Input: { tops: ["x"], settings: ["input_param { shape { dim: 2 dim: 3 dim: 6 dim: 5 } }"] },
  LRN: { settings: ["lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"] },
  LSTM: {
    bottoms: SEQUENCE,
    axes: { x: "T N D", cont: "T N" },
    settings: [`recurrent_param { num_output: 6 weight_filler { type: "uniform" min: -0.1 max: 0.1 } }`],
  },
  LSTMUnit: {
    bottoms: { c0: [1, 2, 3], gates: [1, 2, 12], cont: [1, 2] },
    tops: ["c", "h"],
    axes: { c0: "1 N D", gates: "1 N 4D", cont: "1 N" },
  },
  Log: { settings: ["log_param { shift: 1 }"] },
  MVN: { settings: ["mvn_param { across_channels: false }"] },
  MemoryData: {
    tops: ["data", "label"],
    settings: ["memory_data_param { batch_size: 2 channels: 3 height: 6 width: 5 }"],
  },
  MultinomialLogisticLoss: { bottoms: { p: [2, 5], label: [2] }, tops: ["loss"] },
  PReLU: {},
  Parameter: { tops: ["w"], settings: ["parameter_param { shape { dim: 3 dim: 4 } }"] },
  Pooling: { settings: ["pooling_param { pool: MAX kernel_size: 3 stride: 2 }"] },
  Power: { settings: ["power_param { power: 2 scale: 0.5 shift: 1 }"] },
  Python: { settings: [`python_param { module: "layers" layer: "Own" }`] },
  RNN: {
    bottoms: SEQUENCE,
    axes: { x: "T N D", cont: "T N" },
    settings: [`recurrent_param { num_output: 6 weight_filler { type: "uniform" min: -0.1 max: 0.1 } }`],
  },
  ReLU: {},
  Recurrent: { bottoms: SEQUENCE, settings: ["recurrent_param { num_output: 6 }"] },
  Reduction: { settings: ["reduction_param { operation: MEAN axis: 1 }"] },
  Reshape: { settings: ["reshape_param { shape { dim: 0 dim: -1 dim: 5 } }"] },
  SPP: { settings: ["spp_param { pyramid_height: 2 pool: MAX }"] },
  Scale: { settings: ["scale_param { bias_term: true }"] },
  SigmoidCrossEntropyLoss: { bottoms: { x: [2, 5], target: [2, 5] }, tops: ["loss"] },
  Silence: { tops: [] },
  Slice: { bottoms: { x: [2, 8] }, tops: ["a", "b"], settings: ["slice_param { axis: 1 slice_point: 3 }"] },
  Softmax: { bottoms: SCORES },
  SoftmaxWithLoss: {
    bottoms: LABELLED,
    tops: ["loss"],
    settings: ["loss_param { ignore_label: 255 }"],
  },
  Split: { tops: ["a", "b"] },
  Swish: { settings: ["swish_param { beta: 1 }"] },
  Threshold: { settings: ["threshold_param { threshold: 0.5 }"] },
  Tile: { bottoms: { x: [2, 3] }, settings: ["tile_param { axis: 1 tiles: 2 }"] },
  WindowData: {
    tops: ["data", "label"],
    settings: [
      `window_data_param { source: "windows.txt" batch_size: 4 fg_fraction: 0.25 context_pad: 1 }`,
      "transform_param { crop_size: 8 }",
    ],
  },
};

export function exampleOf(type: LayerType): LayerExample {
  const own = EXAMPLES[type.type];
  const plain = type.bottoms.exact === 1 && type.tops.exact === 1;
  if (own || plain) {
    const feeds = type.bottoms.exact === 0;
    return {
      type: type.type,
      bottoms: own?.bottoms ?? (feeds ? {} : IMAGES),
      tops: own?.tops ?? ["y"],
      settings: own?.settings ?? [],
      axes: own?.axes,
    };
  }
  const example = singleLayerNet(type)(drawFrom([]));
  const layer = parseNet(example.text).net.layer.at(-1)!;
  const inner = /\n {2}\w+_param \{[\s\S]*?\n {2}\}/g;
  const text = example.text.slice(example.text.lastIndexOf("layer {"));
  return {
    type: type.type,
    bottoms: Object.fromEntries(example.inputs.map(({ blob, shape }) => [blob, shape])),
    tops: layer.top,
    settings: (text.match(inner) ?? []).map((block) => block.replace(/\s+/g, " ").trim()),
  };
}

const quote = JSON.stringify;

export const inputLine = (name: string, shape: Shape): string =>
  `layer { name: ${quote(name)} type: "Input" top: ${quote(name)} input_param { shape { ${shape.map((extent) => `dim: ${extent} `).join("")}} } }`;

/** The layer itself. */
export function layerText({ type, bottoms, tops, settings }: LayerExample): string {
  const names = [
    ...Object.keys(bottoms).map((name) => ` bottom: ${quote(name)}`),
    ...tops.map((name) => ` top: ${quote(name)}`),
  ].join("");
  const head = `name: ${quote(type.toLowerCase())} type: ${quote(type)}${names}`;
  return settings.length === 0 ? `layer { ${head} }` : `layer {\n  ${[head, ...settings].join("\n  ")}\n}`;
}

/** The whole net: its inputs, one a line, and the layer. */
export const exampleText = (example: LayerExample): string =>
  `${[...Object.entries(example.bottoms).map(([name, shape]) => inputLine(name, shape)), layerText(example)].join("\n")}\n`;

/** One of every type, by name. */
export const layerExamples = (): readonly LayerExample[] =>
  [...knownLayerTypes().values()].sort((a, b) => (a.type < b.type ? -1 : 1)).map(exampleOf);

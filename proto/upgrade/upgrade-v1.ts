/**
 * The second generation, `layers { type: CONVOLUTION … }`, to the current one, as Caffe's own upgrade does it
 * (UpgradeV1Net and UpgradeNetDataTransformation in upgrade_proto.cpp).
 */

import type { Diagnostics } from "../errors/index.js";
import {
  createMessage,
  type Draft,
  draft,
  give,
  has,
  type LayerParameter,
  messageInfo,
  type NetParameter,
  type ParamSpec,
  seal,
  type TransformationParameter,
  type V1LayerParameter,
  type V1LayerParameter_LayerType,
  withFields,
} from "../index.js";
import {
  amend,
  carryPlaces,
  nameSpanOf,
  placeField,
  placeItems,
  placeMessage,
  spanOf,
} from "../text/spans.js";

const TYPES: Readonly<Record<V1LayerParameter_LayerType, string>> = {
  NONE: "",
  ABSVAL: "AbsVal",
  ACCURACY: "Accuracy",
  ARGMAX: "ArgMax",
  BNLL: "BNLL",
  CONCAT: "Concat",
  CONTRASTIVE_LOSS: "ContrastiveLoss",
  CONVOLUTION: "Convolution",
  DATA: "Data",
  DECONVOLUTION: "Deconvolution",
  DROPOUT: "Dropout",
  DUMMY_DATA: "DummyData",
  ELTWISE: "Eltwise",
  EUCLIDEAN_LOSS: "EuclideanLoss",
  EXP: "Exp",
  FLATTEN: "Flatten",
  HDF5_DATA: "HDF5Data",
  HDF5_OUTPUT: "HDF5Output",
  HINGE_LOSS: "HingeLoss",
  IM2COL: "Im2col",
  IMAGE_DATA: "ImageData",
  INFOGAIN_LOSS: "InfogainLoss",
  INNER_PRODUCT: "InnerProduct",
  LRN: "LRN",
  MEMORY_DATA: "MemoryData",
  MULTINOMIAL_LOGISTIC_LOSS: "MultinomialLogisticLoss",
  MVN: "MVN",
  POOLING: "Pooling",
  POWER: "Power",
  RELU: "ReLU",
  SIGMOID: "Sigmoid",
  SIGMOID_CROSS_ENTROPY_LOSS: "SigmoidCrossEntropyLoss",
  SILENCE: "Silence",
  SLICE: "Slice",
  SOFTMAX: "Softmax",
  SOFTMAX_LOSS: "SoftmaxWithLoss",
  SPLIT: "Split",
  TANH: "TanH",
  THRESHOLD: "Threshold",
  WINDOW_DATA: "WindowData",
};

/** Fields of a V1 layer that do not go to the field of the same name. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  "type",
  "layer",
  "param",
  "blob_share_mode",
  "blobs_lr",
  "weight_decay",
]);

/** The lists of a V1 layer of which each entry belongs to one parameter. */
const PARAM_LISTS = [
  ["param", "name"],
  ["blob_share_mode", "share_mode"],
  ["blobs_lr", "lr_mult"],
  ["weight_decay", "decay_mult"],
] as const satisfies readonly (readonly [keyof V1LayerParameter, keyof ParamSpec])[];

/** Layers whose scale, mean_file, crop_size and mirror once stood beside the source of the data. */
const DATA_PARAMS = {
  DATA: "data_param",
  IMAGE_DATA: "image_data_param",
  WINDOW_DATA: "window_data_param",
} as const satisfies Partial<Record<V1LayerParameter_LayerType, keyof V1LayerParameter>>;

const TRANSFORM_FIELDS = ["scale", "mean_file", "crop_size", "mirror"] as const;

/** Second generation to the current one. Mixing both in one net is an error, as in Caffe. */
export function upgradeV1(net: NetParameter, diagnostics: Diagnostics): NetParameter {
  if (net.layer.length > 0) {
    diagnostics.error("the net has both layer { … } and layers { … }", nameSpanOf(net, "layers"), {
      hint: 'write all as layer { type: "Convolution" … }',
      related: [{ message: "the first layer { … } is here", span: nameSpanOf(net, "layer") }],
    });
    return amend(net, { layers: undefined });
  }
  const upgraded = withFields(net, {
    layers: undefined,
    layer: net.layers.map((layer) => upgradeLayer(moveTransform(layer))),
  });
  carryPlaces(net, upgraded);
  placeItems(upgraded, "layer", upgraded.layer);
  return upgraded;
}

function upgradeLayer(old: V1LayerParameter): LayerParameter {
  const upgraded = draft("LayerParameter");
  const { byName } = messageInfo("LayerParameter");
  const record = old as unknown as Readonly<Record<string, unknown>>;
  for (const field of Object.keys(old))
    if (byName.has(field) && !NOT_COPIED.has(field)) give(upgraded, field, record[field]);
  if (has(old, "type")) give(upgraded, "type", TYPES[old.type]);
  const specs = paramSpecs(old);
  if (specs.length > 0) give(upgraded, "param", specs);
  const sealed = seal(upgraded) as LayerParameter;
  carryPlaces(
    old,
    sealed,
    [...Object.keys(old).filter((field) => !NOT_COPIED.has(field)), "type"].map((field) => [field, field]),
  );
  placeItems(sealed, "param", specs);
  return sealed;
}

/** One ParamSpec for each parameter that any of the lists speaks of. */
function paramSpecs(old: V1LayerParameter): ParamSpec[] {
  const count = Math.max(...PARAM_LISTS.map(([list]) => old[list].length));
  return Array.from({ length: count }, (_, index) => {
    const spec: Draft = draft("ParamSpec");
    for (const [list, field] of PARAM_LISTS) {
      if (index >= old[list].length) continue;
      give(spec, field, old[list][index]);
      const name = nameSpanOf(old, list, index);
      const value = spanOf(old, list, index);
      if (name === undefined || value === undefined) continue;
      if (spanOf(spec) === undefined) placeMessage(spec, { ...name, end: value.end });
      placeField(spec, field, name, value);
    }
    return seal(spec) as ParamSpec;
  });
}

/** Moves what is done to the images out of the data layer's own parameters. */
function moveTransform(layer: V1LayerParameter): V1LayerParameter {
  if (layer.type !== "DATA" && layer.type !== "IMAGE_DATA" && layer.type !== "WINDOW_DATA") return layer;
  const holder = DATA_PARAMS[layer.type];
  const data = layer[holder];
  if (data === undefined) return layer;
  const moved = TRANSFORM_FIELDS.filter((field) => has(data, field));
  if (moved.length === 0) return layer;
  const before = layer.transform_param ?? createMessage("TransformationParameter");
  const patch: Partial<TransformationParameter> = Object.fromEntries(
    moved.map((field) => [field, data[field]]),
  );
  const transform = withFields(before, patch);
  // The moved fields' own places go first: what is noted first stays.
  carryPlaces(
    data,
    transform,
    moved.map((field) => [field, field]),
  );
  carryPlaces(before, transform);
  const rest = { scale: undefined, mean_file: undefined, crop_size: undefined, mirror: undefined };
  return amend(layer, { transform_param: transform, [holder]: amend(data, rest) });
}

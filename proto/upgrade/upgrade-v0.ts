/**
 * The first generation, `layers { layer { type: "conv" … } bottom: … }`, to the second, as Caffe's own upgrade does it
 * (UpgradeV0Net in upgrade_proto.cpp): padding layers are folded into what reads them, and each field moves to the
 * parameter message of its layer's type.
 */

import type { Diagnostics } from "../errors/index.js";
import { didYouMean } from "../errors/suggest.js";
import {
  createMessage,
  type Draft,
  draft,
  fieldInfo,
  give,
  has,
  messageInfo,
  type NetParameter,
  seal,
  type V0LayerParameter,
  type V1LayerParameter,
  type V1LayerParameter_LayerType,
} from "../index.js";
import { amend, carryPlaces, nameSpanOf, placeItems, spanOf } from "../text/spans.js";
import { quoted } from "../words/names.js";

const TYPES: Readonly<Record<string, V1LayerParameter_LayerType>> = {
  accuracy: "ACCURACY",
  bnll: "BNLL",
  concat: "CONCAT",
  conv: "CONVOLUTION",
  data: "DATA",
  dropout: "DROPOUT",
  euclidean_loss: "EUCLIDEAN_LOSS",
  flatten: "FLATTEN",
  hdf5_data: "HDF5_DATA",
  hdf5_output: "HDF5_OUTPUT",
  im2col: "IM2COL",
  images: "IMAGE_DATA",
  infogain_loss: "INFOGAIN_LOSS",
  innerproduct: "INNER_PRODUCT",
  lrn: "LRN",
  multinomial_logistic_loss: "MULTINOMIAL_LOGISTIC_LOSS",
  pool: "POOLING",
  relu: "RELU",
  sigmoid: "SIGMOID",
  softmax: "SOFTMAX",
  softmax_loss: "SOFTMAX_LOSS",
  split: "SPLIT",
  tanh: "TANH",
  window_data: "WINDOW_DATA",
};

/** A parameter message of a V1 layer and a field in it. */
type Target = readonly [message: keyof V1LayerParameter & string, field: string];

/** Where a field goes, by layer type; `*` for every type. */
const MOVES: Readonly<Partial<Record<keyof V0LayerParameter, Readonly<Record<string, Target>>>>> = {
  num_output: {
    conv: ["convolution_param", "num_output"],
    innerproduct: ["inner_product_param", "num_output"],
  },
  biasterm: { conv: ["convolution_param", "bias_term"], innerproduct: ["inner_product_param", "bias_term"] },
  weight_filler: {
    conv: ["convolution_param", "weight_filler"],
    innerproduct: ["inner_product_param", "weight_filler"],
  },
  bias_filler: {
    conv: ["convolution_param", "bias_filler"],
    innerproduct: ["inner_product_param", "bias_filler"],
  },
  pad: { conv: ["convolution_param", "pad"], pool: ["pooling_param", "pad"] },
  kernelsize: { conv: ["convolution_param", "kernel_size"], pool: ["pooling_param", "kernel_size"] },
  group: { conv: ["convolution_param", "group"] },
  stride: { conv: ["convolution_param", "stride"], pool: ["pooling_param", "stride"] },
  pool: { pool: ["pooling_param", "pool"] },
  dropout_ratio: { dropout: ["dropout_param", "dropout_ratio"] },
  local_size: { lrn: ["lrn_param", "local_size"] },
  alpha: { lrn: ["lrn_param", "alpha"] },
  beta: { lrn: ["lrn_param", "beta"] },
  k: { lrn: ["lrn_param", "k"] },
  source: {
    data: ["data_param", "source"],
    hdf5_data: ["hdf5_data_param", "source"],
    images: ["image_data_param", "source"],
    window_data: ["window_data_param", "source"],
    infogain_loss: ["infogain_loss_param", "source"],
  },
  batchsize: {
    data: ["data_param", "batch_size"],
    hdf5_data: ["hdf5_data_param", "batch_size"],
    images: ["image_data_param", "batch_size"],
    window_data: ["window_data_param", "batch_size"],
  },
  scale: { "*": ["transform_param", "scale"] },
  meanfile: { "*": ["transform_param", "mean_file"] },
  cropsize: { "*": ["transform_param", "crop_size"] },
  mirror: { "*": ["transform_param", "mirror"] },
  rand_skip: { data: ["data_param", "rand_skip"], images: ["image_data_param", "rand_skip"] },
  shuffle_images: { images: ["image_data_param", "shuffle"] },
  new_height: { images: ["image_data_param", "new_height"] },
  new_width: { images: ["image_data_param", "new_width"] },
  concat_dim: { concat: ["concat_param", "concat_dim"] },
  det_fg_threshold: { window_data: ["window_data_param", "fg_threshold"] },
  det_bg_threshold: { window_data: ["window_data_param", "bg_threshold"] },
  det_fg_fraction: { window_data: ["window_data_param", "fg_fraction"] },
  det_context_pad: { window_data: ["window_data_param", "context_pad"] },
  det_crop_mode: { window_data: ["window_data_param", "crop_mode"] },
};

/** Whether a net holds layers of the first generation. */
export function isV0(net: NetParameter): boolean {
  return net.layers.some((layer) => has(layer, "layer"));
}

/** First generation to second. Of the net itself only name, inputs and force_backward stay, as in Caffe. */
export function upgradeV0(net: NetParameter, diagnostics: Diagnostics): NetParameter {
  const upgraded = createMessage("NetParameter", {
    name: has(net, "name") ? net.name : undefined,
    input: has(net, "input") ? net.input : undefined,
    input_dim: has(net, "input_dim") ? net.input_dim : undefined,
    force_backward: has(net, "force_backward") ? net.force_backward : undefined,
    layers: foldPadding(net, diagnostics).map((layer) => upgradeLayer(layer, diagnostics)),
  });
  carryPlaces(net, upgraded);
  placeItems(upgraded, "layers", upgraded.layers);
  return upgraded;
}

/** Leaves padding layers out and gives their pad and their bottom to the layer that reads them. */
function foldPadding(net: NetParameter, diagnostics: Diagnostics): V1LayerParameter[] {
  const producers = new Map<string, V1LayerParameter>();
  const kept: V1LayerParameter[] = [];
  for (const layer of net.layers) {
    const isPadding = layer.layer?.type === "padding";
    if (!isPadding) {
      const padding = layer.bottom
        .map((blob) => producers.get(blob))
        .find((from) => from?.layer?.type === "padding");
      kept.push(padding === undefined ? layer : withPadding(layer, padding, diagnostics));
    }
    for (const top of layer.top) producers.set(top, layer);
  }
  return kept;
}

function withPadding(
  layer: V1LayerParameter,
  padding: V1LayerParameter,
  diagnostics: Diagnostics,
): V1LayerParameter {
  const { layer: inner } = layer;
  const name = `layer ${quoted(inner?.name ?? "")}`;
  const related = [{ message: "the padding layer is here", span: spanOf(padding) }];
  if (inner === undefined || (inner.type !== "conv" && inner.type !== "pool")) {
    diagnostics.error(`${name}: only conv and pool layers can read a padding layer`, spanOf(layer), {
      related,
    });
    return layer;
  }
  if (layer.bottom.length !== 1 || padding.bottom.length !== 1 || padding.top.length !== 1) {
    diagnostics.error(
      `${name}: a padding layer and the layer that reads it must have one bottom, and the padding layer one top`,
      spanOf(layer),
      { related },
    );
    return layer;
  }
  const padded = amend(inner, { pad: padding.layer?.pad ?? 0 });
  if (padding.layer) carryPlaces(padding.layer, padded, [["pad", "pad"]]);
  return amend(layer, { bottom: padding.bottom, layer: padded });
}

function upgradeLayer(connection: V1LayerParameter, diagnostics: Diagnostics): V1LayerParameter {
  const old = connection.layer;
  if (old === undefined) {
    diagnostics.error(
      "the net has layers of two formats: layers { layer { … } } and layers { type: … }",
      spanOf(connection),
      {
        hint: "write all layers in one format, best the current one: layer { … }",
      },
    );
    return connection;
  }
  const upgraded = draft("V1LayerParameter");
  const name = `layer ${quoted(old.name)}`;
  if (has(connection, "bottom")) give(upgraded, "bottom", connection.bottom);
  if (has(connection, "top")) give(upgraded, "top", connection.top);
  for (const field of ["name", "blobs", "blobs_lr", "weight_decay"] as const)
    if (has(old, field)) give(upgraded, field, old[field]);
  if (has(old, "type")) give(upgraded, "type", upgradeType(old, diagnostics));
  for (const [key, moves] of Object.entries(MOVES)) {
    const field = key as keyof V0LayerParameter;
    if (!has(old, field)) continue;
    const target = moves["*"] ?? (Object.hasOwn(moves, old.type) ? moves[old.type] : undefined);
    if (target === undefined)
      diagnostics.warn(
        `${name}: ${field} has no meaning for a layer of type ${quoted(old.type)}`,
        nameSpanOf(old, field),
      );
    else move(old, field, upgraded, target);
  }
  if (has(old, "hdf5_output_param")) {
    if (old.type === "hdf5_output") give(upgraded, "hdf5_output_param", old.hdf5_output_param);
    else
      diagnostics.warn(
        `${name}: hdf5_output_param has no meaning here`,
        nameSpanOf(old, "hdf5_output_param"),
      );
  }
  const sealed = seal(upgraded) as V1LayerParameter;
  carryPlaces(connection, sealed);
  carryPlaces(
    old,
    sealed,
    ["name", "type", "blobs", "blobs_lr", "weight_decay"].map((field) => [field, field]),
  );
  return sealed;
}

function upgradeType(old: V0LayerParameter, diagnostics: Diagnostics): V1LayerParameter_LayerType {
  if (Object.hasOwn(TYPES, old.type)) return TYPES[old.type];
  diagnostics.error(
    `layer ${quoted(old.name)}: unknown layer type ${quoted(old.type)}`,
    spanOf(old, "type"),
    {
      hint: didYouMean(old.type, Object.keys(TYPES)),
    },
  );
  return "NONE";
}

/** Sets a field of a parameter message of the upgraded layer, making the message when it is the first. */
function move(old: V0LayerParameter, field: keyof V0LayerParameter, upgraded: Draft, target: Target): void {
  const [holder, name] = target;
  const { kind } = fieldInfo(messageInfo("V1LayerParameter"), holder);
  if (kind.is !== "message") throw new TypeError(`${holder} is no message`);
  if (!Object.hasOwn(upgraded, holder)) give(upgraded, holder, draft(kind.info()));
  const message = upgraded[holder] as Draft;
  const value: unknown = old[field];
  give(message, name, fieldInfo(kind.info(), name).repeated ? [value] : value);
  carryPlaces(old, message, [[field, name]]);
}

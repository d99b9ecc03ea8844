import { absval } from "./catalogue/absval.js";
import { accuracy } from "./catalogue/accuracy.js";
import { argmax } from "./catalogue/argmax.js";
import { batchNorm } from "./catalogue/batch-norm.js";
import { bias } from "./catalogue/bias.js";
import { bnll } from "./catalogue/bnll.js";
import { clip } from "./catalogue/clip.js";
import { concat } from "./catalogue/concat.js";
import { convolution } from "./catalogue/convolution.js";
import { data } from "./catalogue/data.js";
import { deconvolution } from "./catalogue/deconvolution.js";
import { dropout } from "./catalogue/dropout.js";
import { dummyData } from "./catalogue/dummy-data.js";
import { eltwise } from "./catalogue/eltwise.js";
import { elu } from "./catalogue/elu.js";
import { euclideanLoss } from "./catalogue/euclidean-loss.js";
import { exp } from "./catalogue/exp.js";
import { flatten } from "./catalogue/flatten.js";
import { hdf5Data } from "./catalogue/hdf5-data.js";
import { innerProduct } from "./catalogue/inner-product.js";
import { input } from "./catalogue/input.js";
import { log } from "./catalogue/log.js";
import { lrn } from "./catalogue/lrn.js";
import { pooling } from "./catalogue/pooling.js";
import { power } from "./catalogue/power.js";
import { prelu } from "./catalogue/prelu.js";
import { reduction } from "./catalogue/reduction.js";
import { relu } from "./catalogue/relu.js";
import { reshape } from "./catalogue/reshape.js";
import { scale } from "./catalogue/scale.js";
import { sigmoid } from "./catalogue/sigmoid.js";
import { sigmoidCrossEntropyLoss } from "./catalogue/sigmoid-cross-entropy-loss.js";
import { silence } from "./catalogue/silence.js";
import { slice } from "./catalogue/slice.js";
import { softmax } from "./catalogue/softmax.js";
import { softmaxWithLoss } from "./catalogue/softmax-with-loss.js";
import { split } from "./catalogue/split.js";
import { swish } from "./catalogue/swish.js";
import { tanh } from "./catalogue/tanh.js";
import { threshold } from "./catalogue/threshold.js";
import type { LayerType } from "./record.js";

/** Every layer type that Cortado has: one line each. */
const CATALOGUE: readonly LayerType[] = [
  input,
  data,
  hdf5Data,
  dummyData,
  convolution,
  deconvolution,
  pooling,
  innerProduct,
  lrn,
  batchNorm,
  scale,
  bias,
  dropout,
  relu,
  prelu,
  elu,
  sigmoid,
  tanh,
  swish,
  absval,
  bnll,
  exp,
  log,
  power,
  clip,
  threshold,
  eltwise,
  concat,
  slice,
  split,
  flatten,
  reshape,
  reduction,
  argmax,
  silence,
  softmax,
  softmaxWithLoss,
  sigmoidCrossEntropyLoss,
  euclideanLoss,
  accuracy,
];

const BY_TYPE: ReadonlyMap<string, LayerType> = new Map(CATALOGUE.map((type) => [type.type, type]));

/** Types that Caffe 1.0 has and Cortado has not. */
export const MISSING_TYPES: ReadonlySet<string> = new Set([
  "BatchReindex",
  "ContrastiveLoss",
  "Crop",
  "Embed",
  "Filter",
  "HDF5Output",
  "HingeLoss",
  "Im2col",
  "ImageData",
  "InfogainLoss",
  "LSTM",
  "LSTMUnit",
  "MVN",
  "MemoryData",
  "MultinomialLogisticLoss",
  "Parameter",
  "Python",
  "RNN",
  "Recurrent",
  "SPP",
  "Tile",
  "WindowData",
]);

/** Layer types by name: Cortado's own, and after them `more`, which may replace one of the same name. */
export function knownLayerTypes(more: readonly LayerType[] = []): ReadonlyMap<string, LayerType> {
  return more.length === 0
    ? BY_TYPE
    : new Map([...BY_TYPE, ...more.map((type) => [type.type, type] as const)]);
}

/** What forks of Caffe added to it, and how the same is said here: for messages, never for meaning. */

const EXTRA = "Cortado has it among its extras: compile(net, { layers: extras }), or --layers extras";

/** How a type or field that nobody here knows gets a meaning. */
export const DEFINE_LAYER =
  "defineLayer makes a layer type of your own, with its settings, and compile takes it as layers (docs/OWN-LAYERS.md)";

const BATCH_NORM = "Caffe 1.0 says it with two layers: BatchNorm, and Scale with bias_term: true";
const DEPTHWISE = "Caffe 1.0's Convolution does the same with group equal to the channels of its bottom";
const DETECTION = "Caffe 1.0 has nothing like it: cut the net before it, and do this part in your own code";
const DATA = "Caffe 1.0's data layers do not do this: prepare it in the data, or give the blob to forward";
const BOXES = ["Flip", "PriorBox", "DetectionOutput", "MultiBoxLoss", "DetectionEvaluate", "Proposal"];
const READERS = [
  "AnnotatedData",
  "VideoData",
  "ImageSegData",
  "DenseImageData",
  "ImageLabelData",
  "AnnoData",
];

/** By layer type: what Caffe 1.0 uses instead, or what else helps. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ["ReLU6", `${EXTRA}; or in Caffe 1.0's types: Clip with min: 0 and max: 6`],
  ["DepthwiseConvolution", `${DEPTHWISE}; ${EXTRA}`],
  ["ConvolutionDepthwise", `${DEPTHWISE}; ${EXTRA}`],
  ["Interp", EXTRA],
  ["Permute", EXTRA],
  ["Normalize", EXTRA],
  [
    "Upsample",
    `${EXTRA}; without a mask, Caffe 1.0's Deconvolution does the same with kernel_size and stride equal to the scale, group equal to num_output, bias_term: false and weights of 1`,
  ],
  ["ShuffleChannel", EXTRA],
  ["Axpy", `${EXTRA}; or in Caffe 1.0's types: Scale with axis: 0 and two bottoms, then Eltwise`],
  ...["BN", "SyncBN", "SyncBatchNorm", "CuDNNBatchNorm", "BatchNormalization", "SpatialBatchNorm"].map(
    (type): [string, string] => [type, BATCH_NORM],
  ),
  ...BOXES.map((type): [string, string] => [type, DETECTION]),
  ...["ROIPooling", "PSROIPooling", "ROIAlign", "Yolo", "YOLO", "Yolov3DetectionOutput", "Region"].map(
    (type): [string, string] => [type, DETECTION],
  ),
  ...READERS.map((type): [string, string] => [type, DATA]),
  ...["ConvolutionRistretto", "ConvolutionIntegerPowerOf2Weights"].map((type): [string, string] => [
    type,
    "it is Ristretto's quantised Convolution: write Convolution, and leave quantization_param out",
  ]),
  [
    "FcRistretto",
    "it is Ristretto's quantised InnerProduct: write InnerProduct, and leave quantization_param out",
  ],
  ["LRNRistretto", "it is Ristretto's quantised LRN: write LRN, and leave quantization_param out"],
  ["DeconvolutionRistretto", "it is Ristretto's quantised Deconvolution: leave quantization_param out"],
  ["LeakyReLU", "Caffe 1.0's ReLU does the same with negative_slope"],
  ["SiLU", "Caffe 1.0 calls it Swish"],
  ["Softplus", "Caffe 1.0 calls it BNLL"],
  ["SoftmaxLoss", "Caffe 1.0 calls it SoftmaxWithLoss"],
  ["Convolution3D", "Caffe 1.0's Convolution takes any number of axes: give kernel_size once for each"],
  ["Deconvolution3D", "Caffe 1.0's Deconvolution takes any number of axes: give kernel_size once for each"],
  ["FullyConnected", "Caffe 1.0 calls it InnerProduct"],
  ["Linear", "Caffe 1.0 calls it InnerProduct"],
  ["Dense", "Caffe 1.0 calls it InnerProduct"],
  ["Add", "Caffe 1.0's Eltwise does the same with operation: SUM"],
  ["Mul", "Caffe 1.0's Eltwise does the same with operation: PROD"],
  ["FocalLoss", "examples/focal-loss defines it in a few lines"],
  ["SoftmaxWithFocalLoss", "examples/focal-loss defines one of the kind in a few lines"],
  ["GELU", "examples/gelu defines it in a few lines"],
]);

/** What helps with a layer type that Caffe 1.0 does not have; undefined for one that no fork known here has. */
export const forkTypeHelp = (type: string): string | undefined =>
  TYPES.get(type) ?? BY_LOWER_CASE.get(type.toLowerCase());

const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  [...TYPES].map(([type, help]) => [type.toLowerCase(), help]),
);

const extraField = (type: string): string => `it belongs to ${type}, which no Caffe 1.0 has. ${EXTRA}`;
const QUANTISED =
  "it is for Ristretto's quantised layers: leave it out, Cortado computes in floating point throughout";
const AUGMENTED = "it is for SSD's data layers: Caffe 1.0 crops, mirrors, scales and subtracts a mean only";

/** By message, then by field. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  LayerParameter: {
    interp_param: extraField("Interp (DeepLab, PSPNet)"),
    permute_param: extraField("Permute (SSD)"),
    norm_param: extraField("Normalize (SSD)"),
    upsample_param: extraField("Upsample (SegNet, YOLO)"),
    shuffle_channel_param: extraField("ShuffleChannel (ShuffleNet)"),
    bn_param: `it belongs to BN, which no Caffe 1.0 has. ${BATCH_NORM}`,
    quantization_param: QUANTISED,
    prior_box_param: DETECTION,
    multibox_loss_param: DETECTION,
    detection_output_param: DETECTION,
    detection_evaluate_param: DETECTION,
    roi_pooling_param: DETECTION,
    psroi_pooling_param: DETECTION,
    annotated_data_param: DATA,
    video_data_param: DATA,
    blobs_lr: "it belongs to the old format: write param { lr_mult: … }, once for each parameter",
    weight_decay: "in a layer it belongs to the old format: write param { decay_mult: … }",
    convolution3d_param: "Caffe 1.0 has convolution_param for any number of axes",
  },
  BatchNormParameter: {
    scale_bias: "it is NVCaffe's: put a Scale layer with bias_term: true behind BatchNorm",
    scale_filler: "it is NVCaffe's: put a Scale layer with this filler behind BatchNorm",
    slope_filler: "BatchNorm has no slope: put a Scale layer with this filler behind it",
    bias_filler:
      "BatchNorm has no bias: put a Scale layer with bias_term: true and this bias_filler behind it",
    frozen: "BatchNorm is frozen with use_global_stats: true",
  },
  PoolingParameter: {
    ceil_mode: "write round_mode: CEIL (the default) for true, round_mode: FLOOR for false",
  },
  LossParameter: {
    weight_by_label_freqs: "it is SegNet's: InfogainLoss weighs classes, by a matrix",
    class_weighting: "it is SegNet's: InfogainLoss weighs classes, by a matrix",
  },
  TransformationParameter: {
    resize_param: AUGMENTED,
    noise_param: AUGMENTED,
    distort_param: AUGMENTED,
    expand_param: AUGMENTED,
    emit_constraint: AUGMENTED,
  },
};

/** What helps with a field that Caffe 1.0 does not have in a message; undefined where no fork is known for it. */
export function forkFieldHelp(message: string, field: string): string | undefined {
  const fields = Object.hasOwn(FIELDS, message) ? FIELDS[message] : undefined;
  return fields && Object.hasOwn(fields, field) ? fields[field] : undefined;
}

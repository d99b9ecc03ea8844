// Generated from proto/caffe.proto by proto/generate.ts. Do not edit: change the schema and run
// `npm run generate`.

export type FillerParameter_VarianceNorm = "FAN_IN" | "FAN_OUT" | "AVERAGE";

export type Phase = "TRAIN" | "TEST";

export type ParamSpec_DimCheckMode = "STRICT" | "PERMISSIVE";

export type DataParameter_DB = "LEVELDB" | "LMDB";

export type ConvolutionParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type LRNParameter_NormRegion = "ACROSS_CHANNELS" | "WITHIN_CHANNEL";

export type LRNParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type PoolingParameter_PoolMethod = "MAX" | "AVE" | "STOCHASTIC";

export type PoolingParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type PoolingParameter_RoundMode = "CEIL" | "FLOOR";

export type SPPParameter_PoolMethod = "MAX" | "AVE" | "STOCHASTIC";

export type SPPParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type EltwiseParameter_EltwiseOp = "PROD" | "SUM" | "MAX";

export type ReLUParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type SigmoidParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type TanHParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type ReductionParameter_ReductionOp = "SUM" | "ASUM" | "SUMSQ" | "MEAN";

export type SoftmaxParameter_Engine = "DEFAULT" | "CAFFE" | "CUDNN";

export type LossParameter_NormalizationMode = "FULL" | "VALID" | "BATCH_SIZE" | "NONE";

export type HingeLossParameter_Norm = "L1" | "L2";

export type SolverParameter_SolverMode = "CPU" | "GPU";

export type SolverParameter_SnapshotFormat = "HDF5" | "BINARYPROTO";

export type SolverParameter_SolverType = "SGD" | "NESTEROV" | "ADAGRAD" | "RMSPROP" | "ADADELTA" | "ADAM";

export type V1LayerParameter_LayerType = "NONE" | "ACCURACY" | "BNLL" | "CONCAT" | "CONVOLUTION" | "DATA" | "DROPOUT" | "EUCLIDEAN_LOSS" | "FLATTEN" | "HDF5_DATA" | "HDF5_OUTPUT" | "IM2COL" | "IMAGE_DATA" | "INFOGAIN_LOSS" | "INNER_PRODUCT" | "LRN" | "MULTINOMIAL_LOGISTIC_LOSS" | "POOLING" | "RELU" | "SIGMOID" | "SOFTMAX" | "SOFTMAX_LOSS" | "SPLIT" | "TANH" | "WINDOW_DATA" | "ELTWISE" | "POWER" | "SIGMOID_CROSS_ENTROPY_LOSS" | "HINGE_LOSS" | "MEMORY_DATA" | "ARGMAX" | "THRESHOLD" | "DUMMY_DATA" | "SLICE" | "MVN" | "ABSVAL" | "SILENCE" | "CONTRASTIVE_LOSS" | "EXP" | "DECONVOLUTION";

export type V1LayerParameter_DimCheckMode = "STRICT" | "PERMISSIVE";

export type V0LayerParameter_PoolMethod = "MAX" | "AVE" | "STOCHASTIC";

/** The extents of an array, slowest axis first. */
export interface BlobShape {
  readonly dim: readonly number[];
}

/**
 * An array with its values. Either `shape` gives the extents or, in old files, num × channels × height × width.
 * The values are in `data` or, of a double-precision Caffe, in `double_data`.
 */
export interface BlobProto {
  readonly num: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
  readonly diff: Float32Array;
  readonly shape: BlobShape | undefined;
  readonly double_data: Float64Array;
  readonly double_diff: Float64Array;
  /** NVIDIA's fork: the values as plain bytes. */
  readonly raw_data_type: number;
  readonly raw_data: Uint8Array;
}

/** A list of arrays in one file. */
export interface BlobProtoVector {
  readonly blobs: readonly BlobProto[];
}

/** One record of a database: an image, channel by channel, with its label. */
export interface Datum {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** one byte per value, or a whole encoded image file */
  readonly data: Uint8Array;
  readonly label: number;
  /** used in place of `data` for values that are not bytes */
  readonly float_data: Float32Array;
  /** `data` is a JPEG, PNG, … file */
  readonly encoded: boolean;
}

/** How a parameter gets its first values. */
export interface FillerParameter {
  readonly type: string;
  /** constant */
  readonly value: number;
  /** uniform */
  readonly min: number;
  readonly max: number;
  /** gaussian */
  readonly mean: number;
  readonly std: number;
  /** gaussian: the mean count of values per output that are not 0; -1: all */
  readonly sparse: number;
  /** xavier and msra: what the variance is divided by */
  readonly variance_norm: FillerParameter_VarianceNorm;
}

/** What a net is built for; layers are kept or left out by matching this against their rules. */
export interface NetState {
  readonly phase: Phase;
  readonly level: number;
  readonly stage: readonly string[];
}

/** A condition on a NetState; every field that is given must hold. */
export interface NetStateRule {
  readonly phase: Phase;
  readonly min_level: number;
  readonly max_level: number;
  /** all of these are there */
  readonly stage: readonly string[];
  /** none of these is there */
  readonly not_stage: readonly string[];
}

export interface NetParameter {
  readonly name: string;
  /** the two older generations */
  readonly layers: readonly V1LayerParameter[];
  /** old: names of input blobs; now layers of type Input */
  readonly input: readonly string[];
  /** old: four extents for each `input` */
  readonly input_dim: readonly number[];
  readonly force_backward: boolean;
  readonly state: NetState | undefined;
  readonly debug_info: boolean;
  /** old: one shape for each `input` */
  readonly input_shape: readonly BlobShape[];
  readonly layer: readonly LayerParameter[];
}

/** How a layer's parameter is trained, and under which name it is shared. */
export interface ParamSpec {
  readonly name: string;
  readonly share_mode: ParamSpec_DimCheckMode;
  readonly lr_mult: number;
  readonly decay_mult: number;
}

export interface LayerParameter {
  readonly name: string;
  readonly type: string;
  readonly bottom: readonly string[];
  readonly top: readonly string[];
  /** one for each top */
  readonly loss_weight: readonly number[];
  readonly param: readonly ParamSpec[];
  /** the parameters' values, in weight files */
  readonly blobs: readonly BlobProto[];
  readonly include: readonly NetStateRule[];
  readonly exclude: readonly NetStateRule[];
  readonly phase: Phase;
  /** one for each bottom */
  readonly propagate_down: readonly boolean[];
  readonly transform_param: TransformationParameter | undefined;
  readonly loss_param: LossParameter | undefined;
  readonly accuracy_param: AccuracyParameter | undefined;
  readonly argmax_param: ArgMaxParameter | undefined;
  readonly concat_param: ConcatParameter | undefined;
  readonly contrastive_loss_param: ContrastiveLossParameter | undefined;
  readonly convolution_param: ConvolutionParameter | undefined;
  readonly data_param: DataParameter | undefined;
  readonly dropout_param: DropoutParameter | undefined;
  readonly dummy_data_param: DummyDataParameter | undefined;
  readonly eltwise_param: EltwiseParameter | undefined;
  readonly exp_param: ExpParameter | undefined;
  readonly hdf5_data_param: HDF5DataParameter | undefined;
  readonly hdf5_output_param: HDF5OutputParameter | undefined;
  readonly hinge_loss_param: HingeLossParameter | undefined;
  readonly image_data_param: ImageDataParameter | undefined;
  readonly infogain_loss_param: InfogainLossParameter | undefined;
  readonly inner_product_param: InnerProductParameter | undefined;
  readonly lrn_param: LRNParameter | undefined;
  readonly memory_data_param: MemoryDataParameter | undefined;
  readonly mvn_param: MVNParameter | undefined;
  readonly pooling_param: PoolingParameter | undefined;
  readonly power_param: PowerParameter | undefined;
  readonly relu_param: ReLUParameter | undefined;
  readonly sigmoid_param: SigmoidParameter | undefined;
  readonly softmax_param: SoftmaxParameter | undefined;
  readonly slice_param: SliceParameter | undefined;
  readonly tanh_param: TanHParameter | undefined;
  readonly threshold_param: ThresholdParameter | undefined;
  readonly window_data_param: WindowDataParameter | undefined;
  readonly python_param: PythonParameter | undefined;
  readonly prelu_param: PReLUParameter | undefined;
  readonly spp_param: SPPParameter | undefined;
  readonly reshape_param: ReshapeParameter | undefined;
  readonly log_param: LogParameter | undefined;
  readonly flatten_param: FlattenParameter | undefined;
  readonly reduction_param: ReductionParameter | undefined;
  readonly embed_param: EmbedParameter | undefined;
  readonly tile_param: TileParameter | undefined;
  readonly batch_norm_param: BatchNormParameter | undefined;
  readonly elu_param: ELUParameter | undefined;
  readonly bias_param: BiasParameter | undefined;
  readonly scale_param: ScaleParameter | undefined;
  readonly input_param: InputParameter | undefined;
  readonly crop_param: CropParameter | undefined;
  readonly parameter_param: ParameterParameter | undefined;
  readonly recurrent_param: RecurrentParameter | undefined;
  readonly swish_param: SwishParameter | undefined;
  readonly clip_param: ClipParameter | undefined;
}

/** What is done to an image between its source and the blob: (crop, mirror, subtract the mean, multiply). */
export interface TransformationParameter {
  readonly scale: number;
  readonly mirror: boolean;
  readonly crop_size: number;
  readonly mean_file: string;
  /** one, or one for each channel */
  readonly mean_value: readonly number[];
  readonly force_color: boolean;
  readonly force_gray: boolean;
}

export interface DataParameter {
  readonly source: string;
  /** old: now in TransformationParameter, as are the next and 5 and 6 */
  readonly scale: number;
  readonly mean_file: string;
  readonly batch_size: number;
  readonly crop_size: number;
  readonly mirror: boolean;
  readonly rand_skip: number;
  readonly backend: DataParameter_DB;
  readonly force_encoded_color: boolean;
  readonly prefetch: number;
  /** Not Caffe 1.0's: forks of it have this one, each under another number. */
  readonly shuffle: boolean;
}

export interface DummyDataParameter {
  readonly data_filler: readonly FillerParameter[];
  readonly num: readonly number[];
  readonly channels: readonly number[];
  readonly height: readonly number[];
  readonly width: readonly number[];
  readonly shape: readonly BlobShape[];
}

export interface HDF5DataParameter {
  readonly source: string;
  readonly batch_size: number;
  readonly shuffle: boolean;
}

export interface HDF5OutputParameter {
  readonly file_name: string;
}

export interface ImageDataParameter {
  readonly source: string;
  /** old: now in TransformationParameter, as are the next and 5 and 6 */
  readonly scale: number;
  readonly mean_file: string;
  readonly batch_size: number;
  readonly crop_size: number;
  readonly mirror: boolean;
  readonly rand_skip: number;
  readonly shuffle: boolean;
  readonly new_height: number;
  readonly new_width: number;
  readonly is_color: boolean;
  readonly root_folder: string;
}

export interface InputParameter {
  /** one for each top, or one for all */
  readonly shape: readonly BlobShape[];
}

export interface MemoryDataParameter {
  readonly batch_size: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface ParameterParameter {
  readonly shape: BlobShape | undefined;
}

export interface WindowDataParameter {
  readonly source: string;
  /** old: now in TransformationParameter, as are the next and 5 and 6 */
  readonly scale: number;
  readonly mean_file: string;
  readonly batch_size: number;
  readonly crop_size: number;
  readonly mirror: boolean;
  readonly fg_threshold: number;
  readonly bg_threshold: number;
  readonly fg_fraction: number;
  readonly context_pad: number;
  readonly crop_mode: string;
  readonly cache_images: boolean;
  readonly root_folder: string;
}

export interface BatchNormParameter {
  /** when not given: true in TEST, false in TRAIN */
  readonly use_global_stats: boolean;
  readonly moving_average_fraction: number;
  readonly eps: number;
}

export interface BiasParameter {
  readonly axis: number;
  readonly num_axes: number;
  readonly filler: FillerParameter | undefined;
}

/** Convolution, Deconvolution and Im2col. `pad`, `kernel_size`, `stride`, `dilation`: one for all axes or one for each. */
export interface ConvolutionParameter {
  readonly num_output: number;
  readonly bias_term: boolean;
  readonly pad: readonly number[];
  readonly kernel_size: readonly number[];
  readonly group: number;
  readonly stride: readonly number[];
  readonly weight_filler: FillerParameter | undefined;
  readonly bias_filler: FillerParameter | undefined;
  readonly pad_h: number;
  readonly pad_w: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  readonly stride_h: number;
  readonly stride_w: number;
  readonly engine: ConvolutionParameter_Engine;
  readonly axis: number;
  readonly force_nd_im2col: boolean;
  readonly dilation: readonly number[];
}

export interface EmbedParameter {
  readonly num_output: number;
  readonly input_dim: number;
  readonly bias_term: boolean;
  readonly weight_filler: FillerParameter | undefined;
  readonly bias_filler: FillerParameter | undefined;
}

export interface InnerProductParameter {
  readonly num_output: number;
  readonly bias_term: boolean;
  readonly weight_filler: FillerParameter | undefined;
  readonly bias_filler: FillerParameter | undefined;
  readonly axis: number;
  readonly transpose: boolean;
}

export interface LRNParameter {
  readonly local_size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly norm_region: LRNParameter_NormRegion;
  readonly k: number;
  readonly engine: LRNParameter_Engine;
}

export interface MVNParameter {
  readonly normalize_variance: boolean;
  readonly across_channels: boolean;
  readonly eps: number;
}

export interface PoolingParameter {
  readonly pool: PoolingParameter_PoolMethod;
  readonly kernel_size: number;
  readonly stride: number;
  readonly pad: number;
  readonly kernel_h: number;
  readonly kernel_w: number;
  readonly stride_h: number;
  readonly stride_w: number;
  readonly pad_h: number;
  readonly pad_w: number;
  readonly engine: PoolingParameter_Engine;
  readonly global_pooling: boolean;
  readonly round_mode: PoolingParameter_RoundMode;
}

/** RNN and LSTM. */
export interface RecurrentParameter {
  readonly num_output: number;
  readonly weight_filler: FillerParameter | undefined;
  readonly bias_filler: FillerParameter | undefined;
  readonly debug_info: boolean;
  readonly expose_hidden: boolean;
}

export interface ScaleParameter {
  readonly axis: number;
  readonly num_axes: number;
  readonly filler: FillerParameter | undefined;
  readonly bias_term: boolean;
  readonly bias_filler: FillerParameter | undefined;
}

export interface SPPParameter {
  readonly pyramid_height: number;
  readonly pool: SPPParameter_PoolMethod;
  readonly engine: SPPParameter_Engine;
}

export interface ClipParameter {
  readonly min: number;
  readonly max: number;
}

export interface DropoutParameter {
  readonly dropout_ratio: number;
}

export interface EltwiseParameter {
  readonly operation: EltwiseParameter_EltwiseOp;
  /** SUM: one for each bottom */
  readonly coeff: readonly number[];
  readonly stable_prod_grad: boolean;
}

export interface ELUParameter {
  readonly alpha: number;
}

/** base ^ (shift + scale · x); the base -1 stands for e. */
export interface ExpParameter {
  readonly base: number;
  readonly scale: number;
  readonly shift: number;
}

/** log_base (shift + scale · x); the base -1 stands for e. */
export interface LogParameter {
  readonly base: number;
  readonly scale: number;
  readonly shift: number;
}

/** (shift + scale · x) ^ power */
export interface PowerParameter {
  readonly power: number;
  readonly scale: number;
  readonly shift: number;
}

export interface PReLUParameter {
  readonly filler: FillerParameter | undefined;
  readonly channel_shared: boolean;
}

export interface ReLUParameter {
  readonly negative_slope: number;
  readonly engine: ReLUParameter_Engine;
}

export interface SigmoidParameter {
  readonly engine: SigmoidParameter_Engine;
}

export interface SwishParameter {
  readonly beta: number;
}

export interface TanHParameter {
  readonly engine: TanHParameter_Engine;
}

export interface ThresholdParameter {
  readonly threshold: number;
}

export interface ArgMaxParameter {
  readonly out_max_val: boolean;
  readonly top_k: number;
  readonly axis: number;
}

export interface ConcatParameter {
  /** old name of `axis` */
  readonly concat_dim: number;
  readonly axis: number;
}

export interface CropParameter {
  readonly axis: number;
  readonly offset: readonly number[];
}

export interface FlattenParameter {
  readonly axis: number;
  readonly end_axis: number;
}

export interface PythonParameter {
  readonly module: string;
  readonly layer: string;
  readonly param_str: string;
  readonly share_in_parallel: boolean;
}

export interface ReductionParameter {
  readonly operation: ReductionParameter_ReductionOp;
  readonly axis: number;
  readonly coeff: number;
}

export interface ReshapeParameter {
  /** 0: as in the bottom; -1: what is left */
  readonly shape: BlobShape | undefined;
  readonly axis: number;
  readonly num_axes: number;
}

export interface SliceParameter {
  /** old name of `axis` */
  readonly slice_dim: number;
  readonly slice_point: readonly number[];
  readonly axis: number;
}

export interface SoftmaxParameter {
  readonly engine: SoftmaxParameter_Engine;
  readonly axis: number;
}

export interface TileParameter {
  readonly axis: number;
  readonly tiles: number;
}

/** What any loss layer divides its sum by, and which labels it passes over. */
export interface LossParameter {
  readonly ignore_label: number;
  /** old: true is VALID, false is BATCH_SIZE; `normalization` wins */
  readonly normalize: boolean;
  readonly normalization: LossParameter_NormalizationMode;
}

export interface AccuracyParameter {
  readonly top_k: number;
  readonly axis: number;
  readonly ignore_label: number;
}

export interface ContrastiveLossParameter {
  readonly margin: number;
  readonly legacy_version: boolean;
}

export interface HingeLossParameter {
  readonly norm: HingeLossParameter_Norm;
}

export interface InfogainLossParameter {
  readonly source: string;
  readonly axis: number;
}

export interface SolverParameter {
  readonly train_net: string;
  readonly test_net: readonly string[];
  readonly test_iter: readonly number[];
  readonly test_interval: number;
  readonly base_lr: number;
  readonly display: number;
  readonly max_iter: number;
  readonly lr_policy: string;
  readonly gamma: number;
  readonly power: number;
  readonly momentum: number;
  readonly weight_decay: number;
  readonly stepsize: number;
  readonly snapshot: number;
  readonly snapshot_prefix: string;
  readonly snapshot_diff: boolean;
  readonly solver_mode: SolverParameter_SolverMode;
  readonly device_id: number;
  readonly test_compute_loss: boolean;
  readonly random_seed: number;
  readonly train_net_param: NetParameter | undefined;
  readonly test_net_param: readonly NetParameter[];
  readonly debug_info: boolean;
  readonly net: string;
  readonly net_param: NetParameter | undefined;
  readonly train_state: NetState | undefined;
  readonly test_state: readonly NetState[];
  readonly snapshot_after_train: boolean;
  readonly regularization_type: string;
  /** old: now `type` */
  readonly solver_type: SolverParameter_SolverType;
  readonly delta: number;
  readonly test_initialization: boolean;
  readonly average_loss: number;
  readonly stepvalue: readonly number[];
  readonly clip_gradients: number;
  readonly iter_size: number;
  readonly snapshot_format: SolverParameter_SnapshotFormat;
  readonly rms_decay: number;
  readonly momentum2: number;
  readonly type: string;
  readonly layer_wise_reduce: boolean;
  readonly weights: readonly string[];
}

/** What a solver needs, beside the weights, to go on where it stopped. */
export interface SolverState {
  readonly iter: number;
  readonly learned_net: string;
  readonly history: readonly BlobProto[];
  readonly current_step: number;
}

/** A layer of the second generation: `layers { type: CONVOLUTION }`. */
export interface V1LayerParameter {
  /** set in the first generation only: `layers { layer { type: "conv" } }` */
  readonly layer: V0LayerParameter | undefined;
  readonly bottom: readonly string[];
  readonly top: readonly string[];
  readonly name: string;
  readonly type: V1LayerParameter_LayerType;
  readonly blobs: readonly BlobProto[];
  readonly blobs_lr: readonly number[];
  readonly weight_decay: readonly number[];
  readonly concat_param: ConcatParameter | undefined;
  readonly convolution_param: ConvolutionParameter | undefined;
  readonly data_param: DataParameter | undefined;
  readonly dropout_param: DropoutParameter | undefined;
  readonly hdf5_data_param: HDF5DataParameter | undefined;
  readonly hdf5_output_param: HDF5OutputParameter | undefined;
  readonly image_data_param: ImageDataParameter | undefined;
  readonly infogain_loss_param: InfogainLossParameter | undefined;
  readonly inner_product_param: InnerProductParameter | undefined;
  readonly lrn_param: LRNParameter | undefined;
  readonly pooling_param: PoolingParameter | undefined;
  readonly window_data_param: WindowDataParameter | undefined;
  readonly power_param: PowerParameter | undefined;
  readonly memory_data_param: MemoryDataParameter | undefined;
  readonly argmax_param: ArgMaxParameter | undefined;
  readonly eltwise_param: EltwiseParameter | undefined;
  readonly threshold_param: ThresholdParameter | undefined;
  readonly dummy_data_param: DummyDataParameter | undefined;
  readonly accuracy_param: AccuracyParameter | undefined;
  readonly hinge_loss_param: HingeLossParameter | undefined;
  readonly relu_param: ReLUParameter | undefined;
  readonly slice_param: SliceParameter | undefined;
  readonly include: readonly NetStateRule[];
  readonly exclude: readonly NetStateRule[];
  readonly mvn_param: MVNParameter | undefined;
  readonly loss_weight: readonly number[];
  readonly transform_param: TransformationParameter | undefined;
  readonly tanh_param: TanHParameter | undefined;
  readonly sigmoid_param: SigmoidParameter | undefined;
  readonly softmax_param: SoftmaxParameter | undefined;
  readonly contrastive_loss_param: ContrastiveLossParameter | undefined;
  readonly exp_param: ExpParameter | undefined;
  readonly loss_param: LossParameter | undefined;
  readonly param: readonly string[];
  readonly blob_share_mode: readonly V1LayerParameter_DimCheckMode[];
}

/** A layer of the first generation: the parameters of all types side by side, the type a lower-case word. */
export interface V0LayerParameter {
  readonly name: string;
  readonly type: string;
  readonly num_output: number;
  readonly biasterm: boolean;
  readonly weight_filler: FillerParameter | undefined;
  readonly bias_filler: FillerParameter | undefined;
  readonly pad: number;
  readonly kernelsize: number;
  readonly group: number;
  readonly stride: number;
  readonly pool: V0LayerParameter_PoolMethod;
  readonly dropout_ratio: number;
  readonly local_size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly source: string;
  readonly scale: number;
  readonly meanfile: string;
  readonly batchsize: number;
  readonly cropsize: number;
  readonly mirror: boolean;
  readonly k: number;
  readonly blobs: readonly BlobProto[];
  readonly blobs_lr: readonly number[];
  readonly weight_decay: readonly number[];
  readonly rand_skip: number;
  readonly det_fg_threshold: number;
  readonly det_bg_threshold: number;
  readonly det_fg_fraction: number;
  readonly det_context_pad: number;
  readonly det_crop_mode: string;
  readonly new_num: number;
  readonly new_channels: number;
  readonly new_height: number;
  readonly new_width: number;
  readonly shuffle_images: boolean;
  readonly concat_dim: number;
  readonly hdf5_output_param: HDF5OutputParameter | undefined;
}

/** Every message by its name. */
export interface MessageTypes {
  readonly BlobShape: BlobShape;
  readonly BlobProto: BlobProto;
  readonly BlobProtoVector: BlobProtoVector;
  readonly Datum: Datum;
  readonly FillerParameter: FillerParameter;
  readonly NetState: NetState;
  readonly NetStateRule: NetStateRule;
  readonly NetParameter: NetParameter;
  readonly ParamSpec: ParamSpec;
  readonly LayerParameter: LayerParameter;
  readonly TransformationParameter: TransformationParameter;
  readonly DataParameter: DataParameter;
  readonly DummyDataParameter: DummyDataParameter;
  readonly HDF5DataParameter: HDF5DataParameter;
  readonly HDF5OutputParameter: HDF5OutputParameter;
  readonly ImageDataParameter: ImageDataParameter;
  readonly InputParameter: InputParameter;
  readonly MemoryDataParameter: MemoryDataParameter;
  readonly ParameterParameter: ParameterParameter;
  readonly WindowDataParameter: WindowDataParameter;
  readonly BatchNormParameter: BatchNormParameter;
  readonly BiasParameter: BiasParameter;
  readonly ConvolutionParameter: ConvolutionParameter;
  readonly EmbedParameter: EmbedParameter;
  readonly InnerProductParameter: InnerProductParameter;
  readonly LRNParameter: LRNParameter;
  readonly MVNParameter: MVNParameter;
  readonly PoolingParameter: PoolingParameter;
  readonly RecurrentParameter: RecurrentParameter;
  readonly ScaleParameter: ScaleParameter;
  readonly SPPParameter: SPPParameter;
  readonly ClipParameter: ClipParameter;
  readonly DropoutParameter: DropoutParameter;
  readonly EltwiseParameter: EltwiseParameter;
  readonly ELUParameter: ELUParameter;
  readonly ExpParameter: ExpParameter;
  readonly LogParameter: LogParameter;
  readonly PowerParameter: PowerParameter;
  readonly PReLUParameter: PReLUParameter;
  readonly ReLUParameter: ReLUParameter;
  readonly SigmoidParameter: SigmoidParameter;
  readonly SwishParameter: SwishParameter;
  readonly TanHParameter: TanHParameter;
  readonly ThresholdParameter: ThresholdParameter;
  readonly ArgMaxParameter: ArgMaxParameter;
  readonly ConcatParameter: ConcatParameter;
  readonly CropParameter: CropParameter;
  readonly FlattenParameter: FlattenParameter;
  readonly PythonParameter: PythonParameter;
  readonly ReductionParameter: ReductionParameter;
  readonly ReshapeParameter: ReshapeParameter;
  readonly SliceParameter: SliceParameter;
  readonly SoftmaxParameter: SoftmaxParameter;
  readonly TileParameter: TileParameter;
  readonly LossParameter: LossParameter;
  readonly AccuracyParameter: AccuracyParameter;
  readonly ContrastiveLossParameter: ContrastiveLossParameter;
  readonly HingeLossParameter: HingeLossParameter;
  readonly InfogainLossParameter: InfogainLossParameter;
  readonly SolverParameter: SolverParameter;
  readonly SolverState: SolverState;
  readonly V1LayerParameter: V1LayerParameter;
  readonly V0LayerParameter: V0LayerParameter;
}

/** The schema, as protobufjs reads it with `Root.fromJSON`. */
export const descriptor = {
 "nested": {
  "caffe": {
   "nested": {
    "BlobShape": {
     "edition": "proto2",
     "fields": {
      "dim": {
       "rule": "repeated",
       "type": "int64",
       "id": 1,
       "options": {
        "packed": true
       }
      }
     }
    },
    "BlobProto": {
     "edition": "proto2",
     "fields": {
      "num": {
       "type": "int32",
       "id": 1,
       "options": {
        "default": 0
       }
      },
      "channels": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 0
       }
      },
      "height": {
       "type": "int32",
       "id": 3,
       "options": {
        "default": 0
       }
      },
      "width": {
       "type": "int32",
       "id": 4,
       "options": {
        "default": 0
       }
      },
      "data": {
       "rule": "repeated",
       "type": "float",
       "id": 5,
       "options": {
        "packed": true
       }
      },
      "diff": {
       "rule": "repeated",
       "type": "float",
       "id": 6,
       "options": {
        "packed": true
       }
      },
      "shape": {
       "type": "BlobShape",
       "id": 7
      },
      "double_data": {
       "rule": "repeated",
       "type": "double",
       "id": 8,
       "options": {
        "packed": true
       }
      },
      "double_diff": {
       "rule": "repeated",
       "type": "double",
       "id": 9,
       "options": {
        "packed": true
       }
      },
      "raw_data_type": {
       "type": "int32",
       "id": 10
      },
      "raw_data": {
       "type": "bytes",
       "id": 12
      }
     }
    },
    "BlobProtoVector": {
     "edition": "proto2",
     "fields": {
      "blobs": {
       "rule": "repeated",
       "type": "BlobProto",
       "id": 1
      }
     }
    },
    "Datum": {
     "edition": "proto2",
     "fields": {
      "channels": {
       "type": "int32",
       "id": 1
      },
      "height": {
       "type": "int32",
       "id": 2
      },
      "width": {
       "type": "int32",
       "id": 3
      },
      "data": {
       "type": "bytes",
       "id": 4
      },
      "label": {
       "type": "int32",
       "id": 5
      },
      "float_data": {
       "rule": "repeated",
       "type": "float",
       "id": 6
      },
      "encoded": {
       "type": "bool",
       "id": 7,
       "options": {
        "default": false
       }
      }
     }
    },
    "FillerParameter": {
     "edition": "proto2",
     "fields": {
      "type": {
       "type": "string",
       "id": 1,
       "options": {
        "default": "constant"
       }
      },
      "value": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 0
       }
      },
      "min": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 0
       }
      },
      "max": {
       "type": "float",
       "id": 4,
       "options": {
        "default": 1
       }
      },
      "mean": {
       "type": "float",
       "id": 5,
       "options": {
        "default": 0
       }
      },
      "std": {
       "type": "float",
       "id": 6,
       "options": {
        "default": 1
       }
      },
      "sparse": {
       "type": "int32",
       "id": 7,
       "options": {
        "default": -1
       }
      },
      "variance_norm": {
       "type": "VarianceNorm",
       "id": 8,
       "options": {
        "default": "FAN_IN"
       }
      }
     },
     "nested": {
      "VarianceNorm": {
       "values": {
        "FAN_IN": 0,
        "FAN_OUT": 1,
        "AVERAGE": 2
       }
      }
     }
    },
    "Phase": {
     "edition": "proto2",
     "values": {
      "TRAIN": 0,
      "TEST": 1
     }
    },
    "NetState": {
     "edition": "proto2",
     "fields": {
      "phase": {
       "type": "Phase",
       "id": 1,
       "options": {
        "default": "TEST"
       }
      },
      "level": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 0
       }
      },
      "stage": {
       "rule": "repeated",
       "type": "string",
       "id": 3
      }
     }
    },
    "NetStateRule": {
     "edition": "proto2",
     "fields": {
      "phase": {
       "type": "Phase",
       "id": 1
      },
      "min_level": {
       "type": "int32",
       "id": 2
      },
      "max_level": {
       "type": "int32",
       "id": 3
      },
      "stage": {
       "rule": "repeated",
       "type": "string",
       "id": 4
      },
      "not_stage": {
       "rule": "repeated",
       "type": "string",
       "id": 5
      }
     }
    },
    "NetParameter": {
     "edition": "proto2",
     "fields": {
      "name": {
       "type": "string",
       "id": 1
      },
      "layers": {
       "rule": "repeated",
       "type": "V1LayerParameter",
       "id": 2
      },
      "input": {
       "rule": "repeated",
       "type": "string",
       "id": 3
      },
      "input_dim": {
       "rule": "repeated",
       "type": "int32",
       "id": 4
      },
      "force_backward": {
       "type": "bool",
       "id": 5,
       "options": {
        "default": false
       }
      },
      "state": {
       "type": "NetState",
       "id": 6
      },
      "debug_info": {
       "type": "bool",
       "id": 7,
       "options": {
        "default": false
       }
      },
      "input_shape": {
       "rule": "repeated",
       "type": "BlobShape",
       "id": 8
      },
      "layer": {
       "rule": "repeated",
       "type": "LayerParameter",
       "id": 100
      }
     }
    },
    "ParamSpec": {
     "edition": "proto2",
     "fields": {
      "name": {
       "type": "string",
       "id": 1
      },
      "share_mode": {
       "type": "DimCheckMode",
       "id": 2
      },
      "lr_mult": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 1
       }
      },
      "decay_mult": {
       "type": "float",
       "id": 4,
       "options": {
        "default": 1
       }
      }
     },
     "nested": {
      "DimCheckMode": {
       "values": {
        "STRICT": 0,
        "PERMISSIVE": 1
       }
      }
     }
    },
    "LayerParameter": {
     "edition": "proto2",
     "fields": {
      "name": {
       "type": "string",
       "id": 1
      },
      "type": {
       "type": "string",
       "id": 2
      },
      "bottom": {
       "rule": "repeated",
       "type": "string",
       "id": 3
      },
      "top": {
       "rule": "repeated",
       "type": "string",
       "id": 4
      },
      "loss_weight": {
       "rule": "repeated",
       "type": "float",
       "id": 5
      },
      "param": {
       "rule": "repeated",
       "type": "ParamSpec",
       "id": 6
      },
      "blobs": {
       "rule": "repeated",
       "type": "BlobProto",
       "id": 7
      },
      "include": {
       "rule": "repeated",
       "type": "NetStateRule",
       "id": 8
      },
      "exclude": {
       "rule": "repeated",
       "type": "NetStateRule",
       "id": 9
      },
      "phase": {
       "type": "Phase",
       "id": 10
      },
      "propagate_down": {
       "rule": "repeated",
       "type": "bool",
       "id": 11
      },
      "transform_param": {
       "type": "TransformationParameter",
       "id": 100
      },
      "loss_param": {
       "type": "LossParameter",
       "id": 101
      },
      "accuracy_param": {
       "type": "AccuracyParameter",
       "id": 102
      },
      "argmax_param": {
       "type": "ArgMaxParameter",
       "id": 103
      },
      "concat_param": {
       "type": "ConcatParameter",
       "id": 104
      },
      "contrastive_loss_param": {
       "type": "ContrastiveLossParameter",
       "id": 105
      },
      "convolution_param": {
       "type": "ConvolutionParameter",
       "id": 106
      },
      "data_param": {
       "type": "DataParameter",
       "id": 107
      },
      "dropout_param": {
       "type": "DropoutParameter",
       "id": 108
      },
      "dummy_data_param": {
       "type": "DummyDataParameter",
       "id": 109
      },
      "eltwise_param": {
       "type": "EltwiseParameter",
       "id": 110
      },
      "exp_param": {
       "type": "ExpParameter",
       "id": 111
      },
      "hdf5_data_param": {
       "type": "HDF5DataParameter",
       "id": 112
      },
      "hdf5_output_param": {
       "type": "HDF5OutputParameter",
       "id": 113
      },
      "hinge_loss_param": {
       "type": "HingeLossParameter",
       "id": 114
      },
      "image_data_param": {
       "type": "ImageDataParameter",
       "id": 115
      },
      "infogain_loss_param": {
       "type": "InfogainLossParameter",
       "id": 116
      },
      "inner_product_param": {
       "type": "InnerProductParameter",
       "id": 117
      },
      "lrn_param": {
       "type": "LRNParameter",
       "id": 118
      },
      "memory_data_param": {
       "type": "MemoryDataParameter",
       "id": 119
      },
      "mvn_param": {
       "type": "MVNParameter",
       "id": 120
      },
      "pooling_param": {
       "type": "PoolingParameter",
       "id": 121
      },
      "power_param": {
       "type": "PowerParameter",
       "id": 122
      },
      "relu_param": {
       "type": "ReLUParameter",
       "id": 123
      },
      "sigmoid_param": {
       "type": "SigmoidParameter",
       "id": 124
      },
      "softmax_param": {
       "type": "SoftmaxParameter",
       "id": 125
      },
      "slice_param": {
       "type": "SliceParameter",
       "id": 126
      },
      "tanh_param": {
       "type": "TanHParameter",
       "id": 127
      },
      "threshold_param": {
       "type": "ThresholdParameter",
       "id": 128
      },
      "window_data_param": {
       "type": "WindowDataParameter",
       "id": 129
      },
      "python_param": {
       "type": "PythonParameter",
       "id": 130
      },
      "prelu_param": {
       "type": "PReLUParameter",
       "id": 131
      },
      "spp_param": {
       "type": "SPPParameter",
       "id": 132
      },
      "reshape_param": {
       "type": "ReshapeParameter",
       "id": 133
      },
      "log_param": {
       "type": "LogParameter",
       "id": 134
      },
      "flatten_param": {
       "type": "FlattenParameter",
       "id": 135
      },
      "reduction_param": {
       "type": "ReductionParameter",
       "id": 136
      },
      "embed_param": {
       "type": "EmbedParameter",
       "id": 137
      },
      "tile_param": {
       "type": "TileParameter",
       "id": 138
      },
      "batch_norm_param": {
       "type": "BatchNormParameter",
       "id": 139
      },
      "elu_param": {
       "type": "ELUParameter",
       "id": 140
      },
      "bias_param": {
       "type": "BiasParameter",
       "id": 141
      },
      "scale_param": {
       "type": "ScaleParameter",
       "id": 142
      },
      "input_param": {
       "type": "InputParameter",
       "id": 143
      },
      "crop_param": {
       "type": "CropParameter",
       "id": 144
      },
      "parameter_param": {
       "type": "ParameterParameter",
       "id": 145
      },
      "recurrent_param": {
       "type": "RecurrentParameter",
       "id": 146
      },
      "swish_param": {
       "type": "SwishParameter",
       "id": 147
      },
      "clip_param": {
       "type": "ClipParameter",
       "id": 148
      }
     }
    },
    "TransformationParameter": {
     "edition": "proto2",
     "fields": {
      "scale": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "mirror": {
       "type": "bool",
       "id": 2,
       "options": {
        "default": false
       }
      },
      "crop_size": {
       "type": "uint32",
       "id": 3,
       "options": {
        "default": 0
       }
      },
      "mean_file": {
       "type": "string",
       "id": 4
      },
      "mean_value": {
       "rule": "repeated",
       "type": "float",
       "id": 5
      },
      "force_color": {
       "type": "bool",
       "id": 6,
       "options": {
        "default": false
       }
      },
      "force_gray": {
       "type": "bool",
       "id": 7,
       "options": {
        "default": false
       }
      }
     }
    },
    "DataParameter": {
     "edition": "proto2",
     "fields": {
      "source": {
       "type": "string",
       "id": 1
      },
      "scale": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "mean_file": {
       "type": "string",
       "id": 3
      },
      "batch_size": {
       "type": "uint32",
       "id": 4
      },
      "crop_size": {
       "type": "uint32",
       "id": 5,
       "options": {
        "default": 0
       }
      },
      "mirror": {
       "type": "bool",
       "id": 6,
       "options": {
        "default": false
       }
      },
      "rand_skip": {
       "type": "uint32",
       "id": 7,
       "options": {
        "default": 0
       }
      },
      "backend": {
       "type": "DB",
       "id": 8,
       "options": {
        "default": "LEVELDB"
       }
      },
      "force_encoded_color": {
       "type": "bool",
       "id": 9,
       "options": {
        "default": false
       }
      },
      "prefetch": {
       "type": "uint32",
       "id": 10,
       "options": {
        "default": 4
       }
      },
      "shuffle": {
       "type": "bool",
       "id": 1000,
       "options": {
        "default": false
       }
      }
     },
     "nested": {
      "DB": {
       "values": {
        "LEVELDB": 0,
        "LMDB": 1
       }
      }
     }
    },
    "DummyDataParameter": {
     "edition": "proto2",
     "fields": {
      "data_filler": {
       "rule": "repeated",
       "type": "FillerParameter",
       "id": 1
      },
      "num": {
       "rule": "repeated",
       "type": "uint32",
       "id": 2
      },
      "channels": {
       "rule": "repeated",
       "type": "uint32",
       "id": 3
      },
      "height": {
       "rule": "repeated",
       "type": "uint32",
       "id": 4
      },
      "width": {
       "rule": "repeated",
       "type": "uint32",
       "id": 5
      },
      "shape": {
       "rule": "repeated",
       "type": "BlobShape",
       "id": 6
      }
     }
    },
    "HDF5DataParameter": {
     "edition": "proto2",
     "fields": {
      "source": {
       "type": "string",
       "id": 1
      },
      "batch_size": {
       "type": "uint32",
       "id": 2
      },
      "shuffle": {
       "type": "bool",
       "id": 3,
       "options": {
        "default": false
       }
      }
     }
    },
    "HDF5OutputParameter": {
     "edition": "proto2",
     "fields": {
      "file_name": {
       "type": "string",
       "id": 1
      }
     }
    },
    "ImageDataParameter": {
     "edition": "proto2",
     "fields": {
      "source": {
       "type": "string",
       "id": 1
      },
      "scale": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "mean_file": {
       "type": "string",
       "id": 3
      },
      "batch_size": {
       "type": "uint32",
       "id": 4,
       "options": {
        "default": 1
       }
      },
      "crop_size": {
       "type": "uint32",
       "id": 5,
       "options": {
        "default": 0
       }
      },
      "mirror": {
       "type": "bool",
       "id": 6,
       "options": {
        "default": false
       }
      },
      "rand_skip": {
       "type": "uint32",
       "id": 7,
       "options": {
        "default": 0
       }
      },
      "shuffle": {
       "type": "bool",
       "id": 8,
       "options": {
        "default": false
       }
      },
      "new_height": {
       "type": "uint32",
       "id": 9,
       "options": {
        "default": 0
       }
      },
      "new_width": {
       "type": "uint32",
       "id": 10,
       "options": {
        "default": 0
       }
      },
      "is_color": {
       "type": "bool",
       "id": 11,
       "options": {
        "default": true
       }
      },
      "root_folder": {
       "type": "string",
       "id": 12,
       "options": {
        "default": ""
       }
      }
     }
    },
    "InputParameter": {
     "edition": "proto2",
     "fields": {
      "shape": {
       "rule": "repeated",
       "type": "BlobShape",
       "id": 1
      }
     }
    },
    "MemoryDataParameter": {
     "edition": "proto2",
     "fields": {
      "batch_size": {
       "type": "uint32",
       "id": 1
      },
      "channels": {
       "type": "uint32",
       "id": 2
      },
      "height": {
       "type": "uint32",
       "id": 3
      },
      "width": {
       "type": "uint32",
       "id": 4
      }
     }
    },
    "ParameterParameter": {
     "edition": "proto2",
     "fields": {
      "shape": {
       "type": "BlobShape",
       "id": 1
      }
     }
    },
    "WindowDataParameter": {
     "edition": "proto2",
     "fields": {
      "source": {
       "type": "string",
       "id": 1
      },
      "scale": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "mean_file": {
       "type": "string",
       "id": 3
      },
      "batch_size": {
       "type": "uint32",
       "id": 4
      },
      "crop_size": {
       "type": "uint32",
       "id": 5,
       "options": {
        "default": 0
       }
      },
      "mirror": {
       "type": "bool",
       "id": 6,
       "options": {
        "default": false
       }
      },
      "fg_threshold": {
       "type": "float",
       "id": 7,
       "options": {
        "default": 0.5
       }
      },
      "bg_threshold": {
       "type": "float",
       "id": 8,
       "options": {
        "default": 0.5
       }
      },
      "fg_fraction": {
       "type": "float",
       "id": 9,
       "options": {
        "default": 0.25
       }
      },
      "context_pad": {
       "type": "uint32",
       "id": 10,
       "options": {
        "default": 0
       }
      },
      "crop_mode": {
       "type": "string",
       "id": 11,
       "options": {
        "default": "warp"
       }
      },
      "cache_images": {
       "type": "bool",
       "id": 12,
       "options": {
        "default": false
       }
      },
      "root_folder": {
       "type": "string",
       "id": 13,
       "options": {
        "default": ""
       }
      }
     }
    },
    "BatchNormParameter": {
     "edition": "proto2",
     "fields": {
      "use_global_stats": {
       "type": "bool",
       "id": 1
      },
      "moving_average_fraction": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 0.999
       }
      },
      "eps": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 0.00001
       }
      }
     }
    },
    "BiasParameter": {
     "edition": "proto2",
     "fields": {
      "axis": {
       "type": "int32",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "num_axes": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "filler": {
       "type": "FillerParameter",
       "id": 3
      }
     }
    },
    "ConvolutionParameter": {
     "edition": "proto2",
     "fields": {
      "num_output": {
       "type": "uint32",
       "id": 1
      },
      "bias_term": {
       "type": "bool",
       "id": 2,
       "options": {
        "default": true
       }
      },
      "pad": {
       "rule": "repeated",
       "type": "uint32",
       "id": 3
      },
      "kernel_size": {
       "rule": "repeated",
       "type": "uint32",
       "id": 4
      },
      "group": {
       "type": "uint32",
       "id": 5,
       "options": {
        "default": 1
       }
      },
      "stride": {
       "rule": "repeated",
       "type": "uint32",
       "id": 6
      },
      "weight_filler": {
       "type": "FillerParameter",
       "id": 7
      },
      "bias_filler": {
       "type": "FillerParameter",
       "id": 8
      },
      "pad_h": {
       "type": "uint32",
       "id": 9,
       "options": {
        "default": 0
       }
      },
      "pad_w": {
       "type": "uint32",
       "id": 10,
       "options": {
        "default": 0
       }
      },
      "kernel_h": {
       "type": "uint32",
       "id": 11
      },
      "kernel_w": {
       "type": "uint32",
       "id": 12
      },
      "stride_h": {
       "type": "uint32",
       "id": 13
      },
      "stride_w": {
       "type": "uint32",
       "id": 14
      },
      "engine": {
       "type": "Engine",
       "id": 15,
       "options": {
        "default": "DEFAULT"
       }
      },
      "axis": {
       "type": "int32",
       "id": 16,
       "options": {
        "default": 1
       }
      },
      "force_nd_im2col": {
       "type": "bool",
       "id": 17,
       "options": {
        "default": false
       }
      },
      "dilation": {
       "rule": "repeated",
       "type": "uint32",
       "id": 18
      }
     },
     "nested": {
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      }
     }
    },
    "EmbedParameter": {
     "edition": "proto2",
     "fields": {
      "num_output": {
       "type": "uint32",
       "id": 1
      },
      "input_dim": {
       "type": "uint32",
       "id": 2
      },
      "bias_term": {
       "type": "bool",
       "id": 3,
       "options": {
        "default": true
       }
      },
      "weight_filler": {
       "type": "FillerParameter",
       "id": 4
      },
      "bias_filler": {
       "type": "FillerParameter",
       "id": 5
      }
     }
    },
    "InnerProductParameter": {
     "edition": "proto2",
     "fields": {
      "num_output": {
       "type": "uint32",
       "id": 1
      },
      "bias_term": {
       "type": "bool",
       "id": 2,
       "options": {
        "default": true
       }
      },
      "weight_filler": {
       "type": "FillerParameter",
       "id": 3
      },
      "bias_filler": {
       "type": "FillerParameter",
       "id": 4
      },
      "axis": {
       "type": "int32",
       "id": 5,
       "options": {
        "default": 1
       }
      },
      "transpose": {
       "type": "bool",
       "id": 6,
       "options": {
        "default": false
       }
      }
     }
    },
    "LRNParameter": {
     "edition": "proto2",
     "fields": {
      "local_size": {
       "type": "uint32",
       "id": 1,
       "options": {
        "default": 5
       }
      },
      "alpha": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "beta": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 0.75
       }
      },
      "norm_region": {
       "type": "NormRegion",
       "id": 4,
       "options": {
        "default": "ACROSS_CHANNELS"
       }
      },
      "k": {
       "type": "float",
       "id": 5,
       "options": {
        "default": 1
       }
      },
      "engine": {
       "type": "Engine",
       "id": 6,
       "options": {
        "default": "DEFAULT"
       }
      }
     },
     "nested": {
      "NormRegion": {
       "values": {
        "ACROSS_CHANNELS": 0,
        "WITHIN_CHANNEL": 1
       }
      },
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      }
     }
    },
    "MVNParameter": {
     "edition": "proto2",
     "fields": {
      "normalize_variance": {
       "type": "bool",
       "id": 1,
       "options": {
        "default": true
       }
      },
      "across_channels": {
       "type": "bool",
       "id": 2,
       "options": {
        "default": false
       }
      },
      "eps": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 1e-9
       }
      }
     }
    },
    "PoolingParameter": {
     "edition": "proto2",
     "fields": {
      "pool": {
       "type": "PoolMethod",
       "id": 1,
       "options": {
        "default": "MAX"
       }
      },
      "kernel_size": {
       "type": "uint32",
       "id": 2
      },
      "stride": {
       "type": "uint32",
       "id": 3,
       "options": {
        "default": 1
       }
      },
      "pad": {
       "type": "uint32",
       "id": 4,
       "options": {
        "default": 0
       }
      },
      "kernel_h": {
       "type": "uint32",
       "id": 5
      },
      "kernel_w": {
       "type": "uint32",
       "id": 6
      },
      "stride_h": {
       "type": "uint32",
       "id": 7
      },
      "stride_w": {
       "type": "uint32",
       "id": 8
      },
      "pad_h": {
       "type": "uint32",
       "id": 9,
       "options": {
        "default": 0
       }
      },
      "pad_w": {
       "type": "uint32",
       "id": 10,
       "options": {
        "default": 0
       }
      },
      "engine": {
       "type": "Engine",
       "id": 11,
       "options": {
        "default": "DEFAULT"
       }
      },
      "global_pooling": {
       "type": "bool",
       "id": 12,
       "options": {
        "default": false
       }
      },
      "round_mode": {
       "type": "RoundMode",
       "id": 13,
       "options": {
        "default": "CEIL"
       }
      }
     },
     "nested": {
      "PoolMethod": {
       "values": {
        "MAX": 0,
        "AVE": 1,
        "STOCHASTIC": 2
       }
      },
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      },
      "RoundMode": {
       "values": {
        "CEIL": 0,
        "FLOOR": 1
       }
      }
     }
    },
    "RecurrentParameter": {
     "edition": "proto2",
     "fields": {
      "num_output": {
       "type": "uint32",
       "id": 1,
       "options": {
        "default": 0
       }
      },
      "weight_filler": {
       "type": "FillerParameter",
       "id": 2
      },
      "bias_filler": {
       "type": "FillerParameter",
       "id": 3
      },
      "debug_info": {
       "type": "bool",
       "id": 4,
       "options": {
        "default": false
       }
      },
      "expose_hidden": {
       "type": "bool",
       "id": 5,
       "options": {
        "default": false
       }
      }
     }
    },
    "ScaleParameter": {
     "edition": "proto2",
     "fields": {
      "axis": {
       "type": "int32",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "num_axes": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "filler": {
       "type": "FillerParameter",
       "id": 3
      },
      "bias_term": {
       "type": "bool",
       "id": 4,
       "options": {
        "default": false
       }
      },
      "bias_filler": {
       "type": "FillerParameter",
       "id": 5
      }
     }
    },
    "SPPParameter": {
     "edition": "proto2",
     "fields": {
      "pyramid_height": {
       "type": "uint32",
       "id": 1
      },
      "pool": {
       "type": "PoolMethod",
       "id": 2,
       "options": {
        "default": "MAX"
       }
      },
      "engine": {
       "type": "Engine",
       "id": 6,
       "options": {
        "default": "DEFAULT"
       }
      }
     },
     "nested": {
      "PoolMethod": {
       "values": {
        "MAX": 0,
        "AVE": 1,
        "STOCHASTIC": 2
       }
      },
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      }
     }
    },
    "ClipParameter": {
     "edition": "proto2",
     "fields": {
      "min": {
       "rule": "required",
       "type": "float",
       "id": 1
      },
      "max": {
       "rule": "required",
       "type": "float",
       "id": 2
      }
     }
    },
    "DropoutParameter": {
     "edition": "proto2",
     "fields": {
      "dropout_ratio": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 0.5
       }
      }
     }
    },
    "EltwiseParameter": {
     "edition": "proto2",
     "fields": {
      "operation": {
       "type": "EltwiseOp",
       "id": 1,
       "options": {
        "default": "SUM"
       }
      },
      "coeff": {
       "rule": "repeated",
       "type": "float",
       "id": 2
      },
      "stable_prod_grad": {
       "type": "bool",
       "id": 3,
       "options": {
        "default": true
       }
      }
     },
     "nested": {
      "EltwiseOp": {
       "values": {
        "PROD": 0,
        "SUM": 1,
        "MAX": 2
       }
      }
     }
    },
    "ELUParameter": {
     "edition": "proto2",
     "fields": {
      "alpha": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 1
       }
      }
     }
    },
    "ExpParameter": {
     "edition": "proto2",
     "fields": {
      "base": {
       "type": "float",
       "id": 1,
       "options": {
        "default": -1
       }
      },
      "scale": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "shift": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 0
       }
      }
     }
    },
    "LogParameter": {
     "edition": "proto2",
     "fields": {
      "base": {
       "type": "float",
       "id": 1,
       "options": {
        "default": -1
       }
      },
      "scale": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "shift": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 0
       }
      }
     }
    },
    "PowerParameter": {
     "edition": "proto2",
     "fields": {
      "power": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "scale": {
       "type": "float",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "shift": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 0
       }
      }
     }
    },
    "PReLUParameter": {
     "edition": "proto2",
     "fields": {
      "filler": {
       "type": "FillerParameter",
       "id": 1
      },
      "channel_shared": {
       "type": "bool",
       "id": 2,
       "options": {
        "default": false
       }
      }
     }
    },
    "ReLUParameter": {
     "edition": "proto2",
     "fields": {
      "negative_slope": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 0
       }
      },
      "engine": {
       "type": "Engine",
       "id": 2,
       "options": {
        "default": "DEFAULT"
       }
      }
     },
     "nested": {
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      }
     }
    },
    "SigmoidParameter": {
     "edition": "proto2",
     "fields": {
      "engine": {
       "type": "Engine",
       "id": 1,
       "options": {
        "default": "DEFAULT"
       }
      }
     },
     "nested": {
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      }
     }
    },
    "SwishParameter": {
     "edition": "proto2",
     "fields": {
      "beta": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 1
       }
      }
     }
    },
    "TanHParameter": {
     "edition": "proto2",
     "fields": {
      "engine": {
       "type": "Engine",
       "id": 1,
       "options": {
        "default": "DEFAULT"
       }
      }
     },
     "nested": {
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      }
     }
    },
    "ThresholdParameter": {
     "edition": "proto2",
     "fields": {
      "threshold": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 0
       }
      }
     }
    },
    "ArgMaxParameter": {
     "edition": "proto2",
     "fields": {
      "out_max_val": {
       "type": "bool",
       "id": 1,
       "options": {
        "default": false
       }
      },
      "top_k": {
       "type": "uint32",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "axis": {
       "type": "int32",
       "id": 3
      }
     }
    },
    "ConcatParameter": {
     "edition": "proto2",
     "fields": {
      "concat_dim": {
       "type": "uint32",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "axis": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 1
       }
      }
     }
    },
    "CropParameter": {
     "edition": "proto2",
     "fields": {
      "axis": {
       "type": "int32",
       "id": 1,
       "options": {
        "default": 2
       }
      },
      "offset": {
       "rule": "repeated",
       "type": "uint32",
       "id": 2
      }
     }
    },
    "FlattenParameter": {
     "edition": "proto2",
     "fields": {
      "axis": {
       "type": "int32",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "end_axis": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": -1
       }
      }
     }
    },
    "PythonParameter": {
     "edition": "proto2",
     "fields": {
      "module": {
       "type": "string",
       "id": 1
      },
      "layer": {
       "type": "string",
       "id": 2
      },
      "param_str": {
       "type": "string",
       "id": 3,
       "options": {
        "default": ""
       }
      },
      "share_in_parallel": {
       "type": "bool",
       "id": 4,
       "options": {
        "default": false
       }
      }
     }
    },
    "ReductionParameter": {
     "edition": "proto2",
     "fields": {
      "operation": {
       "type": "ReductionOp",
       "id": 1,
       "options": {
        "default": "SUM"
       }
      },
      "axis": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 0
       }
      },
      "coeff": {
       "type": "float",
       "id": 3,
       "options": {
        "default": 1
       }
      }
     },
     "nested": {
      "ReductionOp": {
       "values": {
        "SUM": 1,
        "ASUM": 2,
        "SUMSQ": 3,
        "MEAN": 4
       }
      }
     }
    },
    "ReshapeParameter": {
     "edition": "proto2",
     "fields": {
      "shape": {
       "type": "BlobShape",
       "id": 1
      },
      "axis": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 0
       }
      },
      "num_axes": {
       "type": "int32",
       "id": 3,
       "options": {
        "default": -1
       }
      }
     }
    },
    "SliceParameter": {
     "edition": "proto2",
     "fields": {
      "slice_dim": {
       "type": "uint32",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "slice_point": {
       "rule": "repeated",
       "type": "uint32",
       "id": 2
      },
      "axis": {
       "type": "int32",
       "id": 3,
       "options": {
        "default": 1
       }
      }
     }
    },
    "SoftmaxParameter": {
     "edition": "proto2",
     "fields": {
      "engine": {
       "type": "Engine",
       "id": 1,
       "options": {
        "default": "DEFAULT"
       }
      },
      "axis": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 1
       }
      }
     },
     "nested": {
      "Engine": {
       "values": {
        "DEFAULT": 0,
        "CAFFE": 1,
        "CUDNN": 2
       }
      }
     }
    },
    "TileParameter": {
     "edition": "proto2",
     "fields": {
      "axis": {
       "type": "int32",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "tiles": {
       "type": "int32",
       "id": 2
      }
     }
    },
    "LossParameter": {
     "edition": "proto2",
     "fields": {
      "ignore_label": {
       "type": "int32",
       "id": 1
      },
      "normalize": {
       "type": "bool",
       "id": 2
      },
      "normalization": {
       "type": "NormalizationMode",
       "id": 3,
       "options": {
        "default": "VALID"
       }
      }
     },
     "nested": {
      "NormalizationMode": {
       "values": {
        "FULL": 0,
        "VALID": 1,
        "BATCH_SIZE": 2,
        "NONE": 3
       }
      }
     }
    },
    "AccuracyParameter": {
     "edition": "proto2",
     "fields": {
      "top_k": {
       "type": "uint32",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "axis": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 1
       }
      },
      "ignore_label": {
       "type": "int32",
       "id": 3
      }
     }
    },
    "ContrastiveLossParameter": {
     "edition": "proto2",
     "fields": {
      "margin": {
       "type": "float",
       "id": 1,
       "options": {
        "default": 1
       }
      },
      "legacy_version": {
       "type": "bool",
       "id": 2,
       "options": {
        "default": false
       }
      }
     }
    },
    "HingeLossParameter": {
     "edition": "proto2",
     "fields": {
      "norm": {
       "type": "Norm",
       "id": 1,
       "options": {
        "default": "L1"
       }
      }
     },
     "nested": {
      "Norm": {
       "values": {
        "L1": 1,
        "L2": 2
       }
      }
     }
    },
    "InfogainLossParameter": {
     "edition": "proto2",
     "fields": {
      "source": {
       "type": "string",
       "id": 1
      },
      "axis": {
       "type": "int32",
       "id": 2,
       "options": {
        "default": 1
       }
      }
     }
    },
    "SolverParameter": {
     "edition": "proto2",
     "fields": {
      "train_net": {
       "type": "string",
       "id": 1
      },
      "test_net": {
       "rule": "repeated",
       "type": "string",
       "id": 2
      },
      "test_iter": {
       "rule": "repeated",
       "type": "int32",
       "id": 3
      },
      "test_interval": {
       "type": "int32",
       "id": 4,
       "options": {
        "default": 0
       }
      },
      "base_lr": {
       "type": "float",
       "id": 5
      },
      "display": {
       "type": "int32",
       "id": 6
      },
      "max_iter": {
       "type": "int32",
       "id": 7
      },
      "lr_policy": {
       "type": "string",
       "id": 8
      },
      "gamma": {
       "type": "float",
       "id": 9
      },
      "power": {
       "type": "float",
       "id": 10
      },
      "momentum": {
       "type": "float",
       "id": 11
      },
      "weight_decay": {
       "type": "float",
       "id": 12
      },
      "stepsize": {
       "type": "int32",
       "id": 13
      },
      "snapshot": {
       "type": "int32",
       "id": 14,
       "options": {
        "default": 0
       }
      },
      "snapshot_prefix": {
       "type": "string",
       "id": 15
      },
      "snapshot_diff": {
       "type": "bool",
       "id": 16,
       "options": {
        "default": false
       }
      },
      "solver_mode": {
       "type": "SolverMode",
       "id": 17,
       "options": {
        "default": "GPU"
       }
      },
      "device_id": {
       "type": "int32",
       "id": 18,
       "options": {
        "default": 0
       }
      },
      "test_compute_loss": {
       "type": "bool",
       "id": 19,
       "options": {
        "default": false
       }
      },
      "random_seed": {
       "type": "int64",
       "id": 20,
       "options": {
        "default": -1
       }
      },
      "train_net_param": {
       "type": "NetParameter",
       "id": 21
      },
      "test_net_param": {
       "rule": "repeated",
       "type": "NetParameter",
       "id": 22
      },
      "debug_info": {
       "type": "bool",
       "id": 23,
       "options": {
        "default": false
       }
      },
      "net": {
       "type": "string",
       "id": 24
      },
      "net_param": {
       "type": "NetParameter",
       "id": 25
      },
      "train_state": {
       "type": "NetState",
       "id": 26
      },
      "test_state": {
       "rule": "repeated",
       "type": "NetState",
       "id": 27
      },
      "snapshot_after_train": {
       "type": "bool",
       "id": 28,
       "options": {
        "default": true
       }
      },
      "regularization_type": {
       "type": "string",
       "id": 29,
       "options": {
        "default": "L2"
       }
      },
      "solver_type": {
       "type": "SolverType",
       "id": 30,
       "options": {
        "default": "SGD"
       }
      },
      "delta": {
       "type": "float",
       "id": 31,
       "options": {
        "default": 1e-8
       }
      },
      "test_initialization": {
       "type": "bool",
       "id": 32,
       "options": {
        "default": true
       }
      },
      "average_loss": {
       "type": "int32",
       "id": 33,
       "options": {
        "default": 1
       }
      },
      "stepvalue": {
       "rule": "repeated",
       "type": "int32",
       "id": 34
      },
      "clip_gradients": {
       "type": "float",
       "id": 35,
       "options": {
        "default": -1
       }
      },
      "iter_size": {
       "type": "int32",
       "id": 36,
       "options": {
        "default": 1
       }
      },
      "snapshot_format": {
       "type": "SnapshotFormat",
       "id": 37,
       "options": {
        "default": "BINARYPROTO"
       }
      },
      "rms_decay": {
       "type": "float",
       "id": 38,
       "options": {
        "default": 0.99
       }
      },
      "momentum2": {
       "type": "float",
       "id": 39,
       "options": {
        "default": 0.999
       }
      },
      "type": {
       "type": "string",
       "id": 40,
       "options": {
        "default": "SGD"
       }
      },
      "layer_wise_reduce": {
       "type": "bool",
       "id": 41,
       "options": {
        "default": true
       }
      },
      "weights": {
       "rule": "repeated",
       "type": "string",
       "id": 42
      }
     },
     "nested": {
      "SolverMode": {
       "values": {
        "CPU": 0,
        "GPU": 1
       }
      },
      "SnapshotFormat": {
       "values": {
        "HDF5": 0,
        "BINARYPROTO": 1
       }
      },
      "SolverType": {
       "values": {
        "SGD": 0,
        "NESTEROV": 1,
        "ADAGRAD": 2,
        "RMSPROP": 3,
        "ADADELTA": 4,
        "ADAM": 5
       }
      }
     }
    },
    "SolverState": {
     "edition": "proto2",
     "fields": {
      "iter": {
       "type": "int32",
       "id": 1
      },
      "learned_net": {
       "type": "string",
       "id": 2
      },
      "history": {
       "rule": "repeated",
       "type": "BlobProto",
       "id": 3
      },
      "current_step": {
       "type": "int32",
       "id": 4,
       "options": {
        "default": 0
       }
      }
     }
    },
    "V1LayerParameter": {
     "edition": "proto2",
     "fields": {
      "layer": {
       "type": "V0LayerParameter",
       "id": 1
      },
      "bottom": {
       "rule": "repeated",
       "type": "string",
       "id": 2
      },
      "top": {
       "rule": "repeated",
       "type": "string",
       "id": 3
      },
      "name": {
       "type": "string",
       "id": 4
      },
      "type": {
       "type": "LayerType",
       "id": 5
      },
      "blobs": {
       "rule": "repeated",
       "type": "BlobProto",
       "id": 6
      },
      "blobs_lr": {
       "rule": "repeated",
       "type": "float",
       "id": 7
      },
      "weight_decay": {
       "rule": "repeated",
       "type": "float",
       "id": 8
      },
      "concat_param": {
       "type": "ConcatParameter",
       "id": 9
      },
      "convolution_param": {
       "type": "ConvolutionParameter",
       "id": 10
      },
      "data_param": {
       "type": "DataParameter",
       "id": 11
      },
      "dropout_param": {
       "type": "DropoutParameter",
       "id": 12
      },
      "hdf5_data_param": {
       "type": "HDF5DataParameter",
       "id": 13
      },
      "hdf5_output_param": {
       "type": "HDF5OutputParameter",
       "id": 14
      },
      "image_data_param": {
       "type": "ImageDataParameter",
       "id": 15
      },
      "infogain_loss_param": {
       "type": "InfogainLossParameter",
       "id": 16
      },
      "inner_product_param": {
       "type": "InnerProductParameter",
       "id": 17
      },
      "lrn_param": {
       "type": "LRNParameter",
       "id": 18
      },
      "pooling_param": {
       "type": "PoolingParameter",
       "id": 19
      },
      "window_data_param": {
       "type": "WindowDataParameter",
       "id": 20
      },
      "power_param": {
       "type": "PowerParameter",
       "id": 21
      },
      "memory_data_param": {
       "type": "MemoryDataParameter",
       "id": 22
      },
      "argmax_param": {
       "type": "ArgMaxParameter",
       "id": 23
      },
      "eltwise_param": {
       "type": "EltwiseParameter",
       "id": 24
      },
      "threshold_param": {
       "type": "ThresholdParameter",
       "id": 25
      },
      "dummy_data_param": {
       "type": "DummyDataParameter",
       "id": 26
      },
      "accuracy_param": {
       "type": "AccuracyParameter",
       "id": 27
      },
      "hinge_loss_param": {
       "type": "HingeLossParameter",
       "id": 29
      },
      "relu_param": {
       "type": "ReLUParameter",
       "id": 30
      },
      "slice_param": {
       "type": "SliceParameter",
       "id": 31
      },
      "include": {
       "rule": "repeated",
       "type": "NetStateRule",
       "id": 32
      },
      "exclude": {
       "rule": "repeated",
       "type": "NetStateRule",
       "id": 33
      },
      "mvn_param": {
       "type": "MVNParameter",
       "id": 34
      },
      "loss_weight": {
       "rule": "repeated",
       "type": "float",
       "id": 35
      },
      "transform_param": {
       "type": "TransformationParameter",
       "id": 36
      },
      "tanh_param": {
       "type": "TanHParameter",
       "id": 37
      },
      "sigmoid_param": {
       "type": "SigmoidParameter",
       "id": 38
      },
      "softmax_param": {
       "type": "SoftmaxParameter",
       "id": 39
      },
      "contrastive_loss_param": {
       "type": "ContrastiveLossParameter",
       "id": 40
      },
      "exp_param": {
       "type": "ExpParameter",
       "id": 41
      },
      "loss_param": {
       "type": "LossParameter",
       "id": 42
      },
      "param": {
       "rule": "repeated",
       "type": "string",
       "id": 1001
      },
      "blob_share_mode": {
       "rule": "repeated",
       "type": "DimCheckMode",
       "id": 1002
      }
     },
     "nested": {
      "LayerType": {
       "values": {
        "NONE": 0,
        "ACCURACY": 1,
        "BNLL": 2,
        "CONCAT": 3,
        "CONVOLUTION": 4,
        "DATA": 5,
        "DROPOUT": 6,
        "EUCLIDEAN_LOSS": 7,
        "FLATTEN": 8,
        "HDF5_DATA": 9,
        "HDF5_OUTPUT": 10,
        "IM2COL": 11,
        "IMAGE_DATA": 12,
        "INFOGAIN_LOSS": 13,
        "INNER_PRODUCT": 14,
        "LRN": 15,
        "MULTINOMIAL_LOGISTIC_LOSS": 16,
        "POOLING": 17,
        "RELU": 18,
        "SIGMOID": 19,
        "SOFTMAX": 20,
        "SOFTMAX_LOSS": 21,
        "SPLIT": 22,
        "TANH": 23,
        "WINDOW_DATA": 24,
        "ELTWISE": 25,
        "POWER": 26,
        "SIGMOID_CROSS_ENTROPY_LOSS": 27,
        "HINGE_LOSS": 28,
        "MEMORY_DATA": 29,
        "ARGMAX": 30,
        "THRESHOLD": 31,
        "DUMMY_DATA": 32,
        "SLICE": 33,
        "MVN": 34,
        "ABSVAL": 35,
        "SILENCE": 36,
        "CONTRASTIVE_LOSS": 37,
        "EXP": 38,
        "DECONVOLUTION": 39
       }
      },
      "DimCheckMode": {
       "values": {
        "STRICT": 0,
        "PERMISSIVE": 1
       }
      }
     }
    },
    "V0LayerParameter": {
     "edition": "proto2",
     "fields": {
      "name": {
       "type": "string",
       "id": 1
      },
      "type": {
       "type": "string",
       "id": 2
      },
      "num_output": {
       "type": "uint32",
       "id": 3
      },
      "biasterm": {
       "type": "bool",
       "id": 4,
       "options": {
        "default": true
       }
      },
      "weight_filler": {
       "type": "FillerParameter",
       "id": 5
      },
      "bias_filler": {
       "type": "FillerParameter",
       "id": 6
      },
      "pad": {
       "type": "uint32",
       "id": 7,
       "options": {
        "default": 0
       }
      },
      "kernelsize": {
       "type": "uint32",
       "id": 8
      },
      "group": {
       "type": "uint32",
       "id": 9,
       "options": {
        "default": 1
       }
      },
      "stride": {
       "type": "uint32",
       "id": 10,
       "options": {
        "default": 1
       }
      },
      "pool": {
       "type": "PoolMethod",
       "id": 11,
       "options": {
        "default": "MAX"
       }
      },
      "dropout_ratio": {
       "type": "float",
       "id": 12,
       "options": {
        "default": 0.5
       }
      },
      "local_size": {
       "type": "uint32",
       "id": 13,
       "options": {
        "default": 5
       }
      },
      "alpha": {
       "type": "float",
       "id": 14,
       "options": {
        "default": 1
       }
      },
      "beta": {
       "type": "float",
       "id": 15,
       "options": {
        "default": 0.75
       }
      },
      "source": {
       "type": "string",
       "id": 16
      },
      "scale": {
       "type": "float",
       "id": 17,
       "options": {
        "default": 1
       }
      },
      "meanfile": {
       "type": "string",
       "id": 18
      },
      "batchsize": {
       "type": "uint32",
       "id": 19
      },
      "cropsize": {
       "type": "uint32",
       "id": 20,
       "options": {
        "default": 0
       }
      },
      "mirror": {
       "type": "bool",
       "id": 21,
       "options": {
        "default": false
       }
      },
      "k": {
       "type": "float",
       "id": 22,
       "options": {
        "default": 1
       }
      },
      "blobs": {
       "rule": "repeated",
       "type": "BlobProto",
       "id": 50
      },
      "blobs_lr": {
       "rule": "repeated",
       "type": "float",
       "id": 51
      },
      "weight_decay": {
       "rule": "repeated",
       "type": "float",
       "id": 52
      },
      "rand_skip": {
       "type": "uint32",
       "id": 53,
       "options": {
        "default": 0
       }
      },
      "det_fg_threshold": {
       "type": "float",
       "id": 54,
       "options": {
        "default": 0.5
       }
      },
      "det_bg_threshold": {
       "type": "float",
       "id": 55,
       "options": {
        "default": 0.5
       }
      },
      "det_fg_fraction": {
       "type": "float",
       "id": 56,
       "options": {
        "default": 0.25
       }
      },
      "det_context_pad": {
       "type": "uint32",
       "id": 58,
       "options": {
        "default": 0
       }
      },
      "det_crop_mode": {
       "type": "string",
       "id": 59,
       "options": {
        "default": "warp"
       }
      },
      "new_num": {
       "type": "int32",
       "id": 60,
       "options": {
        "default": 0
       }
      },
      "new_channels": {
       "type": "int32",
       "id": 61,
       "options": {
        "default": 0
       }
      },
      "new_height": {
       "type": "int32",
       "id": 62,
       "options": {
        "default": 0
       }
      },
      "new_width": {
       "type": "int32",
       "id": 63,
       "options": {
        "default": 0
       }
      },
      "shuffle_images": {
       "type": "bool",
       "id": 64,
       "options": {
        "default": false
       }
      },
      "concat_dim": {
       "type": "uint32",
       "id": 65,
       "options": {
        "default": 1
       }
      },
      "hdf5_output_param": {
       "type": "HDF5OutputParameter",
       "id": 1001
      }
     },
     "nested": {
      "PoolMethod": {
       "values": {
        "MAX": 0,
        "AVE": 1,
        "STOCHASTIC": 2
       }
      }
     }
    }
   }
  }
 }
};

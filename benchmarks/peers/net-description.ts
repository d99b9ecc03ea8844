/**
 * A net as data that any framework can build: what Cortado reads from the prototxt, defaults filled in and shapes inferred.
 * Every peer is built from the same one, so that all do the same work.
 */
import { sizeOf } from "../../codegen/ir/graph.js";
import type { LayerParameter } from "../../proto/index.js";
import { lowerForAnalysis } from "../../src/analyse-net.js";
import { parseNet, type WeightSet } from "../../src/index.js";
import type { LoweredLayer } from "../../src/layers/index.js";
import { testValues } from "../measure.js";

export type Setting = number | boolean | string;

export interface LayerDescription {
  readonly name: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** Of the tops. */
  readonly shapes: readonly (readonly number[])[];
  /** Of its parameters, named `<layer>/<index>` in the file of weights. */
  readonly params: readonly (readonly number[])[];
  readonly settings: Readonly<Record<string, Setting>>;
}

export interface NetDescription {
  readonly name: string;
  readonly phase: "TRAIN" | "TEST";
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: readonly string[];
  /** Weights of the losses by blob: empty in TEST. */
  readonly losses: Readonly<Record<string, number>>;
  /** In the order in which they run; a layer in place has its bottom as top. */
  readonly layers: readonly LayerDescription[];
  /** Whether a pass draws random numbers, so that two frameworks' results differ. */
  readonly random: boolean;
  /** Operations of products and convolutions, a multiply-add counting 2: of forward, and of forward with backward. */
  readonly flops: { readonly forward: number; readonly step: number };
}

/** The one value of a field that may have a value for each axis. */
function alike(layer: LayerParameter, values: readonly number[], otherwise: number): number {
  const [first = otherwise, ...rest] = values;
  if (rest.some((value) => value !== first))
    throw new Error(`layer ${layer.name}: the peers know square windows only`);
  return first;
}

/** What of a layer's parameters its meaning depends on; types that a peer does not know are refused here, for all of them. */
const SETTINGS: Readonly<Record<string, (layer: LayerParameter) => Readonly<Record<string, Setting>>>> = {
  Convolution(layer) {
    const { kernel_size, stride, pad, dilation, group, bias_term, kernel_h } = given(
      layer,
      layer.convolution_param,
    );
    if (kernel_h > 0) throw new Error(`layer ${layer.name}: the peers know square windows only`);
    return {
      kernel: alike(layer, kernel_size, 1),
      stride: alike(layer, stride, 1),
      pad: alike(layer, pad, 0),
      dilation: alike(layer, dilation, 1),
      group,
      bias: bias_term,
    };
  },
  InnerProduct: (layer) => ({ bias: given(layer, layer.inner_product_param).bias_term }),
  Pooling(layer) {
    const { pool, kernel_size, stride, pad, kernel_h, round_mode, global_pooling } = given(
      layer,
      layer.pooling_param,
    );
    if (kernel_h > 0 || pool === "STOCHASTIC" || round_mode !== "CEIL" || global_pooling)
      throw new Error(`layer ${layer.name}: the peers know square MAX and AVE windows that round up`);
    return { method: pool, kernel: kernel_size, stride, pad };
  },
  LRN(layer) {
    const { local_size, alpha, beta, k, norm_region } = given(layer, layer.lrn_param);
    if (norm_region !== "ACROSS_CHANNELS")
      throw new Error(`layer ${layer.name}: the peers know LRN across channels only`);
    return { size: local_size, alpha, beta, k };
  },
  Dropout: (layer) => ({ ratio: layer.dropout_param?.dropout_ratio ?? 0.5 }),
  BatchNorm: (layer) => ({
    epsilon: layer.batch_norm_param?.eps ?? 1e-5,
    fraction: layer.batch_norm_param?.moving_average_fraction ?? 0.999,
  }),
  Scale(layer) {
    if (layer.scale_param?.bias_term !== true)
      throw new Error(`layer ${layer.name}: the peers know Scale with bias only`);
    return {};
  },
  ReLU: () => ({}),
  Concat: () => ({}),
  Eltwise(layer) {
    if ((layer.eltwise_param?.operation ?? "SUM") !== "SUM")
      throw new Error(`layer ${layer.name}: the peers know Eltwise sums only`);
    return {};
  },
  Softmax: () => ({}),
  SoftmaxWithLoss: () => ({}),
};

function given<P>(layer: LayerParameter, parameter: P | undefined): P {
  if (parameter === undefined) throw new Error(`layer ${layer.name} has no parameters`);
  return parameter;
}

/** Describes the net of one phase. @throws for what the peers do not know, CortadoError for what is wrong with the net */
export async function describeNet(text: string, phase: "TRAIN" | "TEST"): Promise<NetDescription> {
  const { definition, lowered } = await lowerForAnalysis(parseNet(text), { phase, root: "." });
  const layers = definition.net.layer.flatMap((layer, place): LayerDescription[] => {
    if (layer.type === "Input") return [];
    const settings = SETTINGS[layer.type];
    if (!settings) throw new Error(`layer ${layer.name}: the peers do not know type ${layer.type}`);
    const { name, type, bottoms, tops, topNodes, params } = lowered.layers[place];
    return [
      {
        name,
        type,
        bottoms,
        tops,
        shapes: topNodes.map(({ shape }) => shape),
        params: params.map(({ shape }) => shape),
        settings: settings(layer),
      },
    ];
  });
  return {
    name: definition.net.name,
    phase,
    inputs: Object.fromEntries(lowered.inputs),
    outputs: lowered.outputs,
    losses: Object.fromEntries(lowered.losses.map(({ blob, weight }) => [blob, weight])),
    layers,
    random: phase === "TRAIN" && layers.some(({ type }) => type === "Dropout"),
    flops: productFlops(lowered.layers),
  };
}

/** Backward has two products for each of forward's, one where the data's gradient is not wanted. */
function productFlops(layers: readonly LoweredLayer[]): NetDescription["flops"] {
  let [forward, step] = [0, 0];
  for (const { type, topNodes, params, needsBackward, passesDown } of layers) {
    if (type !== "Convolution" && type !== "InnerProduct") continue;
    const [{ shape: weights }] = params;
    const flops = 2 * sizeOf(topNodes[0].shape) * sizeOf(weights.slice(1));
    forward += flops;
    step += flops * (1 + (needsBackward ? 1 : 0) + (passesDown[0] ? 1 : 0));
  }
  return { forward, step };
}

/**
 * The same weights for everybody, from a fixed seed: of variance 2 over the number of inputs, so that values stay in range;
 * BatchNorm's statistics are those of roughly normal values, with a weight of 1.
 */
export function weightsFor({ layers }: NetDescription): WeightSet {
  let seed = 100;
  const values = (shape: readonly number[], scale: number, offset = 0) => ({
    shape,
    data: testValues(sizeOf(shape), seed++).map((value) => offset + scale * value),
  });
  return {
    layers: layers.flatMap(({ name, type, params: shapes }) => {
      if (shapes.length === 0) return [];
      const blobs = shapes.map((shape, i) => {
        if (type === "BatchNorm") return i === 0 ? values(shape, 0.1) : values(shape, i === 1 ? 0.5 : 0, 1);
        if (type === "Scale") return i === 0 ? values(shape, 0.1, 0.7) : values(shape, 0.1);
        return i === 0 ? values(shape, Math.sqrt(6 / sizeOf(shape.slice(1)))) : values(shape, 0.1);
      });
      return [{ name, type, blobs }];
    }),
  };
}

/** The same values for everybody: images in [−1, 1), and labels. */
export function inputsFor({ inputs }: NetDescription, classes: number): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, shape]) => [
      name,
      name === "label"
        ? Float32Array.from({ length: sizeOf(shape) }, (_, i) => (7 * i + 3) % classes)
        : testValues(sizeOf(shape), 9),
    ]),
  );
}

/**
 * tfjs as a peer, on its `cpu` and `wasm` backends: the layers that LeNet has, in the layout that tfjs computes in (NHWC). It is no
 * dependency of the project, so the little of its interface that is used here is written down.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { sizeOf } from "../../codegen/ir/graph.js";
import { readWeights } from "../../src/index.js";
import type { LayerDescription, NetDescription } from "./net-description.js";
import { readInput, serve } from "./serve.js";
import type { Pass } from "./task.js";

interface Tensor {
  readonly shape: readonly number[];
  dataSync(): Float32Array;
}

interface Tfjs {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(work: () => T): T;
  tensor(values: ArrayLike<number>, shape: readonly number[], type?: "float32" | "int32"): Tensor;
  variable(initial: Tensor): Tensor;
  transpose(x: Tensor, order: readonly number[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  conv2d(x: Tensor, filter: Tensor, stride: number, pad: "valid" | number): Tensor;
  maxPool(x: Tensor, kernel: number, stride: number, pad: "valid"): Tensor;
  matMul(a: Tensor, b: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  neg(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  softmax(x: Tensor): Tensor;
  logSoftmax(x: Tensor): Tensor;
  sum(x: Tensor, axis: number): Tensor;
  mean(x: Tensor): Tensor;
  oneHot(indices: Tensor, depth: number): Tensor;
  variableGrads(loss: () => Tensor): {
    readonly value: Tensor;
    readonly grads: Readonly<Record<string, Tensor>>;
  };
}

type Weights = ReadonlyMap<string, readonly Tensor[]>;

const FROM_NCHW = [0, 2, 3, 1];

function layerTop(
  tf: Tfjs,
  { name, type, settings, shapes }: LayerDescription,
  [x, other]: readonly Tensor[],
  weights: readonly Tensor[],
): Tensor {
  switch (type) {
    case "Convolution": {
      const { stride, pad, group, dilation } = settings;
      if (group !== 1 || dilation !== 1)
        throw new Error(`layer ${name}: groups and dilation are not written`);
      const y = tf.conv2d(x, weights[0], Number(stride), Number(pad));
      return weights.length > 1 ? tf.add(y, weights[1]) : y;
    }
    case "InnerProduct": {
      const y = tf.matMul(tf.reshape(x, [x.shape[0], sizeOf(x.shape.slice(1))]), weights[0]);
      return weights.length > 1 ? tf.add(y, weights[1]) : y;
    }
    case "Pooling": {
      const [kernel, stride] = [Number(settings.kernel), Number(settings.stride)];
      const fits = (shapes[0][2] - 1) * stride + kernel === x.shape[1];
      if (settings.method !== "MAX" || settings.pad !== 0 || !fits)
        throw new Error(`layer ${name}: only windows that fill the image are written`);
      return tf.maxPool(x, kernel, stride, "valid");
    }
    case "ReLU":
      return tf.relu(x);
    case "Softmax":
      return tf.softmax(x);
    case "SoftmaxWithLoss":
      return tf.neg(tf.mean(tf.sum(tf.mul(other, tf.logSoftmax(x)), 1)));
    default:
      throw new Error(`layer ${name}: type ${type} is not written`);
  }
}

/** What the net's first output is: in TRAIN its one loss. */
function run(tf: Tfjs, net: NetDescription, inputs: ReadonlyMap<string, Tensor>, weights: Weights): Tensor {
  const blobs = new Map(inputs);
  const blob = (name: string): Tensor => {
    const tensor = blobs.get(name);
    if (!tensor) throw new Error(`no blob ${name}`);
    return tensor;
  };
  for (const layer of net.layers)
    blobs.set(layer.tops[0], layerTop(tf, layer, layer.bottoms.map(blob), weights.get(layer.name) ?? []));
  return blob(net.outputs[0]);
}

/** The backend, which looks for its modules where it is told. */
async function loadWasmBackend(): Promise<void> {
  const name: string = "@tensorflow/tfjs-backend-wasm";
  const { setWasmPaths } = (await import(name)) as { setWasmPaths(folder: string): void };
  setWasmPaths(join(dirname(createRequire(import.meta.url).resolve(name)), "/"));
}

await serve(async ({ nets, threads, mode, weights: path, inputs }) => {
  if (threads !== 1) throw new Error(`the ${mode} backend runs on one thread here`);
  const module: string = "@tensorflow/tfjs";
  const tf = (await import(module)) as Tfjs;
  if (mode === "wasm") await loadWasmBackend();
  await tf.setBackend(mode);
  await tf.ready();

  const set = await readWeights(path);
  const shapeBefore = new Map(nets.step.layers.map((layer, i, all) => [layer.name, all[i - 1]?.shapes[0]]));
  const weights = new Map(
    set.layers.map(({ name, type, blobs }) => {
      const [first, ...rest] = blobs.map(({ data, shape }) => tf.tensor(data, shape));
      return [
        name,
        [laidOut(type, first, shapeBefore.get(name)), ...rest].map((one) => tf.variable(one)),
      ] as const;
    }),
  );
  /** Filters as rows, columns, inputs, outputs; the inputs of a product in the order of an image that it flattens. */
  function laidOut(type: string, values: Tensor, bottom: readonly number[] | undefined): Tensor {
    if (type === "Convolution") return tf.transpose(values, [2, 3, 1, 0]);
    if (!bottom || bottom.length < 4) return tf.transpose(values, [1, 0]);
    const [outputs, count] = values.shape;
    return tf.reshape(tf.transpose(tf.reshape(values, [outputs, ...bottom.slice(1)]), [2, 3, 1, 0]), [
      count,
      outputs,
    ]);
  }
  const images = tf.transpose(tf.tensor(await readInput(inputs.data), nets.step.inputs.data), FROM_NCHW);
  const labels = await readInput(inputs.label);
  const classes = Number(nets.forward.layers.at(-1)?.shapes[0][1]);
  const oneHot = tf.oneHot(tf.tensor(labels, [labels.length], "int32"), classes);
  const blobs = new Map([
    ["data", images],
    ["label", oneHot],
  ]);
  const work = (pass: Pass): readonly number[] =>
    tf.tidy(() => {
      if (pass === "forward") return [...run(tf, nets.forward, blobs, weights).dataSync()];
      const { value, grads } = tf.variableGrads(() => run(tf, nets.step, blobs, weights));
      const gradients = Object.values(grads);
      // Computed one after another when they are read; the last ends the pass.
      for (const gradient of gradients) gradient.dataSync();
      const first = tf.transpose(gradients[0], [3, 2, 0, 1]);
      return [...value.dataSync(), ...first.dataSync()];
    });
  const passes: readonly Pass[] = mode === "wasm" ? ["forward"] : ["forward", "step"];
  return { passes, run: (pass) => void work(pass), values: async (pass) => work(pass) };
});

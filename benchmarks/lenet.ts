/**
 * LeNet, batch 64, one thread: forward and a training step (forward, backward, momentum update) of the `ts`
 * target against @tensorflow/tfjs on its `cpu` backend, in one run, interleaved.
 *
 *   npm run bench -- lenet
 */
import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs";
import { compile, parseSolver } from "../src/index.js";
import { compileTraining } from "../src/net/compile.js";
import { formatMeasurements, interleave, machine, median, testValues } from "./measure.js";

const BATCH = 64;

const head = `name: "LeNet"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: ${BATCH} dim: 1 dim: 28 dim: 28 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: ${BATCH} } } }
`;

/** The body of examples/lenet/train_test.prototxt, fed by hand. */
async function lenet(): Promise<string> {
  const text = await readFile(new URL("../../examples/lenet/train_test.prototxt", import.meta.url), "utf8");
  return head + text.slice(text.indexOf('layer {\n  name: "conv1"'));
}

/** The same net in tfjs: NHWC, variables, softmax cross-entropy, momentum. */
function tfLenet(images: Float32Array, labels: Float32Array) {
  const x = tf.tensor4d(images, [BATCH, 28, 28, 1]);
  const y = tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), 10), "float32");
  const variable = <R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number): tf.Variable<R> => {
    const count = shape.reduce((a: number, b: number) => a * b, 1);
    return tf.variable(
      tf.tensor(
        testValues(count, seed).map((v) => 0.05 * v),
        shape,
      ),
    ) as tf.Variable<R>;
  };
  const conv1 = variable<tf.Rank.R4>([5, 5, 1, 20], 1);
  const bias1 = variable([20], 2);
  const conv2 = variable<tf.Rank.R4>([5, 5, 20, 50], 3);
  const bias2 = variable([50], 4);
  const ip1 = variable<tf.Rank.R2>([800, 500], 5);
  const bias3 = variable([500], 6);
  const ip2 = variable<tf.Rank.R2>([500, 10], 7);
  const bias4 = variable([10], 8);
  const block = (input: tf.Tensor4D, w: tf.Variable<tf.Rank.R4>, bias: tf.Variable): tf.Tensor4D =>
    tf.maxPool(tf.add<tf.Tensor4D>(tf.conv2d(input, w, 1, "valid"), bias), 2, 2, "valid");
  const logits = (): tf.Tensor2D => {
    const flat = tf.reshape<tf.Rank.R2>(block(block(x, conv1, bias1), conv2, bias2), [BATCH, 800]);
    const hidden = tf.relu(tf.add<tf.Tensor2D>(tf.matMul(flat, ip1), bias3));
    return tf.add(tf.matMul(hidden, ip2), bias4);
  };
  const loss = (): tf.Scalar => tf.neg(tf.mean(tf.sum(tf.mul(y, tf.logSoftmax(logits())), 1)));
  const optimizer = tf.train.momentum(0.01, 0.9);
  return {
    forward: (): void => void tf.tidy(() => loss().dataSync()),
    step: (): void => void tf.tidy(() => optimizer.minimize(loss, true)?.dataSync()),
  };
}

const images = testValues(BATCH * 28 * 28, 9);
const labels = Float32Array.from({ length: BATCH }, (_, i) => i % 10);
const text = await lenet();
await tf.setBackend("cpu");
await tf.ready();
const peer = tfLenet(images, labels);

const net = await compile(text, { phase: "TEST", target: "ts" });
const { solver } = parseSolver('base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed"');
const trained = await compileTraining(text, solver, { target: "ts" });

const forward = await interleave(
  [
    {
      name: "cortado ts forward",
      run: async () => void (await net.forward({ data: images, label: labels })),
    },
    { name: "tfjs cpu forward", run: peer.forward },
  ],
  { warmup: 3, rounds: 7 },
);
const step = await interleave(
  [
    {
      name: "cortado ts step",
      run: async () => void (await trained.step({ rate: 0.01 }, { data: images, label: labels })),
    },
    { name: "tfjs cpu step", run: peer.step },
  ],
  { warmup: 3, rounds: 5 },
);
console.log(`LeNet, batch ${BATCH}, one thread. ${machine()}`);
console.log(formatMeasurements([...forward, ...step]));
const ratio = (pair: typeof forward): string =>
  (median(pair[1].samples) / median(pair[0].samples)).toFixed(1);
console.log(`tfjs / cortado: forward ${ratio(forward)}×, training step ${ratio(step)}×`);
await net.close();
await trained.close();

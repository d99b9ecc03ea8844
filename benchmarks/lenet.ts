/**
 * LeNet, batch 64, one thread: forward and a training step (forward, backward, momentum update) of the `ts`
 * target against @tensorflow/tfjs on its `cpu` backend, in one run, interleaved.
 *
 *   npm run bench -- lenet
 */
import "@tensorflow/tfjs-backend-cpu";
import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs-core";
import { compile, createSolver } from "../src/index.js";
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
  const y = tf.oneHot(tf.tensor1d(labels, "int32"), 10).toFloat();
  const variable = (shape: number[], seed: number): tf.Variable =>
    tf.variable(
      tf
        .tensor(
          testValues(
            shape.reduce((a, b) => a * b),
            seed,
          ),
          shape,
        )
        .mul(0.05),
    );
  const w = {
    conv1: variable([5, 5, 1, 20], 1),
    bias1: variable([20], 2),
    conv2: variable([5, 5, 20, 50], 3),
    bias2: variable([50], 4),
    ip1: variable([800, 500], 5),
    bias3: variable([500], 6),
    ip2: variable([500, 10], 7),
    bias4: variable([10], 8),
  };
  const logits = (): tf.Tensor2D => {
    const pool1 = tf.maxPool(
      tf.conv2d(x, w.conv1 as tf.Tensor4D, 1, "valid").add(w.bias1) as tf.Tensor4D,
      2,
      2,
      "valid",
    );
    const pool2 = tf.maxPool(
      tf.conv2d(pool1, w.conv2 as tf.Tensor4D, 1, "valid").add(w.bias2) as tf.Tensor4D,
      2,
      2,
      "valid",
    );
    const ip1 = tf.relu(tf.matMul(pool2.reshape([BATCH, 800]), w.ip1 as tf.Tensor2D).add(w.bias3));
    return tf.matMul(ip1 as tf.Tensor2D, w.ip2 as tf.Tensor2D).add(w.bias4) as tf.Tensor2D;
  };
  const loss = (): tf.Scalar => tf.neg(tf.mean(tf.sum(tf.mul(y, tf.logSoftmax(logits())), 1))) as tf.Scalar;
  const optimizer = tf.train.momentum(0.01, 0.9);
  return {
    forward: () => void tf.tidy(() => loss().dataSync()),
    step: () => void tf.tidy(() => optimizer.minimize(loss, true)?.dataSync()),
  };
}

const images = testValues(BATCH * 28 * 28, 9);
const labels = Float32Array.from({ length: BATCH }, (_, i) => i % 10);
const text = await lenet();
await tf.setBackend("cpu");
await tf.ready();
const peer = tfLenet(images, labels);

const net = await compile(text, { phase: "TEST", target: "ts" });
const solver = await createSolver(
  `net_param { ${text} } base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" max_iter: 1000000`,
  { target: "ts", inputs: { data: images, label: labels } },
);

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
    { name: "cortado ts step", run: () => solver.step(1) },
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
await solver.close();

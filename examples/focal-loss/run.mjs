// A classifier of two classes, one of them rare, trained by focal loss: a layer that Caffe does not have.
//
//   node examples/focal-loss/run.mjs
import { fileURLToPath } from "node:url";
import { checkGradients, compile, createSolver } from "cortado";
import { focalLoss } from "./focal-loss.mjs";

const NET = (settings) => `
layer { name: "data" type: "Input" top: "data" top: "label" input_param { shape { dim: 64 dim: 2 } shape { dim: 64 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "FocalLoss" bottom: "ip" bottom: "label" top: "loss" focal_loss_param { ${settings} } }`;

/** Points of the plane, one in eight of the rare class, which lies to the right. */
function batch() {
  const label = Float32Array.from({ length: 64 }, (_, i) => (i % 8 === 0 ? 1 : 0));
  const data = Float32Array.from(
    { length: 128 },
    (_, i) => Math.sin(12.9 * i) + (i % 2 === 0 ? 2 * label[i >> 1] : 0),
  );
  return { data, label };
}

async function lossOf(text, layers) {
  const net = await compile(text, { layers, phase: "TRAIN" });
  const { loss } = await net.forward(batch());
  await net.close();
  return loss[0];
}

export async function run(log = console.log) {
  const report = await checkGradients(focalLoss, { runs: 50 });
  log(
    `gradient: ${report.checked} nets right to ${report.worst.toExponential(1)}, ${report.failures.length} wrong`,
  );
  // With gamma 0 and alpha 1 it is the cross-entropy that Caffe has.
  const plain = await lossOf(NET("gamma: 0 alpha: 1"), [focalLoss]);
  const caffe = await lossOf(
    NET("")
      .replace('"FocalLoss"', '"SoftmaxWithLoss"')
      .replace(/focal_loss_param.*/, "}"),
  );
  log(`gamma 0: ${plain.toFixed(5)}, SoftmaxWithLoss: ${caffe.toFixed(5)}`);
  const losses = [];
  const solver = `net_param { ${NET("gamma: 2 alpha: 0.25")} } type: "Adam" base_lr: 0.05 lr_policy: "fixed" max_iter: 60`;
  const training = await createSolver(solver, {
    layers: [focalLoss],
    inputs: batch(),
    onProgress: ({ loss }) => losses.push(loss),
  });
  await training.solve();
  await training.close();
  log(
    `loss: ${losses[0].toFixed(4)} at first, ${losses.at(-1).toFixed(4)} after ${losses.length} iterations`,
  );
  return { report, plain, caffe, losses };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run();

// GELU, a layer that Caffe does not have, in a small classifier: defined here, trained and checked.
//
//   node examples/gelu/run.mjs
import { fileURLToPath } from "node:url";
import { checkGradients, createSolver } from "cortado";
import { gelu } from "./gelu.mjs";

const SOLVER = `
net_param {
  layer { name: "data" type: "Input" top: "data" top: "label" input_param { shape { dim: 64 dim: 2 } shape { dim: 64 } } }
  layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
          inner_product_param { num_output: 16 weight_filler { type: "xavier" } } }
  layer { name: "gelu" type: "GELU" bottom: "ip1" top: "gelu" gelu_param { tanh: true } }
  layer { name: "ip2" type: "InnerProduct" bottom: "gelu" top: "ip2"
          inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
}
type: "Adam" base_lr: 0.02 lr_policy: "fixed" max_iter: 100`;

/** Points of the plane: the class is whether they lie in the unit circle. */
function batch() {
  const data = Float32Array.from({ length: 128 }, (_, i) => Math.sin(12.9 * i) + Math.sin(78.2 * i + 1));
  const label = Float32Array.from({ length: 64 }, (_, i) =>
    Math.hypot(data[2 * i], data[2 * i + 1]) < 1 ? 1 : 0,
  );
  return { data, label };
}

export async function run(log = console.log) {
  const report = await checkGradients(gelu, { runs: 50 });
  log(
    `gradient: ${report.checked} nets right to ${report.worst.toExponential(1)}, ${report.failures.length} wrong`,
  );
  const losses = [];
  const solver = await createSolver(SOLVER, {
    layers: [gelu],
    inputs: batch(),
    onProgress: ({ loss }) => losses.push(loss),
  });
  await solver.solve();
  await solver.close();
  log(
    `loss: ${losses[0].toFixed(4)} at first, ${losses.at(-1).toFixed(4)} after ${losses.length} iterations`,
  );
  return { report, losses };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run();

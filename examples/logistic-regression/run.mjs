// Logistic regression, forward and backward, beside the same numbers worked out by hand.
//
//   node examples/logistic-regression/run.mjs
import { fileURLToPath } from "node:url";
import { compile } from "cortado";

export async function run(log = console.log) {
  const net = await compile(fileURLToPath(new URL("net.prototxt", import.meta.url)), {
    phase: "TRAIN",
    keep: ["ip"],
  });
  const data = Float32Array.from({ length: 8 * 4 }, (_, i) => Math.sin(i * 1.7));
  const label = Float32Array.from({ length: 8 }, (_, i) => i % 3);

  const { loss } = await net.forward({ data, label });
  const { params } = await net.backward();
  const [weight, bias] = params["ip"];
  log(`loss               ${loss[0].toFixed(6)}`);
  log(`d loss / d bias    ${[...bias].map((g) => g.toFixed(6)).join("  ")}`);

  // By hand: with p = softmax(scores), d loss / d score = (p − onehot(label)) / 8, and the bias sums it over the batch.
  const scores = await net.read("ip");
  const byHand = [0, 0, 0];
  let lossByHand = 0;
  for (let n = 0; n < 8; n++) {
    const row = scores.subarray(n * 3, n * 3 + 3);
    const sum = row.reduce((total, score) => total + Math.exp(score), 0);
    lossByHand -= Math.log(Math.exp(row[label[n]]) / sum) / 8;
    row.forEach((score, k) => {
      byHand[k] += (Math.exp(score) / sum - (k === label[n] ? 1 : 0)) / 8;
    });
  }
  log(`by hand, loss      ${lossByHand.toFixed(6)}`);
  log(`by hand, d bias    ${byHand.map((g) => g.toFixed(6)).join("  ")}`);

  // One step of gradient descent lowers the loss.
  const [w, b] = net.params["ip"];
  await w.write((await w.read()).map((x, i) => x - 0.5 * weight[i]));
  await b.write((await b.read()).map((x, i) => x - 0.5 * bias[i]));
  const after = (await net.forward({ data, label })).loss[0];
  log(`after one step     ${after.toFixed(6)}`);
  await net.close();
  return { loss: loss[0], lossByHand, bias: [...bias], byHand, after };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run();

// An LSTM learns to echo a stream of random bits three steps late. The stream is cut into batches of five steps, so
// that more than half of the answers lie in the batch before: they are right only because the state goes on.
//
//   node examples/lstm-echo/run.mjs
import { fileURLToPath } from "node:url";
import { compile, createSolver } from "cortado";

const [STEPS, STREAMS, LATE] = [5, 32, 3];
const root = fileURLToPath(new URL(".", import.meta.url));
const SOLVER = `net: "net.prototxt" type: "Adam" base_lr: 0.02 momentum: 0.9 momentum2: 0.999
  lr_policy: "fixed" max_iter: 300 random_seed: 1`;

/** An endless stream of bits, a batch at each call: cont is 0 at its very first step only. */
function stream(seed) {
  let state = seed;
  const bit = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 31;
  };
  const past = Array.from({ length: LATE }, () => new Float32Array(STREAMS));
  let goesOn = 0;
  return () => {
    const rows = Array.from({ length: STEPS }, () => Float32Array.from({ length: STREAMS }, bit));
    const cont = new Float32Array(STEPS * STREAMS).fill(1).fill(goesOn, 0, STREAMS);
    goesOn = 1;
    past.push(...rows);
    const echo = Float32Array.from(past.splice(0, STEPS).flatMap((row) => [...row]));
    return { bit: Float32Array.from(rows.flatMap((row) => [...row])), cont, echo };
  };
}

export async function run(log = console.log) {
  const losses = [];
  const onProgress = ({ loss }) => losses.push(loss);
  const solver = await createSolver(SOLVER, { root, inputs: stream(1), onProgress });
  await solver.solve();
  log(
    `loss           ${losses[0].toFixed(3)} at first, ${losses.at(-1).toFixed(3)} after ${losses.length} updates`,
  );

  // Another stream: the share of bits that come back right, at each step of a batch.
  const net = await compile(`${root}net.prototxt`, { share: solver.net, keep: ["score"] });
  const next = stream(2);
  const right = new Array(STEPS).fill(0);
  for (let batch = -1; batch < 20; batch++) {
    const given = next();
    await net.forward(given);
    const scores = await net.read("score");
    for (const [i, bit] of given.echo.entries())
      if (batch >= 0 && scores[i] > 0 === (bit === 1)) right[Math.floor(i / STREAMS)] += 1 / (20 * STREAMS);
  }
  log(`right, by step ${right.map((share) => share.toFixed(2)).join("  ")}`);
  await net.close();
  await solver.close();
  return { losses, right };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run();

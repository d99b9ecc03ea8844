import { expect, it } from "vitest";
import { createSolver, formatEvent } from "../../../src/create-solver.js";
import { compile } from "../../../src/net/compile.js";

const NET = `
debug_info: true
layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 1 dim: 2 } shape { dim: 1 dim: 1 } } }
layer {
  name: "ip" type: "InnerProduct" bottom: "x" top: "ip" param { name: "w" } param { lr_mult: 0 }
  inner_product_param { num_output: 1 weight_filler { type: "constant" value: 2 } bias_filler { value: 1 } }
}
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" }
`;
const inputs = { x: Float32Array.of(1, 3), t: Float32Array.of(5) };

/** y = 2·1 + 2·3 + 1 = 9, loss (9 − 5)² / 2 = 8, dy = 4, dw = 4·(1, 3). */
const FORWARD = [
  "    [Forward] Layer x, top blob x data: 2",
  "    [Forward] Layer x, top blob t data: 5",
  "    [Forward] Layer ip, top blob ip data: 9",
  "    [Forward] Layer ip, param blob w data: 2",
  "    [Forward] Layer ip, param blob 1 data: 1",
  "    [Forward] Layer relu, top blob ip data: 9",
  "    [Forward] Layer loss, top blob loss data: 8",
];
const BACKWARD = [
  "    [Backward] Layer loss, bottom blob ip diff: 4",
  "    [Backward] Layer relu, bottom blob ip diff: 4",
  "    [Backward] Layer ip, param blob 0 diff: 8",
  "    [Backward] All net params (data, diff): L1 norm = (4, 16); L2 norm = (2.82843, 12.6491)",
];

it("a net with debug_info tells what Caffe tells", async () => {
  const lines: string[] = [];
  const net = await compile(NET, { phase: "TRAIN", target: "ts", log: (line) => lines.push(line) });
  await net.forward(inputs);
  expect(lines.splice(0)).toEqual(FORWARD);
  await net.backward();
  expect(lines).toEqual(BACKWARD);
  await net.close();
});

it("a net without it tells nothing, and its program is the same as ever", async () => {
  const lines: string[] = [];
  const plain = NET.replace("debug_info: true", "");
  const net = await compile(plain, { phase: "TRAIN", target: "ts", log: (line) => lines.push(line) });
  await net.forward(inputs);
  await net.backward();
  const logged = await compile(NET, { phase: "TRAIN", target: "ts", log: () => {} });
  expect(lines).toEqual([]);
  expect(net.plan.arenaBytes).toBeLessThan(logged.plan.arenaBytes);
  await net.close();
  await logged.close();
});

const UPDATE = "    [Update] Layer ip, param w data: 2; diff: 0.8";

it.each([1, 2])(
  "a solver with debug_info tells of displayed iterations, with iter_size %s",
  async (iterSize) => {
    const events: (readonly [string, readonly string[]])[] = [];
    const solver = await createSolver(
      `base_lr: 0.1 lr_policy: "fixed" max_iter: 3 display: 2 iter_size: ${iterSize} snapshot_after_train: false
     debug_info: true net_param { ${NET.replace("debug_info: true", "")} }`,
      {
        target: "ts",
        inputs,
        onEvent: (event) => events.push([event.kind, formatEvent(event)]),
      },
    );
    await solver.step(3);
    const logged = events.filter(([kind]) => kind === "debug").map(([, lines]) => lines);
    expect(logged).toHaveLength(2);
    expect(logged[0]).toEqual([
      ...Array.from({ length: iterSize }, () => [...FORWARD, ...BACKWARD]).flat(),
      UPDATE,
    ]);
    await solver.close();
  },
);

import { expect, test } from "vitest";
import { compile } from "../../../src/index.js";

test("a diff that is given to a loss takes the place of its weight", async () => {
  const net = await compile(
    `force_backward: true
    layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 1 dim: 2 } shape { dim: 1 dim: 2 } } }
    layer { name: "l" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" loss_weight: 2 }`,
    { phase: "TRAIN", target: "ts" },
  );
  await net.forward({ a: Float32Array.of(1, 5), b: Float32Array.of(0, 2) });
  expect([...(await net.backward()).inputs["a"]]).toEqual([2, 6]);
  expect([...(await net.backward({ loss: Float32Array.of(5) })).inputs["a"]]).toEqual([5, 15]);
  await net.close();
});

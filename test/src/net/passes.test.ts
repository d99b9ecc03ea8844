import { describe, expect, it } from "vitest";
import { compile } from "../../../src/index.js";
import { addonForTests } from "../../support/native.js";

const native = await addonForTests();

const NET = `name: "tiles" force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 32 dim: 20 dim: 21 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 40 pad: 1 kernel_size: 3 weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -1 max: 1 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "loss" type: "Reduction" bottom: "conv" top: "loss" loss_weight: 1 reduction_param { operation: MEAN } }`;

const data = Float32Array.from({ length: 2 * 32 * 20 * 21 }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * i));

/** What a layer makes of the data, and the data's gradient. */
async function valuesOf(passes?: Readonly<Record<string, boolean>>) {
  const net = await compile(NET, { target: "native", phase: "TRAIN", keep: "all", passes });
  try {
    await net.forward({ data });
    await net.backward();
    return { conv: await net.read("conv"), data: await net.readDiff("data") };
  } finally {
    await net.close();
  }
}

const distance = (got: Float32Array, want: Float32Array): number => {
  const square = (of: (x: number, i: number) => number) => want.reduce((sum, x, i) => sum + of(x, i) ** 2, 0);
  return Math.sqrt(square((x, i) => x - got[i]) / square((x) => x));
};

describe.skipIf(!native)("passes of a target", () => {
  it("give what the net gives without them", async () => {
    const [usual, same, without] = [
      await valuesOf(),
      await valuesOf({ winograd: true }),
      await valuesOf({ winograd: false }),
    ];
    expect(same).toEqual(usual);
    for (const blob of ["conv", "data"] as const) {
      // Other roundings, or nothing was switched off.
      expect(usual[blob]).not.toEqual(without[blob]);
      expect(distance(usual[blob], without[blob])).toBeLessThan(1e-5);
    }
  });
});

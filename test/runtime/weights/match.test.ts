/** Which layers of a net take which weights, and what is said about the others. */
import { afterAll, describe, expect, it } from "vitest";
import {
  formatMatchReport,
  matchWeights,
  type WantedLayer,
  type WeightSet,
} from "../../../runtime/weights/index.js";
import { compile } from "../../../src/net/compile.js";
import { collectWeights, loadWeights } from "../../../src/net/load-weights.js";
import { growth } from "../../support/work.js";
import { layer, refusal } from "./support.js";

const wanted = (name: string, ...shapes: number[][]): WantedLayer => ({ layer: name, shapes });
const match = (weights: WeightSet["layers"], net: readonly WantedLayer[]) =>
  matchWeights({ layers: weights }, net);

describe("matchWeights", () => {
  it("goes by name; the order does not matter", () => {
    const { assignments, report } = match(
      [layer("b", [[3]]), layer("a", [[2, 2], [2]])],
      [wanted("a", [2, 2], [2]), wanted("b", [3])],
    );
    expect(assignments.map(({ layer: name, index, data }) => [name, index, data[0], data.length])).toEqual([
      ["a", 0, 0, 4],
      ["a", 1, 100, 2],
      ["b", 0, 0, 3],
    ]);
    expect(report).toEqual({ matched: ["a", "b"], untouched: [], unused: [] });
    expect(formatMatchReport(report)).toBe('2 layers took weights: "a", "b"');
  });

  it("reports what only one side has, with a hint from what is left over", () => {
    const { report } = match(
      [layer("conv1", [[2]]), layer("fc7", [[2]]), layer("fc8", [[2]])],
      [wanted("conv1", [2]), wanted("fc7", [2]), wanted("fc9", [2]), wanted("other_branch", [2])],
    );
    expect(report).toEqual({
      matched: ["conv1", "fc7"],
      untouched: [{ layer: "fc9", hint: 'did you mean "fc8"?' }, { layer: "other_branch" }],
      unused: ["fc8"],
    });
    expect(formatMatchReport(report)).toBe(
      '2 layers took weights: "conv1", "fc7"\n' +
        'left as initialised, not in the weights: "fc9" (did you mean "fc8"?), "other_branch"\n' +
        'in the weights but not in the net: "fc8"',
    );
  });

  it("warns when nothing fits, and not when there is nothing to fit", () => {
    const nothing = match([layer("conv1", [[2]])], [wanted("ip", [2])]);
    expect(nothing.assignments).toEqual([]);
    expect(formatMatchReport(nothing.report)).toBe(
      "warning: no layer took weights, for none has the name of one in the weights\n" +
        'left as initialised, not in the weights: "ip"\n' +
        'in the weights but not in the net: "conv1"',
    );
    expect(formatMatchReport(match([layer("conv1", [[2]])], []).report)).toBe(
      'no layer took weights: the net has no parameters\nin the weights but not in the net: "conv1"',
    );
  });

  it("tells all shapes and counts that do not fit at once", async () => {
    const message = await refusal(() =>
      match(
        [layer("a", [[2, 3], [2]]), layer("b", [[2]]), layer("c", [[3, 2], [4]]), layer("d", [[2], [2]])],
        [wanted("a", [2, 3], [2]), wanted("b", [2], [2]), wanted("c", [2, 3], [2]), wanted("d", [2])],
      ),
    );
    const another = "\n  to learn this layer anew, give it another name in the net";
    const count = "\n  to leave the net's own values in place, give the layer another name in one of them";
    expect(message.split("\n\n")).toEqual([
      `error: layer "b" has 2 parameter blobs in the net and 1 in the weights${count}`,
      `error: parameter 0 of layer "c" has shape 2×3 in the net and 3×2 in the weights${another}`,
      `error: parameter 1 of layer "c" has shape 2 in the net and 4 in the weights${another}`,
      `error: layer "d" has 1 parameter blob in the net and 2 in the weights${count}`,
    ]);
  });

  it.each([
    [[1, 1, 2, 3], [2, 3], true],
    [[1, 1, 1, 3], [3], true],
    [[1, 1, 1, 1], [], true],
    [[1, 1, 1, 3], [1, 3], true],
    [[2, 3, 1, 1], [2, 3], false],
    [[1, 2, 1, 3], [2, 3], false],
    [[1, 1, 3], [3], false],
    [[3], [1, 1, 1, 3], false],
    [[1, 1, 3, 2], [2, 3], false],
    [[6], [2, 3], false],
  ])("weights of shape %j for a parameter of shape %j: %j", async (given, shape, fits) => {
    const run = () => match([layer("x", [given])], [wanted("x", shape)]);
    if (fits) expect(run().report.matched).toEqual(["x"]);
    else expect(await refusal(run)).toContain("in the net and");
  });

  it("a name twice in a file: the last counts, as in Caffe", () => {
    const later = { name: "a", type: "", blobs: [{ shape: [1], data: Float32Array.of(9) }] };
    expect(match([layer("a", [[1]]), later], [wanted("a", [1])]).assignments[0].data[0]).toBe(9);
  });

  it("stays quick and brief when thousands of names differ", () => {
    const strangers = (count: number) => {
      const names = (prefix: string) =>
        Array.from({ length: count }, (_, i) => `${prefix}_${i}_of_some_block`);
      const given = names("conv").map((name) => layer(name, [[1]]));
      const asked = names("convolution").map((name) => wanted(name, [1]));
      return () => formatMatchReport(match(given, asked).report);
    };
    expect(strangers(20_000)()).toMatch(/ and 19800 more\nin the weights.* and 19800 more$/);
    expect(growth(500, strangers)).toBeLessThan(1.1);
  });
});

describe("loadWeights", () => {
  const net = compile(`
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
    layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
      inner_product_param { num_output: 2 weight_filler { type: "constant" value: 0.5 } } }
    layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
      inner_product_param { num_output: 2 bias_term: false weight_filler { type: "constant" value: 0.25 } } }`);
  afterAll(async () => (await net).close());

  it("writes what fits, and reports", async () => {
    const report = await loadWeights(await net, { layers: [layer("ip1", [[1, 1, 2, 3], [2]])] });
    expect(report).toEqual({ matched: ["ip1"], untouched: [{ layer: "ip2" }], unused: [] });
    const { layers } = await collectWeights(await net);
    expect(layers.map(({ blobs }) => blobs.map(({ data }) => [...data]))).toEqual([
      [
        [0, 1, 2, 3, 4, 5],
        [100, 101],
      ],
      [[0.25, 0.25, 0.25, 0.25]],
    ]);
    expect((await (await net).forward({ data: Float32Array.of(1, 0, 0) }))["ip2"]).toEqual(
      Float32Array.of(51, 51),
    );
  });

  it("writes nothing when anything does not fit", async () => {
    const before = await collectWeights(await net);
    const wrong = [
      { layers: [layer("ip1", [[2, 3], [2]]), layer("ip2", [[9]])] },
      { layers: [layer("ip1", [[2, 3]])] },
      {
        layers: [
          layer("ip1", [[2, 3], [2]]),
          { name: "ip2", type: "", blobs: [{ shape: [2, 2], data: new Float32Array(3) }] },
        ],
      },
    ];
    for (const weights of wrong) await refusal(async () => loadWeights(await net, weights));
    for (const bad of [null, 5, {}, new ArrayBuffer(8)])
      await refusal(async () => loadWeights(await net, bad as unknown as WeightSet));
    expect(await collectWeights(await net)).toEqual(before);
  });
});

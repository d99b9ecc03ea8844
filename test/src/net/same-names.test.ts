/** Layers of one name: data, parameters, gradients and weight files tell them apart by their place. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readWeights, type WeightSet, writeWeights } from "../../../runtime/weights/index.js";
import { collectWeights, compile, createSolver, loadWeights } from "../../../src/index.js";
import { lowerText } from "../../support/lowered.js";
import { build, inNode, newFolder, removeFolders } from "../artefact/support.js";

afterAll(removeFolders);

const ip = (bottom: string, top: string, outputs: number, more = ""): string =>
  `layer { name: "ip" type: "InnerProduct" bottom: "${bottom}" top: "${top}" ${more}
  inner_product_param { num_output: ${outputs} weight_filler { type: "gaussian" std: 1 } } }\n`;
const input = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }\n`;
const NET = `${input}${ip("x", "a", 3)}
layer { name: "mid" type: "Power" bottom: "a" top: "m" }
${ip("m", "b", 2)}
layer { name: "ip" type: "ReLU" bottom: "b" top: "c" }`;
const x = Float32Array.of(1, -2);

const valuesOf = (weights: WeightSet) =>
  weights.layers.map(({ name, blobs }) => [name, blobs.map(({ data }) => [...data])]);

describe("layers of one name", () => {
  it("feed each its own tops", async () => {
    const dummy = (top: string, value: number, ...dims: number[]) =>
      `layer { name: "d" type: "DummyData" top: "${top}" dummy_data_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } data_filler { value: ${value} } } }`;
    const net = await compile(`${dummy("a", 1, 2, 3)} ${dummy("b", 2, 4)}`);
    const { a, b } = await net.forward();
    expect([[...a], [...b]]).toEqual([
      [1, 1, 1, 1, 1, 1],
      [2, 2, 2, 2],
    ]);
    expect([net.blobs["a"].shape, net.blobs["b"].shape]).toEqual([[2, 3], [4]]);
    await net.close();
  });

  it("have each its parameters and gradients: the last has the name, as in pycaffe", async () => {
    const net = await compile(`force_backward: true ${NET}`, { keep: "all" });
    expect(net.layers.map(({ key }) => key)).toEqual(["x", "ip (1)", "mid", "ip", "ip (2)"]);
    expect(Object.keys(net.params)).toEqual(["ip (1)", "ip"]);
    const [w1, w2] = [await net.params["ip (1)"][0].read(), await net.params["ip"][0].read()];
    expect([w1.length, w2.length]).toEqual([6, 6]);
    await net.forward({ x });
    const { params } = await net.backward({ b: Float32Array.of(1, 1) });
    // ∂b/∂w2 is a, twice; ∂b/∂w1 goes through the columns of w2.
    const a = await net.read("a");
    expect([...params["ip"][0]]).toEqual([...a, ...a]);
    const column = (k: number) => Math.fround(w2[k] + w2[3 + k]);
    expect([...params["ip (1)"][0]]).toEqual([0, 1, 2].flatMap((k) => [column(k), -2 * column(k)]));
    // A range with the second only has the second's, and so has a net that shares.
    const { c } = await net.forward({ x });
    expect((await net.forward({}, { from: "mid" }))["c"]).toEqual(c);
    const sharing = await compile(NET, { share: net });
    expect((await sharing.forward({ x }))["c"]).toEqual(c);
    await sharing.close();
    await net.close();
  });

  it("come back from every file that can hold them", async () => {
    const net = await compile(NET, { seed: 1 });
    const folder = await newFolder();
    const weights = await collectWeights(net);
    expect(weights.layers.map(({ name }) => name)).toEqual(["ip", "ip"]);
    for (const ending of ["caffemodel", "safetensors"]) {
      const file = join(folder, `net.${ending}`);
      await writeWeights(file, weights);
      expect(valuesOf(await readWeights(file))).toEqual(valuesOf(weights));
      const other = await compile(NET, { seed: 2, weights: file });
      expect(valuesOf(await collectWeights(other))).toEqual(valuesOf(weights));
      await other.close();
    }
    await expect(writeWeights(join(folder, "net.caffemodel.h5"), weights)).rejects.toThrow(
      'HDF5 cannot hold a layer of the name "ip": another layer has it too',
    );
    // More in the file than in the net: the last one counts, as in Caffe.
    const one = await compile(`${input}${ip("x", "a", 3)}`);
    const [first, last] = weights.layers;
    const shaped = {
      ...last,
      blobs: first.blobs.map(({ shape, data }) => ({ shape, data: data.map(() => 7) })),
    };
    await loadWeights(one, { layers: [first, shaped] });
    expect(await one.params["ip"][0].read()).toEqual(new Float32Array(6).fill(7));
    await one.close();
    await net.close();
  });

  it("go on from a snapshot, and are in a build", async () => {
    const folder = await newFolder();
    const trained = `${NET}
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 1 dim: 2 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "c" bottom: "t" top: "loss" }`;
    const text = `base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 4 snapshot_prefix: "${join(folder, "s")}"
net_param { ${trained} }`;
    const inputs = { x, t: Float32Array.of(1, 2) };
    const solver = await createSolver(text, { inputs, seed: 4 });
    await solver.step(2);
    const { state } = await solver.snapshot();
    const resumed = await createSolver(text, { inputs, seed: 5, resume: state });
    for (const one of [solver, resumed]) await one.step(2);
    const weights = await collectWeights(solver.net);
    expect(valuesOf(await collectWeights(resumed.net))).toEqual(valuesOf(weights));
    const c = await inNode(
      await build(NET, { weights }),
      `const net = await load();
       return [Object.keys(net.params), [...(await net.forward({ x: Float32Array.of(1, -2) })).c]];`,
    );
    const net = await compile(NET, { weights });
    expect(c).toEqual([["ip (1)", "ip"], [...(await net.forward({ x }))["c"]]]);
    const hdf5 = await createSolver(`${text} snapshot_format: HDF5`, { inputs });
    await expect(hdf5.solve()).rejects.toThrow("another layer has it too");
    for (const { close } of [solver, resumed, net, hdf5]) await close();
  });

  it("are each their own origin of nodes, and their own splits", () => {
    const net = lowerText(`${input}${ip("x", "a", 2, "param { lr_mult: 0 } param { lr_mult: 0 }")}
layer { name: "s" type: "Power" bottom: "a" top: "p" } layer { name: "s" type: "Power" bottom: "a" top: "p2" }
${ip("p", "q", 2)}layer { name: "loss" type: "EuclideanLoss" bottom: "q" bottom: "p2" top: "loss" }`);
    expect(net.layers.map(({ origin }) => origin)).toEqual(["x", "ip (1)", "s (1)", "s", "ip", "loss"]);
    expect(net.layers.map(({ needsBackward }) => needsBackward)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openSink } from "../../../runtime/data/hdf5-sink.js";
import { openHdf5 } from "../../../runtime/hdf5-file.js";
import { compile, createSolver } from "../../../src/index.js";
import { mistakeOf } from "../../support/feeds.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();
const message = async (work: () => unknown): Promise<string> => (await mistakeOf(work))?.message ?? "";
const counted = (length: number, from = 0): Float32Array => Float32Array.from({ length }, (_, i) => from + i);

async function datasetsOf(path: string) {
  const file = await openHdf5(path, path);
  try {
    return Object.fromEntries(
      file.datasets.map((dataset) => [dataset.path, { shape: dataset.shape, data: dataset.read() }]),
    );
  } finally {
    file.close();
  }
}

const net = (file: string, above = ""): string => `
layer { name: "in" type: "Input" top: "x" top: "y"
  input_param { shape { dim: 4 dim: 8 dim: 6 dim: 5 } shape { dim: 4 dim: 1 dim: 1 dim: 1 } } }
${above}
layer { name: "out" type: "HDF5Output" bottom: "x" bottom: "y" hdf5_output_param { file_name: "${file}" } }`;
const inputs = { x: counted(960), y: counted(4, 1) };

describe("HDF5Output", () => {
  it.skipIf(!hasOracle())(
    "one forward gives the file that Caffe wrote: datasets, shapes, values",
    async () => {
      const compiled = await compile(net("one.h5"), { root: scratch.path, target: "ts" });
      expect(compiled.outputs).toEqual([]);
      expect(await compiled.forward(inputs)).toEqual({});
      expect(existsSync(join(scratch.path, "one.h5"))).toBe(false);
      await compiled.close();
      const caffes = await datasetsOf(oraclePath("files", "hdf5_output.h5"));
      expect(Object.keys(caffes).sort()).toEqual(["data", "label"]);
      expect(await datasetsOf(join(scratch.path, "one.h5"))).toEqual(caffes);
    },
  );

  it("several forwards follow one another; each writes what its blobs held at the layer", async () => {
    const later = `layer { name: "r" type: "Power" bottom: "x" top: "x" power_param { scale: -1 } }`;
    const compiled = await compile(`${net("many.h5")}\n${later}`, { root: scratch.path, target: "ts" });
    for (let i = 0; i < 3; i++) await compiled.forward({ x: counted(960, i * 960), y: counted(4, i * 4) });
    await compiled.close();
    const { data, label } = await datasetsOf(join(scratch.path, "many.h5"));
    expect([data.shape, label.shape]).toEqual([
      [12, 8, 6, 5],
      [12, 1, 1, 1],
    ]);
    expect(data.data).toEqual(counted(2880));
    expect(label.data).toEqual(counted(12));
  });

  it("is read again by HDF5Data", async () => {
    const compiled = await compile(net("again.h5"), { root: scratch.path, target: "ts" });
    await compiled.forward(inputs);
    await compiled.close();
    scratch.file("again.txt", "again.h5\n");
    const reader = await compile(
      `layer { name: "d" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { source: "again.txt" batch_size: 4 } }`,
      { root: scratch.path, target: "ts" },
    );
    expect(await reader.forward()).toEqual({ data: inputs.x, label: inputs.y });
    await reader.close();
  });

  it("writes in training, too, one batch a forward", async () => {
    const train = `
layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 }
  data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "p" inner_product_param { num_output: 1 } }
layer { name: "l" type: "EuclideanLoss" bottom: "p" bottom: "y" top: "l" }
layer { name: "out" type: "HDF5Output" bottom: "p" bottom: "y" hdf5_output_param { file_name: "train.h5" } }`;
    scratch.file("train.prototxt", train);
    const solver = await createSolver(
      'net: "train.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 3 iter_size: 2',
      {
        root: scratch.path,
        target: "ts",
      },
    );
    await solver.solve();
    await solver.close();
    const { data, label } = await datasetsOf(join(scratch.path, "train.h5"));
    expect([data.shape, label.shape]).toEqual([
      [12, 1],
      [12, 1],
    ]);
    // Weights start at 0.
    expect([...data.data.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    expect(data.data.subarray(4).every((value) => value !== 0)).toBe(true);
  });

  it("forwards may have different numbers of rows", async () => {
    const spec = { kind: "hdf5", path: "rows.h5", datasets: ["data", "label"] } as const;
    const sink = await openSink(spec, [[4, 2], [4]], scratch.path);
    await sink.write([counted(4), counted(2)]);
    await sink.write([counted(2, 4), counted(1, 2)]);
    await sink.close();
    expect(await datasetsOf(join(scratch.path, "rows.h5"))).toEqual({
      data: { shape: [3, 2], data: counted(6) },
      label: { shape: [3], data: counted(3) },
    });
  });

  it("and none at all", async () => {
    const spec = { kind: "hdf5", path: "none.h5", datasets: ["data"] } as const;
    const sink = await openSink(spec, [[4, 2]], scratch.path);
    await sink.write([counted(0)]);
    await sink.close();
    expect(await datasetsOf(join(scratch.path, "none.h5"))).toEqual({
      data: { shape: [0, 2], data: counted(0) },
    });
  });

  it("without a forward there is no file, and an old one stays", async () => {
    scratch.file("old.h5", "old");
    await (await compile(net("old.h5"), { root: scratch.path, target: "ts" })).close();
    await (await compile(net("new.h5"), { root: scratch.path, target: "ts" })).close();
    expect(readFileSync(join(scratch.path, "old.h5"), "utf8")).toBe("old");
    expect(existsSync(join(scratch.path, "new.h5"))).toBe(false);
  });

  it.each([
    [
      "its folder is missing",
      net("nowhere/x.h5"),
      /5:95: error: cannot write the file "nowhere\/x.h5": there is neither a folder/,
    ],
    ["it is a folder", net("folder"), /5:95: error: cannot write the file ".*folder": it is a folder/],
    [
      "two layers want it",
      `${net("both.h5")}\nlayer { name: "two" type: "HDF5Output" bottom: "x" bottom: "y" hdf5_output_param { file_name: "./both.h5" } }`,
      /6:\d+: error: layer "two" \(HDF5Output\): layer "out" \(HDF5Output\) writes the file ".*both.h5" as well/,
    ],
  ])("a file that cannot be is refused when the net is compiled: %s", async (_, text, expected) => {
    mkdirSync(join(scratch.path, "folder"), { recursive: true });
    expect(await message(() => compile(text, { root: scratch.path, target: "ts" }))).toMatch(expected);
  });

  it("what cannot be written in the end is reported, and nothing is left of it", async () => {
    mkdirSync(join(scratch.path, "gone"));
    const sink = await openSink(
      { kind: "hdf5", path: "gone/x.h5", datasets: ["data"] },
      [[2, 1]],
      scratch.path,
    );
    await sink.write([counted(2)]);
    mkdirSync(join(scratch.path, "gone", "x.h5"));
    expect(await message(() => sink.close())).toMatch(/cannot write the file ".*x.h5": it is a folder/);
    expect(readdirSync(join(scratch.path, "gone"))).toEqual(["x.h5"]);
  });

  it("a forward that fails leaves its rows out", async () => {
    const text = `
layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 1 dim: 3 } shape { dim: 1 } } }
layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "y" top: "l" }
layer { name: "out" type: "HDF5Output" bottom: "x" bottom: "y" hdf5_output_param { file_name: "bad.h5" } }`;
    const compiled = await compile(text, { root: scratch.path, target: "ts" });
    await compiled.forward({ x: counted(3), y: counted(1, 2) });
    expect(await message(() => compiled.forward({ x: counted(3), y: counted(1, 7) }))).toMatch(/label/);
    await compiled.close();
    const { label } = await datasetsOf(join(scratch.path, "bad.h5"));
    expect([...label.data]).toEqual([2]);
  });
});

/** HDF5 files as Caffe has them, and damaged ones: refused in words, with nothing printed and nothing left open. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import h5wasm from "h5wasm/node";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { CortadoError } from "../../proto/errors/index.js";
import { openHdf5, writeHdf5 } from "../../runtime/hdf5-file.js";
import { encodeWeights, readWeights } from "../../runtime/weights/index.js";
import { openFiles } from "../support/open-files.js";
import { hasOracle, oraclePath } from "../support/oracle.js";
import { layer, refusal } from "./weights/support.js";

let folder = "";
const path = (name: string): string => join(folder, name);
beforeAll(async () => {
  await h5wasm.ready;
  folder = mkdtempSync(join(tmpdir(), "cortado-hdf5-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a file with the library itself. */
function make(name: string, fill: (file: InstanceType<typeof h5wasm.File>) => void): string {
  const file = new h5wasm.File(path(name), "w");
  try {
    fill(file);
  } finally {
    file.close();
  }
  return path(name);
}

it("weights have Caffe's layout", async () => {
  const bytes = await encodeWeights(
    { layers: [layer("conv1", [[2, 1, 3, 3], [2]]), layer("a/b", [[1]])] },
    "hdf5",
  );
  writeFileSync(path("weights.h5"), bytes);
  const file = new h5wasm.File(path("weights.h5"), "r");
  expect(file.keys()).toEqual(["data"]);
  const dataset = file.get("data/conv1/0") as InstanceType<typeof h5wasm.Dataset>;
  expect(dataset.shape).toEqual([2, 1, 3, 3]);
  expect(dataset.dtype).toBe("<f");
  expect((file.get("data/a/b/0") as InstanceType<typeof h5wasm.Dataset>).value).toEqual(Float32Array.of(0));
  file.close();
});

it("reads every type of number, compressed or not", async () => {
  const at = make("types.h5", (file) => {
    file.create_dataset({ name: "f64", data: Float64Array.of(0.1, -1), shape: [2], dtype: "<d" });
    file.create_dataset({ name: "i64", data: BigInt64Array.of(-3n, 4n), shape: [1, 2], dtype: "<q" });
    file.create_dataset({ name: "u8", data: Uint8Array.of(1, 255), shape: [2, 1], dtype: "<B" });
    file.create_dataset({ name: "scalar", data: Float32Array.of(2.5), shape: [], dtype: "<f" });
    file.create_dataset({ name: "none", data: new Float32Array(0), shape: [0], dtype: "<f" });
    file.create_dataset({
      name: "gzip",
      data: new Float32Array(10_000).fill(3),
      shape: [100, 100],
      chunks: [100, 100],
      compression: "gzip",
      dtype: "<f",
    });
  });
  const file = await openHdf5(at, "it");
  const found = Object.fromEntries(
    file.datasets.map(({ path: name, shape, read }) => [name, [shape, read()]]),
  );
  file.close();
  expect(found).toEqual({
    f64: [[2], Float32Array.of(0.1, -1)],
    i64: [[1, 2], Float32Array.of(-3, 4)],
    u8: [[2, 1], Float32Array.of(1, 255)],
    scalar: [[], Float32Array.of(2.5)],
    none: [[0], new Float32Array(0)],
    gzip: [[100, 100], new Float32Array(10_000).fill(3)],
  });
});

const fixture = (name: string): string => new URL(`../fixtures/hdf5/${name}`, import.meta.url).pathname;

it.each(["earliest", "latest"])(
  "the kinds of other writers, in the %s form of the format",
  async (version) => {
    const file = await openHdf5(fixture(`kinds-${version}.h5`), "it");
    const values: Record<string, readonly number[]> = {};
    const refused: Record<string, string> = {};
    for (const { path: name, read } of file.datasets) {
      try {
        values[name] = [...read()];
      } catch (error) {
        expect(error).toBeInstanceOf(CortadoError);
        [, refused[name]] = /^error: it: dataset ".*?" (.*)/.exec((error as Error).message) ?? [];
      }
    }
    file.close();
    const tenth = Math.fround(0.1);
    const signed = [3, 100, -7];
    const unsigned = [3, 100, 250];
    expect(values).toEqual({
      ...Object.fromEntries(["<f2", ">f2"].map((name) => [name, [1.5, -2.25, 0.0999755859375, 65504]])),
      ...Object.fromEntries(["<f4", ">f4", "<f8", ">f8"].map((name) => [name, [1.5, -2.25, tenth, 65504]])),
      ...Object.fromEntries(["<i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8"].map((name) => [name, signed])),
      ...Object.fromEntries(["<u1", "<u2", "<u4", "<u8"].map((name) => [name, unsigned])),
      "of a named type": [1.25, 7],
      bfloat16: [1.5, -3.00405527047391e38],
      scalar: [2.5],
    });
    const large = "is larger than the file can hold: it is damaged";
    expect(refused).toEqual({
      "another bias": "holds numbers of 32 bits in a layout that cannot be read",
      "12 bits": "holds numbers of 16 bits in a layout that cannot be read",
      "long double": "holds numbers of 128 bits in a layout that cannot be read",
      bool: "does not hold numbers, but an enumeration (as h5py writes booleans)",
      compound: "does not hold numbers, but compounds",
      text: "does not hold numbers, but strings",
      word: "does not hold numbers, but strings",
      lists: "does not hold numbers, but lists of varying length",
      reference: "does not hold numbers, but references",
      null: "holds no values",
      lzf: 'is compressed by "lzf" (filter 32000), which is not part of HDF5',
      "10^12": large,
      "2^32 + 4": large,
    });
  },
);

it("after a block of the user's own", async () => {
  const file = await openHdf5(fixture("user-block.h5"), "it");
  expect([...file.datasets[0].read()]).toEqual([1.5, -2.25, 0.0999755859375, 65504]);
  file.close();
});

it("no other file is read: links, external storage, virtual datasets", async () => {
  const said = async (name: string): Promise<string> => {
    const file = await openHdf5(fixture("elsewhere.h5"), "it");
    try {
      const found = file.datasets.find(({ path: at }) => at === name)!;
      return await refusal(() => found.read());
    } finally {
      file.close();
    }
  };
  for (const name of ["link", "soft into link", "external"])
    expect(await said(name)).toMatch(
      new RegExp(
        `^error: it: dataset "${name}" leads into another file, "/etc/passwd": only the file itself`,
      ),
    );
  expect(await said("virtual")).toMatch(/is virtual: its values lie in other datasets, of "\/etc\/passwd"/);
  // What lies in the file itself is read, through its own links too.
  expect((await readWeights(fixture("elsewhere.h5"))).layers.map(({ name }) => name)).toEqual([
    "here",
    "soft",
  ]);
  expect(await refusal(() => readWeights(fixture("linked-layer.h5")))).toContain(
    'dataset "data/ip" leads into another file',
  );
});

it("what holds no numbers is refused where it is read", async () => {
  const at = make("texts.h5", (file) => {
    file.create_dataset({ name: "text", data: ["1", "two"], shape: [2], dtype: "S3" });
    file.create_dataset({ name: "ok", data: Float32Array.of(1), shape: [1], dtype: "<f" });
  });
  const file = await openHdf5(at, '"texts.h5"');
  const [ok, text] = file.datasets;
  expect(ok.read()).toEqual(Float32Array.of(1));
  expect(await refusal(() => text.read())).toBe(
    'error: "texts.h5": dataset "text" does not hold numbers, but strings\n  float16, bfloat16, float32, float64 and integers of 8 to 64 bits are read',
  );
  file.close();
});

it("a shape that the file cannot hold is refused before memory is taken", async () => {
  const at = make("huge.h5", (file) => {
    file.create_group("data");
    file.create_group("data/ip");
    const options = { maxshape: [null], chunks: [1000], dtype: "<f" };
    file
      .create_dataset({ name: "data/ip/0", data: new Float32Array(1), shape: [1], ...options })
      .resize([100_000_000]);
  });
  expect(statSync(at).size).toBeLessThan(20_000);
  const before = process.memoryUsage().rss;
  expect(await refusal(() => readWeights(at))).toBe(
    `error: ${JSON.stringify(at)}: dataset "data/ip/0" is larger than the file can hold: it is damaged`,
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
});

it("groups that link to each other end", async () => {
  const circle = (links: number): string =>
    make(`circle${links}.h5`, (file) => {
      file.create_group("data");
      file.create_group("data/ip");
      file.create_dataset({ name: "data/ip/0", data: new Float32Array(1), shape: [1], dtype: "<f" });
      for (let i = 0; i < links; i++) file.create_hard_link("/data", `data/z${i}`);
    });
  expect((await readWeights(circle(1))).layers[0].name).toBe("ip");
  expect(await refusal(() => readWeights(circle(3)))).toContain("groups that link in a circle");
});

it("damage is reported in a sentence, prints nothing and leaves nothing open", async () => {
  const sound = make("sound.h5", (file) => {
    file.create_group("data");
    file.create_group("data/ip");
    file.create_dataset({ name: "data/ip/0", data: new Float32Array(6), shape: [2, 3], dtype: "<f" });
  });
  const whole = readFileSync(sound);
  const printed = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")];
  const logged = [vi.spyOn(console, "log"), vi.spyOn(console, "error"), vi.spyOn(console, "warn")];
  const before = openFiles();
  let refused = 0;
  for (let i = 8; i < whole.length; i += 7) {
    const damaged = Buffer.from(whole);
    damaged[i] ^= 0xff;
    writeFileSync(path("damaged.h5"), damaged);
    try {
      await readWeights(path("damaged.h5"));
    } catch (error) {
      expect(error).toBeInstanceOf(CortadoError);
      expect((error as CortadoError).message).toMatch(
        /^error: ".*damaged\.h5"|^error: cannot read ".*damaged\.h5"/,
      );
      expect((error as CortadoError).message).not.toMatch(/HDF5-DIAG|\.c line|#0/);
      refused++;
    }
  }
  for (const spy of [...printed, ...logged]) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
  expect(refused).toBeGreaterThan(50);
  expect(openFiles() - before).toBeLessThan(5);
  expect((await readWeights(sound)).layers).toHaveLength(1);
});

it("many failures in a row leave nothing open, and sound files are read as they are", async () => {
  const compressed = (name: string, value: number): string =>
    make(name, (file) => {
      file.create_group("data");
      file.create_group("data/ip");
      const options = { compression: "gzip" as const, shape: [1000], chunks: [1000], dtype: "<f" };
      for (const i of [0, 1])
        file.create_dataset({ name: `data/ip/${i}`, data: new Float32Array(1000).fill(value), ...options });
    });
  const two = readFileSync(compressed("two.h5", 2));
  const damaged = Buffer.from(two);
  // The second stream: the first is read, and then comes the failure.
  const at = damaged.lastIndexOf(Buffer.from([0x78, 0x5e]));
  damaged.fill(0xff, at + 2, at + 8);
  const place = path("one-name.h5");
  const before = openFiles();
  for (let i = 0; i < 90; i++) {
    writeFileSync(place, i % 3 === 2 ? "not HDF5 at all" : damaged);
    expect(await refusal(() => readWeights(place))).toMatch(/damaged/);
  }
  writeFileSync(place, two);
  expect((await readWeights(place)).layers[0].blobs.map(({ data }) => data[999])).toEqual([2, 2]);
  writeFileSync(place, readFileSync(compressed("one.h5", 1)));
  expect((await readWeights(place)).layers[0].blobs.map(({ data }) => data[999])).toEqual([1, 1]);
  expect(openFiles()).toBeLessThanOrEqual(before);
});

it("a file that was replaced is read anew", async () => {
  for (const value of [1, 2, 3]) {
    await writeHdf5(path("again.h5"), [{ path: "data/ip/0", shape: [1], data: Float32Array.of(value) }]);
    expect((await readWeights(path("again.h5"))).layers[0].blobs[0].data).toEqual(Float32Array.of(value));
  }
});

it("a path that cannot be written is an error with a reason", async () => {
  const clash = [
    { path: "a", shape: [1], data: new Float32Array(1) },
    { path: "a/0", shape: [1], data: new Float32Array(1) },
  ];
  await expect(writeHdf5(path("clash.h5"), clash)).rejects.toThrow(/^(?!.*HDF5-DIAG).+/);
});

it("a layer with a gap among its parameters", async () => {
  const at = make("gap.h5", (file) => {
    file.create_group("data");
    file.create_group("data/ip");
    file.create_dataset({ name: "data/ip/1", data: new Float32Array(1), shape: [1], dtype: "<f" });
  });
  expect(await refusal(() => readWeights(at))).toContain(
    'layer "ip" has no parameter 0\n  Caffe leaves out of HDF5',
  );
});

it.runIf(hasOracle())("other files of HDF5 hold no weights", async () => {
  for (const name of ["sample_data.h5", "sample_data_2_gzip.h5", "hdf5_output.h5"])
    expect(await refusal(() => readWeights(oraclePath("files", name)))).toMatch(
      /holds no weights\n {2}a \.caffemodel\.h5 has datasets \/data\/<layer>\/<index>$/,
    );
});

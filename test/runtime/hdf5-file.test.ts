/** HDF5 files as Caffe has them, and damaged ones: refused in words, with nothing printed and nothing left open. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import h5wasm from "h5wasm/node";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { CortadoError } from "../../proto/errors/index.js";
import { openHdf5, writeHdf5 } from "../../runtime/hdf5-file.js";
import { encodeWeights, readWeights } from "../../runtime/weights/index.js";
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

const openFiles = (): number =>
  existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : Number.NaN;

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

it("what holds no numbers is refused where it is read", async () => {
  const at = make("texts.h5", (file) => {
    file.create_dataset({ name: "text", data: ["1", "two"], shape: [2], dtype: "S3" });
    file.create_dataset({ name: "ok", data: Float32Array.of(1), shape: [1], dtype: "<f" });
  });
  const file = await openHdf5(at, '"texts.h5"');
  const [ok, text] = file.datasets;
  expect(ok.read()).toEqual(Float32Array.of(1));
  expect(await refusal(() => text.read())).toBe('error: "texts.h5": dataset "text" does not hold numbers');
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
  if (!Number.isNaN(before)) expect(openFiles() - before).toBeLessThan(5);
  expect((await readWeights(sound)).layers).toHaveLength(1);
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

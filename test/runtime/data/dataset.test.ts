import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openDataset } from "../../../runtime/data/dataset.js";
import { locateSource } from "../../../runtime/data/locate.js";
import { readWhole } from "../../../runtime/data/whole-file.js";
import { mistakeOf, openHandles } from "../../support/feeds.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();
const messageOf = async (source: string, root = scratch.path) =>
  (await mistakeOf(async () => (await openDataset(source, { root })).close()))?.message;

mkdirSync(join(scratch.path, "root"));
mkdirSync(join(scratch.path, "elsewhere"));
mkdirSync(join(scratch.path, "root", "mnist_train_lmdb"));
scratch.file("root/here.txt", "root");
scratch.file("elsewhere/there.txt", "elsewhere");

describe("where a source is looked for", () => {
  const cwd = process.cwd();
  afterEach(() => process.chdir(cwd));
  const root = join(scratch.path, "root");
  const elsewhere = join(scratch.path, "elsewhere");

  it("as it is when absolute, under the roots in turn, then in the working directory", async () => {
    process.chdir(elsewhere);
    expect(await locateSource(join(root, "here.txt"), ["/"], "it")).toBe(join(root, "here.txt"));
    expect(await locateSource("here.txt", [root], "it")).toBe(join(root, "here.txt"));
    expect(await locateSource("there.txt", [root], "it")).toBe(join(process.cwd(), "there.txt"));
    scratch.file("root/there.txt", "root");
    expect(await locateSource("there.txt", [root], "it")).toBe(join(root, "there.txt"));
    expect(await locateSource("here.txt", [elsewhere, root], "it")).toBe(join(root, "here.txt"));
  });

  it("a source that is not there: where it was looked for, and near names of every place", async () => {
    process.chdir(elsewhere);
    const mistake = await mistakeOf(() => locateSource("mnist_train_lmbd", [root], "the data source"));
    expect(mistake?.message).toContain('the data source "mnist_train_lmbd" is not there; looked for "');
    expect(mistake?.message).toContain(`${JSON.stringify(join(root, "mnist_train_lmbd"))} and `);
    expect(mistake?.message).toContain('did you mean "mnist_train_lmdb"?');
    const other = await mistakeOf(() => locateSource("theer.txt", [join(root, "mnist_train_lmdb")], "it"));
    expect(other?.message).toContain('did you mean "there.txt"?');
  });

  it("odd names are just not there", async () => {
    for (const source of ["a\0b", "x".repeat(5000), "here.txt/more", "../../../../nowhere/at/all"])
      expect(await messageOf(source, root), source.slice(0, 20)).toMatch(/the data source .* is not there/s);
  });
});

describe("what a source is", () => {
  it.each([
    ["a folder of neither kind", "root", /is neither an LMDB nor a LevelDB nor an idx file/],
    ["a text", "root/here.txt", /is neither an LMDB nor a LevelDB nor an idx file/],
    ["nothing", "", /is neither an LMDB/],
    ["an empty file", "empty", /is neither an LMDB/],
    ["a file of zeros", "zeros", /is neither an LMDB/],
    ["a zip of something else", "other.gz", /is neither an LMDB/],
    [
      "a zip that only has the name",
      "x-images-idx3-ubyte.gz",
      /x-images-idx3-ubyte\.gz" is cut short: nothing in it can be unpacked/,
    ],
    ["a data.mdb that is a folder", "odd_lmdb", /data\.mdb" is not a file/],
  ])("%s", async (_, source, expected) => {
    scratch.file("empty", "");
    scratch.file("zeros", new Uint8Array(5000));
    scratch.file("other.gz", Uint8Array.of(0x1f, 0x8b, 8, 0));
    scratch.file("x-images-idx3-ubyte.gz", Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3));
    mkdirSync(join(scratch.path, "odd_lmdb", "data.mdb"), { recursive: true });
    const before = openHandles();
    expect(await messageOf(source)).toMatch(expected);
    expect(openHandles()).toBe(before);
  });

  it("a pipe, which would make a reader wait for ever", async () => {
    const pipe = join(scratch.path, "pipe");
    if (process.platform === "win32") writeFileSync(join(scratch.path, "pipe"), "");
    else execFileSync("mkfifo", [pipe]);
    expect(await messageOf("pipe")).toMatch(/is not a file|is neither/);
  });
});

describe("whole files", () => {
  it("are read up to a size", async () => {
    const path = scratch.file("ten", "0123456789");
    expect((await readWhole(path, "the file", 10)).toString()).toBe("0123456789");
    const mistake = await mistakeOf(() => readWhole(path, "the file", 9));
    expect(mistake?.message).toMatch(/the file is too large: 10 bytes, and at most 9 are read/);
    expect((await mistakeOf(() => readWhole(scratch.path, "it", 9)))?.message).toMatch(/it is not a file/);
    expect((await mistakeOf(() => readWhole(`${path}x`, "it", 9)))?.message).toMatch(
      /cannot open it: there is no such file or folder/,
    );
  });
});

describe.skipIf(!hasOracle())("openDataset", () => {
  it.each([
    ["mnist_train_lmdb", 640, [1, 28, 28]],
    ["mnist_test_lmdb", 200, [1, 28, 28]],
    ["mnist_test_leveldb", undefined, [1, 28, 28]],
    ["mnist_test_png_lmdb", 200, [1, 28, 28]],
  ])("%s: count, shape, and records that go round", async (name, count, shape) => {
    const dataset = await openDataset(name, { root: oraclePath("files") });
    expect([dataset.count, dataset.shape]).toEqual([count, shape]);
    const first = await dataset.next();
    for (let i = 1; i < (count ?? 200); i++) await dataset.next();
    expect(await dataset.next()).toEqual(first);
    await dataset.close();
  });

  it("decodes images in the mode asked for", async () => {
    const root = relative(process.cwd(), oraclePath("files"));
    const [gray, color] = await Promise.all(
      (["gray", "color"] as const).map((mode) => openDataset("mnist_test_png_lmdb", { root, color: mode })),
    );
    expect([gray.shape, color.shape]).toEqual([
      [1, 28, 28],
      [3, 28, 28],
    ]);
    const { data } = await gray.next();
    expect([...(await color.next()).data]).toEqual([...data, ...data, ...data]);
    await gray.close();
    await color.close();
  });
});

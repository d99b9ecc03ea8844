/** What a build does with the folder it is given, and with options that make no sense. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { BUILT_MARK } from "../../../src/artefact/built-mark.js";
import { checkFolder, writeFolder } from "../../../src/artefact/folder.js";
import { type BuildOptions, buildNet } from "../../../src/build-net.js";
import { newFolder, removeFolders } from "./support.js";

afterAll(removeFolders);

const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
`;
const FILES = [
  "kernels",
  "manifest.json",
  "net.cjs",
  "net.d.cts",
  "net.d.ts",
  "net.js",
  "package.json",
  "weights.safetensors",
];

/** The message of a build that is refused. */
async function refused(out: string, options: object = {}, net = NET): Promise<string> {
  const error: unknown = await buildNet(net, { out, ...options } as BuildOptions).catch((caught) => caught);
  expect(error).toBeInstanceOf(CortadoError);
  return (error as CortadoError).message;
}

describe("a build's folder", () => {
  it("is made, and holds what the manifest says; the same net gives the same bytes", async () => {
    const out = join(await newFolder(), "a", "b");
    const report = await buildNet(NET, { out });
    expect((await readdir(out)).sort()).toEqual(FILES);
    const manifest = JSON.parse(await readFile(join(out, "manifest.json"), "utf8"));
    expect(report.files.slice(0, -1)).toEqual(manifest.files);
    for (const { path, bytes, sha256 } of report.files) {
      const content = await readFile(join(out, path));
      expect(content.length).toBe(bytes);
      expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
    }
    expect(manifest).toMatchObject({
      format: "cortado-net",
      version: 1,
      target: "ts",
      phase: "TEST",
      blobs: [
        { name: "data", shape: [2, 3] },
        { name: "ip", shape: [2, 3] },
      ],
      inputs: ["data"],
      outputs: ["ip"],
      params: [
        { layer: "ip", index: 0, shape: [3, 3] },
        { layer: "ip", index: 1, shape: [3] },
      ],
    });
    const again = await buildNet(NET, { out: join(await newFolder(), "c") });
    expect(again.files).toEqual(report.files);
  });

  it("may be that of an earlier build, whole or half-finished; other files stay", async () => {
    const out = await newFolder();
    await writeFile(join(out, ".gitkeep"), "");
    await buildNet(NET, { out });
    await writeFile(join(out, "notes.txt"), "mine");
    await buildNet(NET, { out, backward: true });
    await rm(join(out, "manifest.json"));
    const report = await buildNet(NET, { out, seed: 7 });
    expect((await readdir(out)).sort()).toEqual([".gitkeep", ...FILES, "notes.txt"].sort());
    expect((await stat(join(out, "net.js"))).size).toBe(
      report.files.find(({ path }) => path === "net.js")?.bytes,
    );
  });

  it("is refused where it has somebody's own files, whatever their names", async () => {
    const out = await newFolder();
    for (const name of ["package.json", "a", "b", "c", "d", "e"]) await writeFile(join(out, name), "{}");
    expect(await refused(out)).toMatch(
      /has files that no build wrote: a, b, c, d, e and 1 more\n {2}build into another/,
    );
    expect((await readdir(out)).length).toBe(6);
  });

  it("may be a link to a folder; nothing is written through a link in it", async () => {
    const parent = await newFolder();
    const [real, out] = [join(parent, "real"), join(parent, "link")];
    const at = (name: string) => join(real, name);
    const files = ["net.d.ts", "net.js", "kernels/sm_80/k.cubin"].map((path) => ({
      path,
      bytes: Buffer.from(`// ${BUILT_MARK}`),
    }));
    const said = (work: Promise<void>) =>
      work.then(
        () => "nothing",
        ({ message }: Error) => message,
      );
    await symlink("real", out);
    expect(await said(checkFolder(join(out, "a")))).toMatch(
      /cannot build into ".*a": ".*link" is a link to "real", which is not there/,
    );
    await mkdir(real);
    await writeFolder(out, files);
    expect((await readdir(real)).sort()).toEqual(["kernels", "net.d.ts", "net.js"]);
    await writeFile(join(parent, "mine"), "mine");
    for (const target of ["mine", "none"]) {
      await rm(at("net.js"));
      await symlink(join(parent, target), at("net.js"));
      expect(await said(writeFolder(out, files))).toMatch(
        /cannot write ".*net\.js": it is a link, and a build writes into its own folder only/,
      );
    }
    await rm(at("net.js"));
    await mkdir(at("net.js"));
    expect(await said(writeFolder(out, files))).toMatch(/cannot write ".*net\.js": it is not a file/);
    await rm(at("kernels"), { recursive: true });
    await symlink(parent, at("kernels"));
    expect(await said(writeFolder(out, files))).toMatch(/cannot write ".*kernels": it is a link/);
    expect((await readdir(parent)).sort()).toEqual(["link", "mine", "real"]);
    expect(await readFile(join(parent, "mine"), "utf8")).toBe("mine");
  });

  it("is refused where it is a file, or lies below one", async () => {
    const file = join(await newFolder(), "file");
    await writeFile(file, "mine");
    expect(await refused(file)).toMatch(
      /^error: cannot build into ".*file": it is a file\n {2}--out names a folder$/,
    );
    expect(await refused(join(file, "x", "y"))).toMatch(/^error: cannot build into ".*": ".*file" is a file/);
    expect(await readFile(file, "utf8")).toBe("mine");
  });

  it.runIf(process.platform === "linux")("is refused where it may not be written to", async () => {
    expect(await refused("/proc/self/cortado-build/dist")).toBe(
      'error: cannot write to "/proc/self/cortado-build/dist": no permission',
    );
  });
});

describe("a build that is not made", () => {
  it("a build that the system ends is not complete, and says so", async () => {
    const out = await newFolder();
    const files = ["first", "x".repeat(300), "manifest.json"].map((path) => ({
      path,
      bytes: Uint8Array.of(1),
    }));
    const error: unknown = await writeFolder(out, files).catch((caught) => caught);
    expect(error).toBeInstanceOf(CortadoError);
    expect((error as CortadoError).message).toMatch(
      /^error: cannot write ".*x": its name is too long\n {2}the build is not complete/,
    );
    expect(await readdir(out)).toEqual(["first"]);
  });

  it("is not made when something else is wrong", async () => {
    const parent = await newFolder();
    const out = join(parent, "dist");
    expect(await refused(out, {}, NET.replace("InnerProduct", "InerProduct"))).toContain("InerProduct");
    expect(await refused(out, { weights: join(parent, "none.caffemodel") })).toMatch(
      /cannot read the weights/,
    );
    expect(await refused(out, { weights: { layers: [] } })).toMatch(/no layer of the net has weights/);
    const wrong = { layers: [{ name: "ip", type: "", blobs: [{ shape: [1], data: new Float32Array(1) }] }] };
    expect(await refused(out, { weights: wrong })).toMatch(
      /layer "ip" has 2 parameter blobs in the net and 1/,
    );
    expect(await refused(out, { keep: ["pi"] })).toMatch(
      /keep names "pi", a blob that the net does not have/,
    );
    expect(await refused(out, { backward: ["pi"] })).toMatch(
      /backward names "pi", a blob that the net does not have/,
    );
    expect(await refused(out, { train: true, solver: 'type: "SDG"' })).toMatch(/unknown solver type "SDG"/);
    expect(await refused(out, { train: true, solver: join(parent, "none.prototxt") })).toMatch(
      /Cannot read the solver/,
    );
    expect(await readdir(parent)).toEqual([]);
  });

  it("names options that make no sense", async () => {
    const out = join(await newFolder(), "dist");
    expect(await refused(out, { arch: ["sm_80"] })).toMatch(/^error: option arch is for the target "cuda"/);
    expect(await refused(out, { target: "cuda", arch: ["sm_80", "sm80"] })).toMatch(
      /^error: there is no architecture "sm80"/,
    );
    expect(await refused(out, { target: "tss" })).toMatch(
      /option target is "tss".*\n {2}did you mean "ts"\?/,
    );
    expect(await refused(out, { solver: "x.prototxt" })).toMatch(/a solver is only used for the update/);
    expect(await refused(out, { train: true, phase: "TEST" })).toMatch(/trained in phase TRAIN, not TEST/);
    expect(await refused(out, { backwards: true })).toMatch(
      /build has no option "backwards"\n {2}did you mean "backward"\?/,
    );
    expect(await refused(out, { backward: 3, train: "yes" })).toMatch(
      /option train is "yes".*\n\nerror: option backward is 3/,
    );
    expect(await refused("", {})).toMatch(/option out is ""; it may be the path of a folder to write into/);
    expect(await refused(out, { seed: -1 })).toMatch(/option seed is -1/);
    const still = NET.replace(
      "inner_product_param",
      "param { lr_mult: 0 } param { lr_mult: 0 } inner_product_param",
    );
    expect(await refused(out, { backward: true }, still)).toMatch(/the net has nothing to differentiate/);
  });
});

/** What a built module says where something is wrong. */
import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromium } from "../../support/browser-page.js";
import { build, inBrowser, inNode, newFolder, removeFolders } from "./support.js";

const NET = `
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "relu" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "relu" bottom: "label" top: "loss" }
`;
let built = "";
beforeAll(async () => {
  built = await build(NET, { backward: true, keep: ["relu"] });
});
afterAll(removeFolders);

/** The build with something done to it. */
async function damaged(damage: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(await newFolder(), "dist");
  await cp(built, folder, { recursive: true });
  await damage(folder);
  return folder;
}
const loading = async (folder: string): Promise<string> =>
  (await inNode(folder, "return failure(load());")) as string;

describe("loading a build", () => {
  it("can be done by require, of the folder or its file for that", async () => {
    const body = `
      const { createRequire } = await import("node:module");
      const require = createRequire(import.meta.url);
      const net = await require(".").load();
      const mistake = await failure(require("./net.cjs").load({ thread: 2 }));
      return { outputs: net.outputs, mistake };`;
    expect(await inNode(built, body)).toEqual({
      outputs: ["loss"],
      mistake: 'Error: load has no option "thread": there is weights, threads',
    });
  });

  it("names a file that is missing", async () => {
    const message = await loading(await damaged((folder) => rm(join(folder, "weights.safetensors"))));
    expect(message).toMatch(
      /^Error: cannot read "file:\S+weights\.safetensors": there is no such file or folder$/,
    );
    const other = await loading(await damaged((folder) => rm(join(folder, "manifest.json"))));
    expect(other).toMatch(/^Error: cannot read "file:\S+manifest\.json": there is no such file or folder$/);
  });

  it("refuses weights that were cut short or changed", async () => {
    const short = await damaged((folder) => truncate(join(folder, "weights.safetensors"), 100));
    expect(await loading(short)).toMatch(
      /^Error: weights\.safetensors has 100 bytes, and manifest\.json says \d+$/,
    );
    const changed = await damaged(async (folder) => {
      const path = join(folder, "weights.safetensors");
      const bytes = await readFile(path);
      bytes[bytes.length - 1] ^= 1;
      await writeFile(path, bytes);
    });
    expect(await loading(changed)).toBe(
      "Error: weights.safetensors has been changed: its SHA-256 is not the one in manifest.json",
    );
  });

  it("refuses a manifest that was cut short, or is another's", async () => {
    const manifest = (folder: string): string => join(folder, "manifest.json");
    const edited = (edit: (value: Record<string, unknown>) => unknown): Promise<string> =>
      damaged(async (folder) => {
        const value: unknown = edit(JSON.parse(await readFile(manifest(folder), "utf8")));
        await writeFile(manifest(folder), JSON.stringify(value));
      });
    expect(await loading(await damaged((folder) => truncate(manifest(folder), 200)))).toBe(
      "Error: manifest.json is not whole: the build was not finished, or the file was cut short; build again",
    );
    expect(await loading(await edited((value) => ({ ...value, build: "0" })))).toBe(
      "Error: manifest.json and net.js are of different builds; build again, or copy all files again",
    );
    expect(await loading(await edited((value) => ({ ...value, version: 2 })))).toBe(
      "Error: manifest.json has format version 2; net.js reads 1",
    );
    expect(await loading(await edited(() => []))).toBe(
      "Error: manifest.json is not one that `cortado build` wrote",
    );
    expect(await loading(await edited((value) => ({ ...value, files: [{}] })))).toBe(
      "Error: manifest.json has no sound list of files; build again",
    );
    expect(await loading(await edited((value) => ({ ...value, files: [] })))).toBe(
      "Error: manifest.json does not name weights.safetensors; build again",
    );
  });

  it("takes the caller's weights as bytes, URL or path, and says where they do not fit", async () => {
    const result = await inNode(
      built,
      `const { readFile, writeFile } = await import("node:fs/promises");
       const saved = await (await load()).save();
       await writeFile("own.safetensors", saved);
       const same = async (weights) => {
         const net = await load({ weights });
         return bits(await net.params.ip[0].read()).join();
       };
       const url = new URL("own.safetensors", import.meta.url);
       const all = [undefined, saved, saved.buffer, url, url.href, "own.safetensors"];
       const read = await Promise.all(all.map(same));
       const text = new TextDecoder("latin1").decode(saved);
       const other = (from, to) => load({ weights: Uint8Array.from(text.replace(from, to), (c) => c.charCodeAt(0)) });
       return [
         new Set(read).size,
         await failure(load({ weights: saved.subarray(0, 50) })),
         await failure(load({ weights: new Uint8Array(0) })),
         await failure(load({ weights: "nowhere.safetensors" })),
         await failure(load({ weights: 3 })),
         await failure(load({ weight: saved })),
         await failure(other(/ip\\//g, "iq/")),
         await failure(other('"shape":[3,3]', '"shape":[9]  ')),
       ];`,
    );
    expect(result).toEqual([
      1,
      "Error: option weights is not a sound safetensors file: its header is cut short",
      "Error: option weights is not a sound safetensors file: its header has no proper length",
      'Error: cannot read "nowhere.safetensors": there is no such file or folder',
      "Error: option weights is an ArrayBuffer, a Uint8Array, a URL or a path",
      'Error: load has no option "weight": there is weights, threads',
      'Error: option weights has no layer "ip"',
      'Error: parameter 0 of layer "ip" has shape 3×3 in the net and 9 in option weights',
    ]);
  });

  it.skipIf(chromium === undefined)("checks weights on a page that is not secure, too", async () => {
    const changed = await damaged(async (folder) => {
      const path = join(folder, "weights.safetensors");
      const bytes = await readFile(path);
      bytes[bytes.length - 1] ^= 1;
      await writeFile(path, bytes);
    });
    const body = "return [typeof crypto.subtle, await failure(load())];";
    expect(await inBrowser(built, body, { host: "cortado.test" })).toEqual(["undefined", "no error"]);
    expect(await inBrowser(changed, body, { host: "cortado.test" })).toEqual([
      "undefined",
      "Error: weights.safetensors has been changed: its SHA-256 is not the one in manifest.json",
    ]);
  });

  it.skipIf(chromium === undefined)("says in a browser what the server says", async () => {
    const folder = await damaged((at) => rm(join(at, "weights.safetensors")));
    expect(await inBrowser(folder, "return failure(load());")).toMatch(
      /^Error: cannot read "http:\S+weights\.safetensors": the server says 404 Not Found$/,
    );
  });
});

describe("running a build", () => {
  it("names every mistake in what it is given", async () => {
    const result = await inNode(
      built,
      `const net = await load();
       const data = new Float32Array(6);
       const label = Float32Array.of(0, 1);
       const failures = [
         await failure(net.backward()),
         await failure(net.read("ip")),
         await failure(net.forward()),
         await failure(net.forward({ data: new Float32Array(5), labels: label })),
         await failure(net.forward({ data: 3, label })),
         await failure(net.forward(null)),
         await failure(net.forward({ data, label: Float32Array.of(0, 3) })),
         await failure(net.read("data")),
       ];
       await net.forward({ data, label });
       failures.push(
         await failure(net.read("rely")),
         await failure(net.read("relu")),
         await failure(net.readDiff("relu")),
         await failure(net.backward({ ip: data })),
         await failure(net.backward()),
         await failure(net.readDiff("relu")),
         await failure(net.params.ip[0].write(data)),
       );
       await net.close();
       failures.push(await failure(net.forward({ data, label })));
       return failures;`,
    );
    expect(result).toEqual([
      "Error: backward needs a forward before it",
      'Error: "ip" is not kept: its memory is used again\n  build with keep: ["ip"] or keep: "all"',
      'Error: Input "data", of shape 2×3, was not given\nInput "label", of shape 2, was not given',
      'Error: "data" has shape 2×3, 6 numbers; 5 were given\n' +
        'The net has no input "labels"\n  did you mean "label"?\n' +
        'Input "label", of shape 2, was not given',
      'Error: "data" is not an array of numbers',
      'Error: inputs are given as an object: { name: Float32Array }\n  the net has: "data", "label"',
      expect.stringMatching(/^Error: .*label.*: element 1 is 3$/s),
      'Error: "data" has no value since the last forward failed',
      'Error: The net has no blob "rely"\n  did you mean "relu"?',
      "no error",
      'Error: "relu" has no diff before backward',
      'Error: "ip" takes no diff in this build: no blob does\n  build with backward: ["ip"]',
      "no error",
      "no error",
      "Error: A parameter of shape 3×3 holds 9 numbers; 6 were given",
      "Error: This net has been closed",
    ]);
  });

  it("starts backward from the caller's diffs", async () => {
    const folder = await build(NET, { backward: ["ip", "loss"] });
    const result = await inNode(
      folder,
      `const net = await load();
       await net.forward({ data: standIn(6).map((x) => -x), label: Float32Array.of(0, 1) });
       const bias = async (diffs) => Array.from((await net.backward(diffs)).params.ip[1]);
       const ip = Float32Array.of(1, 2, 3, 4, 5, 6);
       return [await bias({ ip, loss: Float32Array.of(0) }), await bias({ loss: Float32Array.of(0) }), await bias()];`,
    );
    const [given, none, fromLoss] = result as number[][];
    expect(given).toEqual([5, 7, 9]);
    expect(none).toEqual([0, 0, 0]);
    expect(fromLoss.some((x) => x !== 0)).toBe(true);
  });
});

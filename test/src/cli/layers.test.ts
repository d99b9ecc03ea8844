/** `--layers`: layer types of the user's own, and the extras, on the command line. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { cortado, folderWith, type Ran } from "./support.js";

const INPUT =
  'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 dim: 1 dim: 2 } } }\nforce_backward: true\n';
const SHUFFLED = `${INPUT}layer { name: "s" type: "ShuffleChannel" bottom: "x" top: "y" shuffle_channel_param { group: 2 } }\n`;
const OWN = `${INPUT}layer { name: "own" type: "Twice" bottom: "x" top: "y" twice_param { times: 3 } }\n`;
const LAYERS = `
import { elementwise, scalar } from ${JSON.stringify(pathToFileURL(fileURLToPath(new URL("../../../src/index.js", import.meta.url))).href.replace(/js$/, "ts"))};
export const twice = elementwise({
  type: "Twice",
  param: { name: "twice_param", fields: { times: { type: "int32", default: 2 } } },
  summary: "A value some times.",
  equation: "y = times · x",
  apply: (x, { times }) => scalar.mul(scalar.constant(times), x),
});
export const unrelated = 3;
`;

let remove: (() => Promise<void>) | undefined;
afterEach(async () => {
  await remove?.();
  remove = undefined;
});

async function ran(files: Readonly<Record<string, string>>, ...argv: string[]): Promise<Ran> {
  const made = await folderWith(files);
  remove = made.remove;
  return cortado(argv, { cwd: made.folder });
}

describe("--layers", () => {
  test.each([
    ["check", ["check", "net.prototxt", "--layers", "extras"]],
    ["summary", ["summary", "net.prototxt", "--layers", "extras"]],
    ["time", ["time", "net.prototxt", "--layers=extras", "--iterations", "1", "--target", "ts"]],
    ["gradcheck", ["gradcheck", "net.prototxt", "--layers", "extras"]],
    ["build", ["build", "net.prototxt", "--layers", "extras", "--out", "out"]],
  ])("%s takes extras", async (_, argv) => {
    const { code, stderr } = await ran({ "net.prototxt": SHUFFLED }, ...argv);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("without it the file's type, and its settings with it, are one mistake that says what to do", async () => {
    const { code, stdout } = await ran({ "net.prototxt": SHUFFLED }, "check", "net.prototxt");
    expect(code).toBe(2);
    expect(stdout).toMatch(/net\.prototxt:3:\d+: error: .*"ShuffleChannel"/);
    expect(stdout).toMatch(/1 file, 1 mistake/);
    expect(stdout).toMatch(/--layers extras/);
  });

  test("a module of one's own, beside extras", async () => {
    const files = { "own.prototxt": OWN, "shuffled.prototxt": SHUFFLED, "layers.mjs": LAYERS };
    const argv = ["check", "own.prototxt", "shuffled.prototxt", "--layers", "extras,layers.mjs"];
    const { code, stdout } = await ran(files, ...argv);
    expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([0, "2 files, 0 mistakes"]);
    const wrong = await ran(
      { ...files, "own.prototxt": OWN.replace("times: 3", "tims: 3") },
      ...["check", "own.prototxt", "--layers", "layers.mjs"],
    );
    expect(wrong.code).toBe(2);
    expect(wrong.stdout).toMatch(/unknown field "tims"[\s\S]*did you mean "times"\?/);
  });

  test.each([
    [
      "none.mjs",
      {},
      /^error: Cannot load the layers in "none\.mjs": there is no such file\n {2}a path starts/,
    ],
    ["bad.mjs", { "bad.mjs": "export const = 3" }, /^error: Cannot load the layers in "bad\.mjs": /],
    [
      "empty.mjs",
      { "empty.mjs": "export const a = 3" },
      /^error: "empty\.mjs" exports no layer type\n {2}export what/,
    ],
    ["throws.mjs", { "throws.mjs": 'throw new Error("no luck")' }, /"throws\.mjs": no luck/],
  ] as const)("%s", async (name, files, message) => {
    const { code, stderr } = await ran(
      { "net.prototxt": OWN, ...files },
      "check",
      "net.prototxt",
      "--layers",
      name,
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

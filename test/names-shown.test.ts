/** Whatever stands in a name, a place that shows it shows nothing that a terminal obeys or hides. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatPlan } from "../codegen/plan/index.js";
import { createMessage } from "../proto/index.js";
import { logged, quoted, quotedPath, unquoted, visibleColumns } from "../proto/words/names.js";
import { formatMatchReport } from "../runtime/weights/index.js";
import { buildNet } from "../src/build-net.js";
import { compile } from "../src/net/compile.js";
import { collectWeights, loadWeights } from "../src/net/load-weights.js";
import { formatMessage } from "../src/net-text/index.js";
import { cortado } from "./src/cli/support.js";
import { HOSTILE, holds, isWellFormed, rawIn, trainableNet } from "./support/hostile-names.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cortado-shown-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cut = "\u2066\u200b\u202e\u001b[31m\u2028\ufeff";
const hidden = fc.constantFrom(
  ..."\u202e\u2066\u200b\u200d\u2060\ufeff\u001b\u0007\r\t\u009b\u2028\u00ad\u034f\u3164",
);
const text = fc
  .array(fc.oneof(hidden, hidden, fc.constantFrom(...HOSTILE.filter(({ length }) => length < 60))), {
    minLength: 2,
    maxLength: 5,
  })
  .map((parts) => parts.join(""));

/** A name that a file of a folder can have. */
const fileName = (name: string, ending: string): string => {
  let stem = name.replace(/[/\0]/g, "_");
  while (Buffer.byteLength(stem) > 100) stem = [...stem].slice(0, -1).join("");
  return `n${stem}${ending}`;
};

const TS = ["--target", "ts"];

/** Files whose names and content have a name in them. */
function filesOf(name: string) {
  const net = trainableNet(name);
  const file = (ending: string, content?: string): string => {
    const short = fileName(name, ending);
    if (content !== undefined) writeFileSync(join(folder, short), content);
    return short;
  };
  const model = file(".prototxt", net.text);
  const other = file("2.prototxt", trainableNet(`${name}x`).text);
  const solver = file(
    ".solver",
    formatMessage(
      createMessage("SolverParameter", {
        net: model,
        base_lr: 0.1,
        lr_policy: "fixed",
        max_iter: 2,
        display: 1,
        test_iter: [1],
        test_interval: 1,
        debug_info: true,
        snapshot_prefix: join(folder, fileName(name, "")),
      }),
    ),
  );
  const wrong = file(
    "3.prototxt",
    net.text
      .replace('"ReLU"', JSON.stringify("ReLUx").replace("x", "\u202e"))
      .replace('"SoftmaxWithLoss"\n  bottom', '"SoftmaxWithLoss"\n  bottom: "none" bottom'),
  );
  const missing = file(".missing");
  return { net, model, other, solver, wrong, missing };
}

type Files = ReturnType<typeof filesOf>;

/** A run of each command that has the name in what it reads. */
const commandsOver = (
  name: string,
  { net, model, other, solver, wrong, missing }: Files,
): readonly (readonly string[])[] => [
  ["check", model, solver, wrong, missing],
  ["summary", model, "--plan", "--phase", "TRAIN"],
  ["explain", model, "--phase", "TRAIN"],
  ["explain", model, "--layer", net.hidden],
  ["explain", model, "--stage", "objective"],
  ["time", model, "--iterations", "1", ...TS],
  ["test", model, "--iterations", "1", ...TS],
  ["train", solver, ...TS],
  ["diff", model, other, ...TS],
  ["gradcheck", model, "--runs", "1"],
  ["export", model, "--out", fileName(name, ".onnx"), "--keep", net.hidden.replaceAll(",", "")],
  [
    "build",
    model,
    "--target",
    "ts",
    "--out",
    fileName(name, ".built"),
    "--keep",
    net.hidden.replaceAll(",", ""),
  ],
];

/** Command lines that are refused, with the name in what refuses them. */
const refusedOver = (
  name: string,
  { net, model, solver, missing }: Files,
): readonly (readonly string[])[] => [
  ["summary", missing],
  ["train", missing],
  ["train", solver, "--weights", missing, ...TS],
  ["train", solver, "--snapshot", missing, ...TS],
  ["test", model, "--weights", model, ...TS],
  ["summary", model, name],
  ["summary", model, "--phase", name],
  ["summary", model, "--layers", missing],
  ["summary", model, "--shape", `${name}=1,2`],
  ["summary", model, "--shape", name],
  ["gradcheck", model, "--layer", `${net.hidden}x`],
  ["build", model, "--out", model, ...TS],
  ["build", model, "--out", "b", "--keep", `${net.hidden}x`, ...TS],
  ["export", model, "--out", "b", "--keep", `${net.hidden}x`],
  ["export", model, "--out", `${missing}/b`],
  [name],
  ["summary", `--${name}`],
  ["summary", model, "--model", name],
];

async function commandShowsSafely(argv: readonly string[], json: boolean, { net }: Files): Promise<void> {
  const { code, stdout, stderr } = await cortado(json ? [...argv, "--json"] : argv, { cwd: folder });
  expect([argv[0], json, code === 70 ? stderr : ""]).toEqual([argv[0], json, ""]);
  // Caffe's times stand behind a tab.
  expect([argv[0], rawIn(stdout.replace(/\t(?=forward|backward)/g, " ")), rawIn(stderr)]).toEqual([
    argv[0],
    "",
    "",
  ]);
  if (json && stdout !== "") {
    const lines = argv[0] === "train" ? stdout.trim().split("\n") : [stdout];
    const values = lines.map((line): unknown => JSON.parse(line));
    // These give texts for people, in which names are made safe.
    const texts = argv[0] === "check" || argv[0] === "build" || argv.includes("--stage");
    if (!texts)
      expect([argv[0], holds(values, (value) => value.includes(net.hidden))]).toEqual([argv[0], true]);
  }
}

async function commandsShowSafely(name: string): Promise<void> {
  const files = filesOf(name);
  for (const argv of commandsOver(name, files))
    for (const json of [false, true]) await commandShowsSafely(argv, json, files);
  for (const argv of refusedOver(name, files)) {
    const { code, stdout, stderr } = await cortado(argv, { cwd: folder });
    expect([argv, code === 70 ? stderr : "", rawIn(stdout), rawIn(stderr)]).toEqual([argv, "", "", ""]);
  }
  const built = join(folder, fileName(name, ".built"));
  for (const written of existsSync(built) ? ["net.js", "net.d.ts"] : [])
    expect([written, rawIn(readFileSync(join(built, written), "utf8").replaceAll("\t", " "))]).toEqual([
      written,
      "",
    ]);
}

const messageOf = (call: () => unknown): Promise<string> =>
  new Promise((resolve) => resolve(call())).then(
    () => "nothing was refused",
    (error: unknown) =>
      error instanceof Error && error.name !== "InternalError"
        ? error.message
        : `not expected: ${String(error)}`,
  );

/** Notes what each call is refused with. */
async function refusedWith(said: string[], ...calls: readonly (() => unknown)[]): Promise<void> {
  for (const call of calls) {
    const message = await messageOf(call);
    expect(message).not.toMatch(/^(nothing was refused|not expected)/);
    said.push(message);
  }
}

/** What a compiled net says of a name. */
async function compiledNetSays(name: string): Promise<readonly string[]> {
  const { text, ...net } = trainableNet(name);
  const wrong = `${net.hidden}x`;
  const said: string[] = [];
  const compiled = await compile(`debug_info: true\n${text}`, {
    log: (line) => said.push(line),
    target: "ts",
    phase: "TRAIN",
    keep: [net.hidden],
    debug: "finite",
  });
  const nan = Float32Array.of(Number.NaN, 0, 0, 0, 0, 0);
  const other = trainableNet(`${name}y`);
  const source = (type: string, param: string): string =>
    `layer { name: ${JSON.stringify(name)} type: "${type}" top: "a" top: "b" ${param} { source: ${JSON.stringify(wrong)} batch_size: 1 } }`;
  await refusedWith(
    said,
    () => compiled.forward({ [wrong]: nan }),
    () => compiled.read(wrong),
    () => compiled.read(net.data),
    () => compiled.read(net.hidden),
    () => compiled.forward({}, { from: wrong }),
    () => compiled.forward({}, { from: net.loss, to: net.data }),
    () => compile(text, { keep: [wrong] }),
    () => compile(text, { phase: name as "TRAIN" }),
    () => compile(text, { [name]: 1 } as object),
    // Not at its start: there a # would make a comment of it.
    () => compile(`{ ${name}`),
    () => compile(text.replaceAll(`type: "ReLU"`, `type: ${JSON.stringify(name)}`)),
    () => compile(source("Data", "data_param")),
    () => compile(source("HDF5Data", "hdf5_data_param")),
    () => compile(source("ImageData", "image_data_param")),
    () => buildNet(text, { out: join(folder, "x"), target: name as "ts" }),
    () => buildNet(text, { out: join(folder, "x"), backward: [wrong] }),
  );
  await compiled.forward();
  await compiled.params[net.hidden][0].write(nan);
  await refusedWith(said, () => compiled.forward());
  said.push(formatPlan(compiled.plan));
  const weights = await collectWeights(compiled);
  const smaller = await compile(trainableNet(name, 2).text, { target: "ts" });
  await refusedWith(said, () => loadWeights(smaller, weights));
  const stranger = await compile(other.text, { target: "ts" });
  said.push(formatMatchReport(await loadWeights(stranger, weights)));
  for (const one of [compiled, smaller, stranger]) await one.close();
  return said;
}

/** What a built one says. */
async function builtNetSays(name: string): Promise<readonly string[]> {
  const { text, ...net } = trainableNet(name);
  const wrong = `${net.hidden}x`;
  const said: string[] = [];
  const nan = Float32Array.of(Number.NaN, 0, 0, 0, 0, 0);
  // A module is loaded once under one name.
  const out = mkdtempSync(join(folder, "built"));
  await buildNet(text, { out, target: "ts", phase: "TRAIN", backward: true });
  const { load } = (await import(/* @vite-ignore */ pathToFileURL(join(out, "net.js")).href)) as BuiltModule;
  const built = await load();
  await refusedWith(
    said,
    () => load({ [name]: 1 }),
    () => load({ weights: join(folder, fileName(name, ".missing")) }),
    () => built.forward({ [wrong]: nan }),
    () => built.forward({ [net.data]: nan }),
    () => built.read(wrong),
    () => built.backward({ [wrong]: nan }),
    () => built.params[net.hidden][0].write(nan.subarray(1)),
  );
  await built.close();
  return said;
}

interface BuiltModule {
  load(options?: object): Promise<{
    forward(inputs: Readonly<Record<string, Float32Array>>): Promise<unknown>;
    backward(diffs?: Readonly<Record<string, Float32Array>>): Promise<unknown>;
    read(blob: string): Promise<unknown>;
    close(): Promise<void>;
    readonly params: Readonly<Record<string, readonly { write(data: Float32Array): Promise<void> }[]>>;
  }>;
}

describe("names are shown safely", () => {
  it("quoted and unquoted, two names look alike only where they are cut", () => {
    const short = fc.oneof(
      fc
        .array(fc.oneof(hidden, fc.constantFrom("\\", '"', "u202e", "\\u200b", "…")), { maxLength: 4 })
        .map((x) => x.join("")),
      fc.string({ unit: "binary", maxLength: 6 }),
    );
    fc.assert(
      fc.property(short, short, text, (a, b, long) => {
        for (const show of [quoted, unquoted, quotedPath, logged]) {
          expect(show(a) === show(b)).toBe(a === b);
          expect(rawIn(show(long))).toBe("");
        }
        expect(JSON.parse(quoted(a))).toBe(a);
        expect(unquoted(long, 20).length).toBeLessThanOrEqual(20);
        expect(visibleColumns(long)).toHaveLength(long.length);
      }),
    );
  });

  it("by every command, in text and in JSON", async () => {
    await fc.assert(
      fc.asyncProperty(text.filter(isWellFormed), (name) => commandsShowSafely(`${name}${cut}`)),
      { numRuns: 1, endOnFailure: true },
    );
  }, 60_000);

  it("by nets, compiled and built", async () => {
    await fc.assert(
      // A text of a net holds no lone surrogate: its reader replaces them.
      fc.asyncProperty(text.filter(isWellFormed), async (name) => {
        const said = [...(await compiledNetSays(`${name}${cut}`)), ...(await builtNetSays(`${name}${cut}`))];
        for (const one of said) expect(rawIn(one)).toBe("");
      }),
      { numRuns: 3, endOnFailure: true },
    );
  }, 60_000);
});

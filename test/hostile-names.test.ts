/**
 * Names of layers, blobs, parameters, stages, nets and files are data: whatever they hold, the net computes what it
 * does under plain names, from generated code that is the same token for token.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { ts } from "ts-morph";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { formatPlan } from "../codegen/plan/index.js";
import { checkModule } from "../codegen/targets/ts/ts-module.js";
import { CortadoError } from "../proto/errors/index.js";
import { createMessage } from "../proto/index.js";
import { logged, quoted, quotedPath, unquoted, visibleColumns } from "../proto/words/names.js";
import { encodeWeights, formatMatchReport, readWeights } from "../runtime/weights/index.js";
import { buildNet } from "../src/build-net.js";
import { compile } from "../src/net/compile.js";
import { collectWeights, loadWeights } from "../src/net/load-weights.js";
import { formatMessage } from "../src/net-text/index.js";
import { cortado } from "./src/cli/support.js";
import { HOSTILE, holds, isWellFormed, namedNet, rawIn, trainableNet } from "./support/hostile-names.js";

interface Ran {
  /** Everything computed, in an order that no name decides. */
  readonly values: readonly number[];
  readonly source: string;
}

/** Runs a net forward and backward and reads everything by name. */
async function run(text: string, names: readonly string[], stage: string): Promise<Ran> {
  const net = await compile(text, { phase: "TRAIN", keep: "all", stages: [stage], seed: 3 });
  try {
    const [data, label, hidden, scores, loss, other] = names;
    const x = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const given: Record<string, Float32Array> = Object.create(null);
    given[data] = x;
    given[label] = Float32Array.of(1, 2);
    const outputs = await net.forward(given);
    const { inputs, params } = await net.backward();
    const parts = [outputs[loss], inputs[data], ...params[hidden], ...params[scores]];
    for (const blob of [data, hidden, other, scores])
      parts.push(await net.read(blob), await net.readDiff(blob));
    for (const layer of [hidden, `${stage}6`, scores])
      for (const param of net.params[layer]) parts.push(await param.read());
    expect(Object.keys(net.blobs)).toEqual([data, label, hidden, other, scores, loss]);
    expect(net.layers.map(({ name }) => name)).toEqual([
      data,
      label,
      hidden,
      other,
      `${stage}6`,
      scores,
      loss,
    ]);
    expect(net.blobs[hidden].shape).toEqual([2, 2, 4, 4]);
    expect(net.lossWeights[loss]).toBe(1);
    return { values: parts.flatMap((part) => Array.from(part)), source: net.source };
  } finally {
    await net.close();
  }
}

/** The tokens of a source that are neither comments nor white space. */
function tokensOf(source: string): readonly string[] {
  const scanner = ts.createScanner(ts.ScriptTarget.ES2022, true, ts.LanguageVariant.Standard, source);
  const tokens: string[] = [];
  while (scanner.scan() !== ts.SyntaxKind.EndOfFileToken) tokens.push(scanner.getTokenText());
  return tokens;
}

describe("names are data", () => {
  const prototypeBefore = Reflect.ownKeys(Object.prototype);
  let plain: Ran;
  let folder = "";
  beforeAll(async () => {
    const { text, names } = namedNet("plain", -1);
    plain = await run(text, names, "plain");
    folder = mkdtempSync(join(tmpdir(), "cortado-names-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    expect(Reflect.ownKeys(Object.prototype)).toEqual(prototypeBefore);
    expect("pwned" in globalThis).toBe(false);
  });

  async function computesAsPlain(name: string, exact: number): Promise<void> {
    const { text, names } = namedNet(name, exact);
    const { values, source } = await run(text, names, name);
    expect(values).toEqual(plain.values);
    expect(tokensOf(source)).toEqual(tokensOf(plain.source));
  }

  it("under plain names the code passes a strict type check", async () => {
    expect(await checkModule(plain.source)).toEqual([]);
    expect(plain.values.every(Number.isFinite)).toBe(true);
  });

  it.each(HOSTILE.map((name) => [JSON.stringify(name).slice(0, 60), name] as const))(
    "%s",
    async (_, name) => {
      for (let exact = 0; exact < 6; exact++) await computesAsPlain(name, exact);
    },
  );

  it("any text", async () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", minLength: 1 }),
      fc
        .array(fc.constantFrom(...HOSTILE.filter(({ length }) => length < 100)), {
          minLength: 1,
          maxLength: 4,
        })
        .map((parts) => parts.join("")),
    );
    await fc.assert(fc.asyncProperty(name.filter(isWellFormed), fc.nat(5), computesAsPlain), {
      numRuns: 100,
    });
  });

  it.each(["caffemodel", "safetensors"] as const)("in weights: %s", async (format) => {
    for (const name of HOSTILE.filter(isWellFormed)) {
      const { text } = namedNet(name, 2);
      const net = await compile(text, { stages: [name] });
      const weights = await collectWeights(net);
      expect((await readWeights(await encodeWeights(weights, format))).layers).toEqual(weights.layers);
      await net.close();
    }
  });

  it("of files", async () => {
    const { text } = namedNet("plain", -1);
    for (const name of HOSTILE) {
      const path = join(folder, `${name.replace(/[/\0]/g, "_").slice(0, 60)}.prototxt`);
      writeFileSync(path, text);
      await compile(path, { stages: ["plain"] }).then(
        (net) => net.close(),
        // A path with a brace or a line break in it is taken for a text.
        (error: unknown) =>
          expect([error instanceof CortadoError, /[{}:\n]/.test(path)]).toEqual([true, true]),
      );
      await expect(compile(`${path}.missing`)).rejects.toBeInstanceOf(CortadoError);
    }
  });
});

describe("names are shown safely", () => {
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

  /** A name that a file of a folder can have. */
  const fileName = (name: string, ending: string): string => {
    let stem = name.replace(/[/\0]/g, "_");
    while (Buffer.byteLength(stem) > 100) stem = [...stem].slice(0, -1).join("");
    return `n${stem}${ending}`;
  };

  async function commandsShowSafely(name: string): Promise<void> {
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
    const ts = ["--target", "ts"];
    const runs: readonly (readonly string[])[] = [
      ["check", model, solver, wrong, missing],
      ["summary", model, "--plan", "--phase", "TRAIN"],
      ["time", model, "--iterations", "1", ...ts],
      ["test", model, "--iterations", "1", ...ts],
      ["train", solver, ...ts],
      ["diff", model, other, ...ts],
      ["gradcheck", model, "--runs", "1"],
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
    for (const argv of runs)
      for (const json of [false, true]) {
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
          if (argv[0] !== "check" && argv[0] !== "build")
            expect([argv[0], holds(values, (value) => value.includes(net.hidden))]).toEqual([argv[0], true]);
        }
      }
    const given: readonly (readonly string[])[] = [
      ["summary", missing],
      ["train", missing],
      ["train", solver, "--weights", missing, ...ts],
      ["train", solver, "--snapshot", missing, ...ts],
      ["test", model, "--weights", model, ...ts],
      ["summary", model, name],
      ["summary", model, "--phase", name],
      ["summary", model, "--layers", missing],
      ["summary", model, "--shape", `${name}=1,2`],
      ["summary", model, "--shape", name],
      ["gradcheck", model, "--layer", `${net.hidden}x`],
      ["build", model, "--out", model, ...ts],
      ["build", model, "--out", "b", "--keep", `${net.hidden}x`, ...ts],
      [name],
      ["summary", `--${name}`],
      ["summary", model, "--model", name],
    ];
    for (const argv of given) {
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

  it("by every command, in text and in JSON", async () => {
    await fc.assert(
      fc.asyncProperty(text.filter(isWellFormed), (name) => commandsShowSafely(`${name}${cut}`)),
      { numRuns: 2, endOnFailure: true },
    );
  }, 60_000);

  const messageOf = (call: () => unknown): Promise<string> =>
    new Promise((resolve) => resolve(call())).then(
      () => "nothing was refused",
      (error: unknown) =>
        error instanceof Error && error.name !== "InternalError"
          ? error.message
          : `not expected: ${String(error)}`,
    );

  async function netsShowSafely(name: string): Promise<void> {
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
    const refused = async (...calls: readonly (() => unknown)[]): Promise<void> => {
      for (const call of calls) {
        const message = await messageOf(call);
        expect(message).not.toMatch(/^(nothing was refused|not expected)/);
        said.push(message);
      }
    };
    const nan = Float32Array.of(Number.NaN, 0, 0, 0, 0, 0);
    const other = trainableNet(`${name}y`);
    const source = (type: string, param: string): string =>
      `layer { name: ${JSON.stringify(name)} type: "${type}" top: "a" top: "b" ${param} { source: ${JSON.stringify(wrong)} batch_size: 1 } }`;
    await refused(
      () => compiled.forward({ [wrong]: nan }),
      () => compiled.read(wrong),
      () => compiled.read(net.data),
      () => compiled.read(net.hidden),
      () => compiled.forward({}, { from: wrong }),
      () => compiled.forward({}, { from: net.loss, to: net.data }),
      () => compile(text, { keep: [wrong] }),
      () => compile(text, { phase: name as "TRAIN" }),
      () => compile(text, { [name]: 1 } as object),
      () => compile(`${name} {`),
      () => compile(text.replaceAll(`type: "ReLU"`, `type: ${JSON.stringify(name)}`)),
      () => compile(source("Data", "data_param")),
      () => compile(source("HDF5Data", "hdf5_data_param")),
      () => compile(source("ImageData", "image_data_param")),
      () => buildNet(text, { out: join(folder, "x"), target: name as "ts" }),
      () => buildNet(text, { out: join(folder, "x"), backward: [wrong] }),
    );
    await compiled.forward();
    await compiled.params[net.hidden][0].write(nan);
    await refused(() => compiled.forward());
    said.push(formatPlan(compiled.plan));
    const weights = await collectWeights(compiled);
    const smaller = await compile(trainableNet(name, 2).text, { target: "ts" });
    await refused(() => loadWeights(smaller, weights));
    const stranger = await compile(other.text, { target: "ts" });
    said.push(formatMatchReport(await loadWeights(stranger, weights)));
    for (const one of [compiled, smaller, stranger]) await one.close();

    // A module is loaded once under one name.
    const out = mkdtempSync(join(folder, "built"));
    await buildNet(text, { out, target: "ts", phase: "TRAIN", backward: true });
    const { load } = (await import(
      /* @vite-ignore */ pathToFileURL(join(out, "net.js")).href
    )) as BuiltModule;
    const built = await load();
    await refused(
      () => load({ [name]: 1 }),
      () => load({ weights: join(folder, fileName(name, ".missing")) }),
      () => built.forward({ [wrong]: nan }),
      () => built.forward({ [net.data]: nan }),
      () => built.read(wrong),
      () => built.backward({ [wrong]: nan }),
      () => built.params[net.hidden][0].write(nan.subarray(1)),
    );
    await built.close();
    for (const one of said) expect(rawIn(one)).toBe("");
  }

  it("by nets, compiled and built", async () => {
    await fc.assert(
      fc.asyncProperty(text, (name) => netsShowSafely(`${name}${cut}`)),
      {
        numRuns: 3,
        endOnFailure: true,
      },
    );
  }, 60_000);
});

interface BuiltModule {
  load(options?: object): Promise<{
    forward(inputs: Readonly<Record<string, Float32Array>>): Promise<unknown>;
    backward(diffs?: Readonly<Record<string, Float32Array>>): Promise<unknown>;
    read(blob: string): Promise<unknown>;
    close(): Promise<void>;
    readonly params: Readonly<Record<string, readonly { write(data: Float32Array): Promise<void> }[]>>;
  }>;
}

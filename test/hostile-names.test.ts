/**
 * Names of layers, blobs, parameters, stages, nets and files are data: whatever they hold, the net computes what it
 * does under plain names, from generated code that is the same token for token.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { ts } from "ts-morph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkModule } from "../codegen/targets/ts/ts-module.js";
import { CortadoError } from "../proto/errors/index.js";
import { encodeWeights, readWeights } from "../runtime/weights/index.js";
import { compile } from "../src/net/compile.js";
import { collectWeights } from "../src/net/load-weights.js";
import { HOSTILE, isWellFormed, namedNet } from "./support/hostile-names.js";

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
      numRuns: 60,
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

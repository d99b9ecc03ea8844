/**
 * Real nets against what Caffe built of them: shapes of blobs and parameters, inputs, outputs, loss weights and who
 * needs backward, for both phases.
 */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { knownLayerTypes } from "../../../src/layers/index.js";
import { loggedOfNet, readJson } from "../../support/case.js";
import { lowerText } from "../../support/lowered.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

interface Truth {
  readonly layers: readonly (readonly [name: string, type: string])[];
  readonly shapes: Record<string, readonly number[]>;
  readonly params: Record<string, readonly (readonly number[])[]>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly loss_weights: Record<string, number>;
  readonly need_backward: Record<string, boolean>;
}

/** Files that are not compared, by folder and phase. It stays empty: every type of Caffe 1.0 is there. */
const NOT_COVERED: readonly string[] = [];

const isSplit = (name: string): boolean => /_split(_\d+)?$/.test(name);
const withoutSplit = (name: string): string => name.replace(/_\w+_\d+_split_\d+$/, "");

describe.skipIf(!hasOracle())("corpus against Caffe", () => {
  const known = knownLayerTypes();
  const missing = new Map<string, string[]>();
  const refused: { readonly folder: string; readonly phase: "TRAIN" | "TEST" }[] = [];
  let passed = 0;
  let refusals = 0;
  const folders = hasOracle() ? readdirSync(oraclePath("corpus")).sort() : [];
  const cases = folders.flatMap((folder) => {
    const truth = readJson<Record<"TRAIN" | "TEST", Truth | undefined>>(
      oraclePath("corpus", folder, "truth.json"),
    );
    return (["TRAIN", "TEST"] as const).flatMap((phase) => {
      const wanted = truth[phase];
      if (!wanted) {
        refused.push({ folder, phase });
        return [];
      }
      const lacking = [...new Set(wanted.layers.map(([, type]) => type))].filter((type) => !known.has(type));
      if (lacking.length > 0) {
        missing.set(`${folder} ${phase}`, lacking);
        return [];
      }
      return [{ folder, phase, wanted }];
    });
  });

  it.each(cases)("$folder $phase", ({ folder, phase, wanted }) => {
    const text = readFileSync(oraclePath("corpus", folder, "net.prototxt"), "utf8");
    const lowered = lowerText(text, { phase, name: folder });
    // The files leave out what is called so, even where a net writes its splits itself.
    const layers = lowered.layers.filter(({ name }) => !isSplit(name));
    expect(layers.map(({ name, type }) => [name, type])).toEqual(wanted.layers);
    const shapes = Object.fromEntries([...lowered.blobs].map(([name, { shape }]) => [name, shape]));
    for (const [blob, shape] of Object.entries(wanted.shapes))
      if (!isSplit(blob)) expect([blob, shapes[blob]]).toEqual([blob, shape]);
    const params = lowered.layers.filter((layer) => layer.params.length > 0);
    expect(
      Object.fromEntries(params.map((layer) => [layer.name, layer.params.map(({ shape }) => shape)])),
    ).toEqual(wanted.params);
    const fed = new Set(lowered.feeds.flatMap(({ layer }) => layer.top));
    expect([...lowered.inputs.keys()].filter((blob) => !fed.has(blob))).toEqual(wanted.inputs);
    // A blob with a loss weight and a reader is an output under its split's name, and the files have no weight for it.
    const copied = new Set(wanted.outputs.filter((blob) => !(blob in shapes)).map(withoutSplit));
    expect(lowered.outputs).toEqual(
      wanted.outputs.map((blob) => (blob in shapes ? blob : withoutSplit(blob))),
    );
    const weights = lowered.losses.filter(({ blob }) => !copied.has(blob) && !isSplit(blob));
    expect(Object.fromEntries(weights.map(({ blob, weight }) => [blob, Math.fround(weight)]))).toEqual(
      wanted.loss_weights,
    );
    // The files leave out splits, and the layer of an upgraded net's own inputs.
    const needs = lowered.decisions.filter(
      ({ name }) => name in wanted.need_backward || !(isSplit(name) || name === "input"),
    );
    expect(Object.fromEntries(needs.map(({ name, logged }) => [name, logged]))).toEqual(
      loggedOfNet(
        wanted.need_backward,
        wanted.layers.map(([, type]) => type),
        needs.map(({ name }) => name),
      ),
    );
    passed++;
  });

  // What Caffe did not build in a phase: 003's accuracy layer reads a label that nothing makes.
  it.each(refused)("$folder $phase is refused, as by Caffe", ({ folder, phase }) => {
    const text = readFileSync(oraclePath("corpus", folder, "net.prototxt"), "utf8");
    expect(() => lowerText(text, { phase, name: folder })).toThrow(CortadoError);
    refusals++;
  });

  it("covers every file", () => {
    expect([...missing.keys()].sort()).toEqual(NOT_COVERED);
    expect(new Set([...cases, ...refused].map(({ folder }) => folder)).size).toBe(folders.length);
  });

  afterAll(() => {
    const types = [...new Set([...missing.values()].flat())].sort();
    console.log(
      `corpus: ${folders.length} files, ${passed} passed, ${cases.length - passed} failed, ${refusals} of ${refused.length} refusals, ${missing.size} not covered${types.map((type) => ` ${type}`).join()}`,
    );
  });
});

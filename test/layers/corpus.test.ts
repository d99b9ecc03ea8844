/**
 * Real nets against what Caffe built of them: shapes of blobs and parameters, inputs, outputs, loss weights and who
 * needs backward, for both phases.
 */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { knownLayerTypes } from "../../src/layers/index.js";
import { readJson } from "../support/case.js";
import { lowerText } from "../support/lowered.js";
import { hasOracle, oraclePath } from "../support/oracle.js";

interface Truth {
  readonly layers: readonly (readonly [name: string, type: string])[];
  readonly shapes: Record<string, readonly number[]>;
  readonly params: Record<string, readonly (readonly number[])[]>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly loss_weights: Record<string, number>;
  readonly need_backward: Record<string, boolean>;
}

const isSplit = (name: string): boolean => /_split(_\d+)?$/.test(name);
const withoutSplit = (name: string): string => name.replace(/_\w+_\d+_split_\d+$/, "");

describe.skipIf(!hasOracle())("corpus against Caffe", () => {
  const known = knownLayerTypes();
  const missing = new Map<string, string[]>();
  let passed = 0;
  const folders = hasOracle() ? readdirSync(oraclePath("corpus")).sort() : [];
  const cases = folders.flatMap((folder) => {
    const truth = readJson<Record<"TRAIN" | "TEST", Truth | undefined>>(
      oraclePath("corpus", folder, "truth.json"),
    );
    return (["TRAIN", "TEST"] as const).flatMap((phase) => {
      const wanted = truth[phase];
      if (!wanted) return [];
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
    expect(Object.fromEntries(needs.map(({ name, logged }) => [name, logged]))).toEqual(wanted.need_backward);
    passed++;
  });

  afterAll(() => {
    const types = [...new Set([...missing.values()].flat())].sort();
    console.log(
      `corpus: ${passed} passed, ${cases.length - passed} failed, ${missing.size} not covered (${types.join(", ")})`,
    );
  });
});

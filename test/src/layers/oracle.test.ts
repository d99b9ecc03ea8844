/**
 * Every case of the oracle's layers/ whose types Cortado has, straight from the graph: lowered, differentiated and
 * evaluated in float64 by the plain interpreter, against what Caffe computed in float32.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { knownLayerTypes } from "../../../src/layers/index.js";
import {
  compareCase,
  isSplitBlob,
  LAYER_BOUND,
  type LayerCase,
  loggedOfNet,
  OVERWRITTEN,
  readJson,
  readTensors,
  typesOf,
  withoutBackward,
  withoutSplit,
} from "../../support/case.js";
import { evaluate, lowerText } from "../../support/lowered.js";

const CASES = fileURLToPath(new URL("../../fixtures/layers", import.meta.url));
/** The interpreter is too slow for these; the compiled tests have them. */
const LARGE = new Set(["Convolution-alexnet-conv1", "Convolution-big-tile", "InnerProduct-big"]);

type Lowered = ReturnType<typeof lowerText>;
type Tensors = ReturnType<typeof readTensors>;

const known = knownLayerTypes();
const all = readdirSync(CASES).sort();
const textOf = (name: string): string => readFileSync(join(CASES, name, "net.prototxt"), "utf8");
const covered = all.filter((name) => typesOf(textOf(name)).every((type) => known.has(type)));

/** A net lowered, its rows counted where they depend on values. */
function lowerWithRows(
  text: string,
  phase: LayerCase["phase"],
  inputs: ReadonlyMap<string, Float32Array>,
): Lowered {
  const lowered = lowerText(text, { phase });
  if (lowered.rowCounts.length === 0) return lowered;
  const { value } = evaluate(lowered, { inputs, params: new Map() });
  return lowerText(text, { phase, rows: lowered.rowCounts.map(({ node }) => value(node)[0]) });
}

/** Where Caffe's own in-place is unsafe: the diff of the net written without it. */
function diffApart(
  name: string,
  { phase }: LayerCase,
  inputs: ReadonlyMap<string, Float32Array>,
  seed: Float32Array,
) {
  const apart = lowerText(textOf(name).replace(/(name: "l" .*)top: "y"/, '$1top: "z"'), { phase });
  return evaluate(apart, { inputs, params: new Map(), seeds: new Map([["z", seed]]) }).diff("x");
}

/** The tensors of a case under a prefix. */
const groupOf = (tensors: Tensors, prefix: string) =>
  [...tensors]
    .filter(([key]) => key.startsWith(`${prefix}/`))
    .map(([key, { data }]) => ({ key, rest: key.slice(prefix.length + 1), data }));

/** The parameter that a case calls layer/position. */
function paramIndex(layers: Lowered["layers"], name: string): number {
  const cut = name.lastIndexOf("/");
  return layers.find((layer) => layer.name === name.slice(0, cut))!.params[Number(name.slice(cut + 1))].index;
}

/** Diffs of blobs and parameters. */
function compareBackward(
  name: string,
  lowered: Lowered,
  wanted: LayerCase,
  tensors: Tensors,
  result: ReturnType<typeof evaluate>,
  compare: ReturnType<typeof compareCase>,
): void {
  const group = (prefix: string) => groupOf(tensors, prefix);
  const diffs = new Set(group("diff").map(({ rest }) => rest));
  for (const { key, rest, data } of group("diff"))
    if (!isSplitBlob(rest)) compare(key, result.diff(rest), data);
  for (const blob of lowered.wanted.inputs)
    if (!diffs.has(blob))
      compare(`no diff/${blob}`, result.diff(blob), new Float64Array(result.diff(blob)?.length ?? 0));
  for (const { key, rest, data } of group("pdiff"))
    if (withoutBackward(wanted, textOf(name))) expect(data.every((diff) => diff === 0)).toBe(true);
    else compare(key, result.gradient(paramIndex(lowered.layers, rest)), data);
}

/** Shapes, decisions about backward, outputs and loss weights. */
function checkNet(name: string, lowered: Lowered, wanted: LayerCase): void {
  const { blobs, decisions, outputs, losses } = lowered;
  for (const [blob, shape] of Object.entries(wanted.shapes))
    if (!isSplitBlob(blob)) expect(blobs.get(blob)?.shape, blob).toEqual(shape);
  const names = decisions.map((decision) => decision.name);
  expect(Object.fromEntries(decisions.map((decision) => [decision.name, decision.logged]))).toEqual(
    loggedOfNet(wanted.need_backward, typesOf(textOf(name)), names),
  );
  expect([...outputs].sort()).toEqual(wanted.outputs.map(withoutSplit).sort());
  expect(losses.map(({ weight }) => Math.fround(weight)).sort()).toEqual(
    Object.values(wanted.loss_weights).sort(),
  );
}

describe("layers against Caffe, in float64", () => {
  const worst = { error: 0, where: "" };

  it.each(covered)("%s", (name) => {
    const wanted = readJson<LayerCase>(CASES, name, "case.json");
    const tensors = readTensors(join(CASES, name, "case.safetensors"));
    const group = (prefix: string) => groupOf(tensors, prefix);
    const blobValues = (prefix: string) => new Map(group(prefix).map(({ rest, data }) => [rest, data]));
    const lowered = lowerWithRows(textOf(name), wanted.phase, blobValues("input"));
    checkNet(name, lowered, wanted);
    if (LARGE.has(name)) return;
    const { blobs, layers, losses } = lowered;

    const indexOf = (rest: string): number => paramIndex(layers, rest);
    // A shared parameter is in the file once for each layer: the last one is what Caffe was given.
    const params = new Map(group("param").map(({ rest, data }) => [indexOf(rest), data]));
    const result = evaluate(lowered, {
      inputs: blobValues("input"),
      params,
      seeds: wanted.backward ? blobValues("seed") : undefined,
    });
    const compare = compareCase(name, tensors, (error, where) => {
      if (error > worst.error) Object.assign(worst, { error, where });
    });

    for (const { key, rest, data } of group("data"))
      if (!isSplitBlob(rest)) compare(key, result.value(blobs.get(rest)!.last), data);
    for (const { key, rest, data } of group("after")) {
      const update = lowered.updates.find(({ param }) => param === indexOf(rest));
      compare(key, update ? result.value(update.node) : params.get(indexOf(rest)), data);
    }
    if (!wanted.backward) return;
    if (OVERWRITTEN.has(name)) {
      expect(result.diff("x")).toEqual(
        diffApart(name, wanted, blobValues("input"), tensors.get("seed/y")!.data),
      );
      return;
    }
    compareBackward(name, lowered, wanted, tensors, result, compare);
    const loss = losses.reduce(
      (sum, { node, weight }) => sum + weight * result.value(node).reduce((total, x) => total + x, 0),
      0,
    );
    expect(Math.abs(loss - wanted.loss)).toBeLessThanOrEqual(
      LAYER_BOUND * Math.max(1e-3, Math.abs(wanted.loss)),
    );
  });

  afterAll(() => {
    const missing = [...new Set(all.flatMap((name) => typesOf(textOf(name))))].filter(
      (type) => !known.has(type),
    );
    console.log(
      `${covered.length} of ${all.length} cases have only layer types that Cortado has (not yet: ${missing.sort().join(", ")}); worst relative error ${worst.error.toExponential(1)} at ${worst.where}`,
    );
  });
});

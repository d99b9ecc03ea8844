/**
 * Every case of the oracle's layers/ whose types Cortado has, straight from the graph: lowered, differentiated and
 * evaluated in float64 by the plain interpreter, against what Caffe computed in float32.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { knownLayerTypes } from "../../src/layers/index.js";
import { type LayerCase, readJson, readTensors, relativeError } from "../support/case.js";
import { evaluate, lowerText } from "../support/lowered.js";

const CASES = fileURLToPath(new URL("../fixtures/layers", import.meta.url));
const BOUND = 1e-4;
/** The interpreter is too slow for these; the compiled tests have them. */
const LARGE = new Set(["Convolution-alexnet-conv1", "Convolution-big-tile", "InnerProduct-big"]);

/**
 * Cases whose own in-place is unsafe in Caffe: backward reads a value, or a diff, that was overwritten. Cortado's
 * gradient must be that of the same net written without in-place.
 */
const OVERWRITTEN = new Set(["Clip-inplace", "Log-inplace", "Power-inplace"]);
/** Here Caffe's Split shares its memory and a ReLU works in place on one top: all of them are overwritten. */
const SHARED_WITH_SPLIT = new Map([["net-reused-inplace-before-after", new Set(["data/h", "data/h2"])]]);
/** Below this share of the largest diff a difference is float32's rounding. */
const NOISE = 1e-7;

const typesOf = (prototxt: string): string[] =>
  [...prototxt.matchAll(/^layer \{.*?\btype: "(\w+)"/gm)].map((match) => match[1]);
const isSplitBlob = (name: string): boolean => /_split_\d+$/.test(name);

/** The blob that Caffe's split makes its copies of. */
const withoutSplit = (name: string): string => name.replace(/_\w+_\d+_split_\d+$/, "");
const norm = (x: ArrayLike<number>): number =>
  Math.sqrt(Array.from(x).reduce((sum, value) => sum + value * value, 0));

const known = knownLayerTypes();
const all = readdirSync(CASES).sort();
const textOf = (name: string): string => readFileSync(join(CASES, name, "net.prototxt"), "utf8");
const covered = all.filter((name) => typesOf(textOf(name)).every((type) => known.has(type)));

describe("layers against Caffe, in float64", () => {
  const worst = { error: 0, where: "" };

  it.each(covered)("%s", (name) => {
    const wanted = readJson<LayerCase>(CASES, name, "case.json");
    const tensors = readTensors(join(CASES, name, "case.safetensors"));
    const lowered = lowerText(textOf(name), { phase: wanted.phase });
    const { blobs, layers, decisions, outputs, losses } = lowered;

    for (const [blob, shape] of Object.entries(wanted.shapes))
      if (!isSplitBlob(blob)) expect(blobs.get(blob)?.shape, blob).toEqual(shape);
    expect(Object.fromEntries(decisions.map((decision) => [decision.name, decision.logged]))).toEqual(
      wanted.need_backward,
    );
    expect([...outputs].sort()).toEqual(wanted.outputs.map(withoutSplit).sort());
    expect(losses.map(({ weight }) => Math.fround(weight)).sort()).toEqual(
      Object.values(wanted.loss_weights).sort(),
    );
    if (LARGE.has(name)) return;

    const group = (prefix: string) =>
      [...tensors]
        .filter(([key]) => key.startsWith(`${prefix}/`))
        .map(([key, { data }]) => ({ key, rest: key.slice(prefix.length + 1), data }));
    const indexOf = (rest: string): number => {
      const cut = rest.lastIndexOf("/");
      return layers.find((layer) => layer.name === rest.slice(0, cut))!.params[Number(rest.slice(cut + 1))]
        .index;
    };
    const blobValues = (prefix: string) => new Map(group(prefix).map(({ rest, data }) => [rest, data]));
    const result = evaluate(lowered, {
      inputs: blobValues("input"),
      params: new Map(group("param").map(({ rest, data }) => [indexOf(rest), data])),
      seeds: wanted.backward ? blobValues("seed") : undefined,
    });
    const scale = Math.max(...["seed", "diff", "pdiff"].flatMap(group).map(({ data }) => norm(data)), 0);
    const compare = (key: string, ours: ArrayLike<number> | undefined, theirs: ArrayLike<number>): void => {
      if (SHARED_WITH_SPLIT.get(name)?.has(key)) return;
      const values = ours ?? new Float64Array(theirs.length);
      const error = relativeError(values, theirs);
      if (error > BOUND && !key.startsWith("data") && error * (norm(theirs) || 1) <= NOISE * scale) return;
      if (error > worst.error) Object.assign(worst, { error, where: `${name} ${key}` });
      expect(error, key).toBeLessThanOrEqual(BOUND);
    };

    for (const { key, rest, data } of group("data"))
      if (!isSplitBlob(rest)) compare(key, result.value(blobs.get(rest)!.last), data);
    for (const { key, rest, data } of group("after")) {
      const update = lowered.updates.find(({ param }) => param === indexOf(rest));
      compare(key, update && result.value(update.node), data);
    }
    if (!wanted.backward) return;
    if (OVERWRITTEN.has(name)) {
      const apart = lowerText(textOf(name).replace(/(name: "l" .*)top: "y"/, '$1top: "z"'), {
        phase: wanted.phase,
      });
      const there = evaluate(apart, {
        inputs: blobValues("input"),
        params: new Map(),
        seeds: new Map([["z", tensors.get("seed/y")!.data]]),
      });
      expect(result.diff("x")).toEqual(there.diff("x"));
      return;
    }
    const diffs = new Set(group("diff").map(({ rest }) => rest));
    for (const { key, rest, data } of group("diff"))
      if (!isSplitBlob(rest)) compare(key, result.diff(rest), data);
    for (const blob of lowered.wanted.inputs)
      if (!diffs.has(blob))
        compare(`no diff/${blob}`, result.diff(blob), new Float64Array(result.diff(blob)?.length ?? 0));
    for (const { key, rest, data } of group("pdiff")) compare(key, result.gradient(indexOf(rest)), data);
    const loss = losses.reduce(
      (sum, { node, weight }) => sum + weight * result.value(node).reduce((total, x) => total + x, 0),
      0,
    );
    expect(Math.abs(loss - wanted.loss)).toBeLessThanOrEqual(BOUND * Math.max(1e-3, Math.abs(wanted.loss)));
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

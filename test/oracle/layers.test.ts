/**
 * Every case of the oracle's layers/ whose types Cortado has: values, diffs, parameter diffs, shapes, loss and who
 * needs backward, as Caffe computed them. The cases are fixtures of this repository: they run on any clone.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { compile, knownLayerTypes } from "../../src/index.js";
import { type LayerCase, readJson, readTensors, relativeError } from "../support/case.js";

const CASES = fileURLToPath(new URL("../fixtures/layers", import.meta.url));
const BOUND = 1e-4;

const typesOf = (prototxt: string): string[] =>
  [...prototxt.matchAll(/^layer \{.*?\btype: "(\w+)"/gm)].map((match) => match[1]);

/** Caffe's own Split layers and their blobs are not part of our graph; the blob they copy carries their sum. */
const isSplit = (name: string): boolean => /_split(_\d+)?$/.test(name);
const withoutSplit = (name: string): string => name.replace(/_\w+_\d+_split_\d+$/, "");

const all = readdirSync(CASES).sort();
const known = knownLayerTypes();
const covered = all.filter((name) =>
  typesOf(readFileSync(join(CASES, name, "net.prototxt"), "utf8")).every((type) => known.has(type)),
);

describe("oracle layers/", () => {
  const worst: { error: number; where: string } = { error: 0, where: "" };

  it.each(covered)("%s", async (name) => {
    const text = readFileSync(join(CASES, name, "net.prototxt"), "utf8");
    const wanted = readJson<LayerCase>(CASES, name, "case.json");
    const tensors = readTensors(join(CASES, name, "case.safetensors"));
    const net = await compile(text, { phase: wanted.phase, keep: "all", target: "ts" });
    const compare = (where: string, ours: ArrayLike<number>, theirs: ArrayLike<number>): void => {
      const error = relativeError(ours, theirs);
      if (error > worst.error) Object.assign(worst, { error, where: `${name} ${where}` });
      expect(error, where).toBeLessThanOrEqual(BOUND);
    };
    const group = (prefix: string) =>
      [...tensors]
        .filter(([key]) => key.startsWith(`${prefix}/`))
        .map(([key, tensor]) => ({ key, rest: key.slice(prefix.length + 1), ...tensor }));

    expect(new Set(net.outputs)).toEqual(new Set(wanted.outputs));
    for (const [blob, shape] of Object.entries(wanted.shapes))
      if (!isSplit(blob)) expect(net.blobs[blob].shape, blob).toEqual(shape);
    for (const { name: layer, needsBackward } of net.layers)
      if (layer in wanted.need_backward && !/force_backward: true/.test(text))
        expect(needsBackward, layer).toBe(wanted.need_backward[layer]);
    expect(Object.fromEntries(Object.entries(wanted.loss_weights).map(([k, v]) => [withoutSplit(k), v]))).toEqual({
      ...net.lossWeights,
    });

    for (const { rest, data } of group("param")) {
      const cut = rest.lastIndexOf("/");
      await net.params[rest.slice(0, cut)][Number(rest.slice(cut + 1))].write(data);
    }
    await net.forward(Object.fromEntries(group("input").map(({ rest, data }) => [rest, data])));
    for (const { key, rest, data } of group("data")) if (!isSplit(rest)) compare(key, await net.read(rest), data);
    for (const { key, rest, data } of group("after")) {
      const cut = rest.lastIndexOf("/");
      compare(key, await net.params[rest.slice(0, cut)][Number(rest.slice(cut + 1))].read(), data);
    }
    if (wanted.backward) {
      const seeds = Object.fromEntries(group("seed").map(({ rest, data }) => [rest, data]));
      const gradients = await net.backward(seeds);
      for (const { key, rest, data } of group("diff"))
        if (!isSplit(rest)) compare(key, await net.readDiff(rest), data);
      for (const { key, rest, data } of group("pdiff")) {
        const cut = rest.lastIndexOf("/");
        compare(key, gradients.params[rest.slice(0, cut)][Number(rest.slice(cut + 1))], data);
      }
    }
    await net.close();
  });

  afterAll(() => {
    const others = new Set(all.flatMap((name) => typesOf(readFileSync(join(CASES, name, "net.prototxt"), "utf8"))));
    const missing = [...others].filter((type) => !known.has(type)).sort();
    console.log(
      `layers/: ${covered.length} of ${all.length} cases have only layer types that Cortado has` +
        `${missing.length > 0 ? ` (not yet: ${missing.join(", ")})` : ""}; ` +
        `worst relative error ${worst.error.toExponential(1)} at ${worst.where}`,
    );
  });
});

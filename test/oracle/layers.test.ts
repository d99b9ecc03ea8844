/**
 * Every case of the oracle's layers/ whose types Cortado has, compiled for the `ts` target: values, diffs, parameter
 * diffs and shapes as Caffe computed them. The cases are fixtures of this repository: they run on any clone.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { compile, knownLayerTypes } from "../../src/index.js";
import {
  compareCase,
  isSplitBlob,
  type LayerCase,
  OVERWRITTEN,
  readJson,
  readTensors,
  relativeError,
  typesOf,
  withoutSplit,
} from "../support/case.js";

const CASES = fileURLToPath(new URL("../fixtures/layers", import.meta.url));

const known = knownLayerTypes();
const all = readdirSync(CASES).sort();
const textOf = (name: string): string => readFileSync(join(CASES, name, "net.prototxt"), "utf8");
const covered = all.filter((name) => typesOf(textOf(name)).every((type) => known.has(type)));

describe("oracle layers/ on ts", () => {
  const worst = { error: 0, where: "" };
  const worstOfType = new Map<string, number>();

  it.each(covered)("%s", async (name) => {
    const wanted = readJson<LayerCase>(CASES, name, "case.json");
    const tensors = readTensors(join(CASES, name, "case.safetensors"));
    const group = (prefix: string) =>
      [...tensors]
        .filter(([key]) => key.startsWith(`${prefix}/`))
        .map(([key, { data }]) => {
          const rest = key.slice(prefix.length + 1);
          const cut = rest.lastIndexOf("/");
          return { key, rest, data, layer: rest.slice(0, cut), index: Number(rest.slice(cut + 1)) };
        });
    const type = typesOf(textOf(name)).findLast((found) => found !== "Silence") ?? "";
    const compare = compareCase(name, tensors, (error, where) => {
      worstOfType.set(type, Math.max(error, worstOfType.get(type) ?? 0));
      if (error > worst.error) Object.assign(worst, { error, where });
    });
    // Where Caffe's own in-place is unsafe, the truth is the net written without it.
    const apart = OVERWRITTEN.has(name);
    const net = await compile(textOf(name), { phase: wanted.phase, keep: "all", target: "ts" });

    expect([...net.outputs].sort()).toEqual(wanted.outputs.map(withoutSplit).sort());
    for (const [blob, shape] of Object.entries(wanted.shapes))
      if (!isSplitBlob(blob)) expect(net.blobs[blob].shape, blob).toEqual(shape);
    const lossWeights = Object.entries(wanted.loss_weights).map(([blob, weight]) => [
      withoutSplit(blob),
      weight,
    ]);
    expect(
      Object.fromEntries(
        Object.entries(net.lossWeights).map(([blob, weight]) => [blob, Math.fround(weight)]),
      ),
    ).toEqual(Object.fromEntries(lossWeights));

    for (const { layer, index, data } of group("param")) await net.params[layer][index].write(data);
    const inputs = Object.fromEntries(group("input").map(({ rest, data }) => [rest, data]));
    const outputs = await net.forward(inputs);
    for (const { key, rest, data } of group("data"))
      if (!isSplitBlob(rest)) compare(key, await net.read(rest), data);
    for (const { key, layer, index, data } of group("after"))
      compare(key, await net.params[layer][index].read(), data);
    const loss = Object.entries(net.lossWeights).reduce(
      (sum, [blob, weight]) => sum + weight * (outputs[blob] ?? []).reduce((total, x) => total + x, 0),
      0,
    );
    if (Object.keys(net.lossWeights).every((blob) => blob in outputs)) compare("loss", [loss], [wanted.loss]);
    if (wanted.backward) {
      const { params } = await net.backward(
        Object.fromEntries(group("seed").map(({ rest, data }) => [rest, data])),
      );
      if (apart) {
        const other = await compile(textOf(name).replace(/(name: "l" .*)top: "y"/, '$1top: "z"'), {
          phase: wanted.phase,
          keep: "all",
        });
        await other.forward(inputs);
        await other.backward({ z: tensors.get("seed/y")!.data });
        expect(relativeError(await net.readDiff("x"), await other.readDiff("x"))).toBeLessThan(1e-6);
        await other.close();
      } else {
        for (const { key, rest, data } of group("diff"))
          if (!isSplitBlob(rest)) compare(key, await net.readDiff(rest), data);
        for (const { key, layer, index, data } of group("pdiff")) compare(key, params[layer][index], data);
      }
    }
    await net.close();
  });

  afterAll(() => {
    const missing = new Set(all.flatMap((name) => typesOf(textOf(name))).filter((type) => !known.has(type)));
    const table = [...worstOfType]
      .sort()
      .map(([type, error]) => `  ${type.padEnd(26)} ${error.toExponential(1)}`);
    console.log(
      [
        `layers/ on ts: ${covered.length} of ${all.length} cases have only layer types that Cortado has` +
          `${missing.size > 0 ? ` (not yet: ${[...missing].sort().join(", ")})` : ""}`,
        "worst relative error by type:",
        ...table,
        `worst of all: ${worst.error.toExponential(1)} at ${worst.where}`,
      ].join("\n"),
    );
  });
});

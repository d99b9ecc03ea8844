/** The oracle's layers/, run through the public API on any target. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type CompileOptions, compile, knownLayerTypes } from "../../src/index.js";
import type { CompiledNet } from "../../src/net/compiled-net.js";
import {
  compareCase,
  isSplitBlob,
  type LayerCase,
  OVERWRITTEN,
  readJson,
  readTensors,
  relativeError,
  typesOf,
  withoutBackward,
  withoutSplit,
} from "./case.js";

const CASES = fileURLToPath(new URL("../fixtures/layers", import.meta.url));

const known = knownLayerTypes();
export const layerCases: readonly string[] = readdirSync(CASES).sort();
const textOf = (name: string): string => readFileSync(join(CASES, name, "net.prototxt"), "utf8");
/** Cases of which Cortado has all layer types. */
export const coveredLayerCases: readonly string[] = layerCases.filter((name) =>
  typesOf(textOf(name)).every((type) => known.has(type)),
);

/** The type that a case is about. */
const typeOf = (name: string): string => typesOf(textOf(name)).findLast((found) => found !== "Silence") ?? "";

/** Errors met, by layer type, and the greatest of all. */
export interface Findings {
  note(name: string, error: number, where: string): void;
  report(target: string): string;
}

export function createFindings(): Findings {
  const worst = { error: 0, where: "" };
  const worstOfType = new Map<string, number>();
  return {
    note(name, error, where) {
      const type = typeOf(name);
      worstOfType.set(type, Math.max(error, worstOfType.get(type) ?? 0));
      if (error > worst.error) Object.assign(worst, { error, where });
    },
    report(target) {
      const missing = new Set(
        layerCases.flatMap((name) => typesOf(textOf(name))).filter((type) => !known.has(type)),
      );
      const table = [...worstOfType]
        .sort()
        .map(([type, error]) => `  ${type.padEnd(26)} ${error.toExponential(1)}`);
      return [
        `layers/ on ${target}: ${coveredLayerCases.length} of ${layerCases.length} cases have only layer types that Cortado has` +
          `${missing.size > 0 ? ` (not yet: ${[...missing].sort().join(", ")})` : ""}`,
        "worst relative error by type:",
        ...table,
        `worst of all: ${worst.error.toExponential(1)} at ${worst.where}`,
      ].join("\n");
    },
  };
}

/** The tensors of a case under a prefix: of what layer, and which of it, where the name says so. */
const groupOf = (tensors: ReturnType<typeof readTensors>, prefix: string) =>
  [...tensors]
    .filter(([key]) => key.startsWith(`${prefix}/`))
    .map(([key, { data }]) => {
      const rest = key.slice(prefix.length + 1);
      const cut = rest.lastIndexOf("/");
      return { key, rest, data, layer: rest.slice(0, cut), index: Number(rest.slice(cut + 1)) };
    });

/**
 * One case: shapes, values, diffs and parameter diffs as Caffe computed them. `afterwards` may do more with its net,
 * which costs most.
 */
export async function checkLayerCase(
  name: string,
  target: CompileOptions["target"],
  findings: Findings,
  afterwards?: (name: string, net: CompiledNet) => Promise<void>,
): Promise<void> {
  const wanted = readJson<LayerCase>(CASES, name, "case.json");
  const tensors = readTensors(join(CASES, name, "case.safetensors"));
  const group = (prefix: string) => groupOf(tensors, prefix);
  const compare = compareCase(name, tensors, (error, where) => findings.note(name, error, where));
  const net = await compile(textOf(name), { phase: wanted.phase, keep: "all", target });

  expect([...net.outputs].sort()).toEqual(wanted.outputs.map(withoutSplit).sort());
  const lossWeights = Object.entries(wanted.loss_weights).map(([blob, weight]) => [
    withoutSplit(blob),
    weight,
  ]);
  expect(
    Object.fromEntries(Object.entries(net.lossWeights).map(([blob, weight]) => [blob, Math.fround(weight)])),
  ).toEqual(Object.fromEntries(lossWeights));

  for (const { layer, index, data } of group("param")) await net.params[layer][index].write(data);
  const inputs = Object.fromEntries(group("input").map(({ rest, data }) => [rest, data]));
  const outputs = await net.forward(inputs);
  // Behind it, because shapes can depend on values.
  for (const [blob, shape] of Object.entries(wanted.shapes))
    if (!isSplitBlob(blob)) expect(net.blobs[blob].shape, blob).toEqual(shape);
  for (const { key, rest, data } of group("data"))
    if (!isSplitBlob(rest)) compare(key, await net.read(rest), data);
  for (const { key, layer, index, data } of group("after"))
    compare(key, await net.params[layer][index].read(), data);
  const loss = Object.entries(net.lossWeights).reduce(
    (sum, [blob, weight]) => sum + weight * (outputs[blob] ?? []).reduce((total, x) => total + x, 0),
    0,
  );
  if (Object.keys(net.lossWeights).every((blob) => blob in outputs)) compare("loss", [loss], [wanted.loss]);
  if (wanted.backward) await checkBackward(name, net, { wanted, tensors, inputs, target }, compare);
  await afterwards?.(name, net);
  await net.close();
}

async function checkBackward(
  name: string,
  net: CompiledNet,
  given: {
    readonly wanted: LayerCase;
    readonly tensors: ReturnType<typeof readTensors>;
    readonly inputs: Readonly<Record<string, Float32Array>>;
    readonly target: CompileOptions["target"];
  },
  compare: ReturnType<typeof compareCase>,
): Promise<void> {
  const { wanted, tensors, inputs, target } = given;
  const group = (prefix: string) => groupOf(tensors, prefix);
  const { params } = await net.backward(
    Object.fromEntries(group("seed").map(({ rest, data }) => [rest, data])),
  );
  // Where Caffe's own in-place is unsafe, the truth is the net written without it.
  if (OVERWRITTEN.has(name)) {
    const other = await compile(textOf(name).replace(/(name: "l" .*)top: "y"/, '$1top: "z"'), {
      phase: wanted.phase,
      keep: "all",
      target,
    });
    await other.forward(inputs);
    await other.backward({ z: tensors.get("seed/y")!.data });
    expect(relativeError(await net.readDiff("x"), await other.readDiff("x"))).toBeLessThan(1e-6);
    await other.close();
  } else {
    for (const { key, rest, data } of group("diff"))
      if (!isSplitBlob(rest)) compare(key, await net.readDiff(rest), data);
    for (const { key, layer, index, data } of group("pdiff"))
      if (withoutBackward(wanted, textOf(name))) expect(data.every((diff) => diff === 0)).toBe(true);
      else compare(key, params[layer][index], data);
  }
}

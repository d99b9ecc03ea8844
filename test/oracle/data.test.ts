/** What Caffe's data layers gave in TEST phase: batch after batch, pixel for pixel. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { compile, knownLayerTypes } from "../../src/index.js";
import { readTensors, typesOf } from "../support/case.js";
import { hasOracle, oraclePath } from "../support/oracle.js";

/** Absolute, of values that are scaled; raw bytes must be equal. */
const BOUND = 1e-6;

const textOf = (name: string): string => readFileSync(oraclePath("data", name, "net.prototxt"), "utf8");
const all = hasOracle() && existsSync(oraclePath("data")) ? readdirSync(oraclePath("data")).sort() : [];
const known = knownLayerTypes();
const covered = all.filter((name) => typesOf(textOf(name)).every((type) => known.has(type)));

describe.skipIf(all.length === 0)("oracle data/", () => {
  let worst = 0;
  let batches = 0;

  it.each(covered)("%s", async (name) => {
    const text = textOf(name);
    const exact = !/\b(scale|mean_file)\b/.test(text);
    const tensors = readTensors(oraclePath("data", name, "case.safetensors"));
    const count = 1 + Math.max(...[...tensors.keys()].map((key) => Number(/^batch(\d+)\//.exec(key)?.[1])));
    expect(count).toBe(name === "hdf5" ? 7 : 3);
    const net = await compile(text, { phase: "TEST", root: oraclePath("files"), target: "ts" });
    try {
      for (let batch = 0; batch < count; batch++) {
        const outputs = await net.forward();
        const prefix = `batch${batch}/`;
        for (const [key, { shape, data }] of tensors) {
          if (!key.startsWith(prefix)) continue;
          const blob = key.slice(prefix.length);
          expect(net.blobs[blob].shape, key).toEqual(shape);
          const error = data.reduce(
            (most, value, i) => Math.max(most, Math.abs(value - outputs[blob][i])),
            0,
          );
          expect(error, key).toBeLessThanOrEqual(exact ? 0 : BOUND);
          worst = Math.max(worst, error);
        }
        batches++;
      }
    } finally {
      await net.close();
    }
  });

  afterAll(() => {
    console.log(`oracle data/: ${batches} batches of ${covered.length} cases, largest difference ${worst}`);
    const left = all.filter((name) => !covered.includes(name));
    if (left.length > 0)
      console.log(`oracle data/: not covered, for want of their layer types: ${left.join(", ")}`);
  });
});

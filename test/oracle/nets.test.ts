/** Whole nets: every blob, image gradient and parameter gradient against Caffe's summaries. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compile, knownLayerTypes, parseNet } from "../../src/index.js";
import { fillByRule, type NetCase, readJson, summaryError } from "../support/case.js";
import { hasOracle, oraclePath } from "../support/oracle.js";

const BOUND = 1e-3;
const present = hasOracle();
const known = knownLayerTypes();
const textOf = (name: string): string => readFileSync(join(oraclePath("nets"), name, "net.prototxt"), "utf8");
const cases = present
  ? readdirSync(oraclePath("nets")).filter((name) =>
      parseNet(textOf(name)).net.layer.every((l) => known.has(l.type)),
    )
  : [];

describe.skipIf(!present)("oracle nets/", () => {
  it.each(cases)("%s", async (name) => {
    const wanted = readJson<NetCase>(oraclePath("nets"), name, "case.json");
    const net = await compile(textOf(name), { phase: wanted.phase, keep: "all", target: "ts" });
    let worst = { error: 0, where: "" };
    const note = (where: string, error: number): void => {
      if (error > worst.error) worst = { error, where };
    };
    for (const [key, rule] of Object.entries(wanted.params)) {
      const cut = key.lastIndexOf("/");
      await net.params[key.slice(0, cut)][Number(key.slice(cut + 1))].write(fillByRule(rule));
    }
    await net.forward(
      Object.fromEntries(Object.entries(wanted.inputs).map(([blob, rule]) => [blob, fillByRule(rule)])),
    );
    for (const [blob, summary] of Object.entries(wanted.blobs)) {
      if (/_split_\d+$/.test(blob)) continue;
      expect(net.blobs[blob].shape, blob).toEqual(summary.shape);
      note(`data/${blob}`, summaryError(await net.read(blob), summary));
    }
    const seeds = Object.entries(wanted.seeds).map(([blob, rule]) => [
      blob,
      fillByRule({ ...rule, shape: net.blobs[blob].shape }),
    ]);
    const gradients = await net.backward(Object.fromEntries(seeds));
    for (const [blob, summary] of Object.entries(wanted.diffs))
      note(`diff/${blob}`, summaryError(await net.readDiff(blob), summary));
    for (const [key, summary] of Object.entries(wanted.pdiffs)) {
      const cut = key.lastIndexOf("/");
      note(
        `pdiff/${key}`,
        summaryError(gradients.params[key.slice(0, cut)][Number(key.slice(cut + 1))], summary),
      );
    }
    await net.close();
    console.log(`nets/${name}: worst relative error ${worst.error.toExponential(1)} at ${worst.where}`);
    expect(worst.error, worst.where).toBeLessThanOrEqual(BOUND);
  });
});

/** Nets whose shapes depend on values: a program for as many rows as a forward finds. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { createMessage } from "../../../proto/index.js";
import { buildNet } from "../../../src/build-net.js";
import { compile, compileTraining } from "../../../src/net/compile.js";
import { scratchFolder } from "../../support/scratch.js";

const input = (name: string, ...shape: readonly number[]): string =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map((dim) => `dim: ${dim}`).join(" ")} } } }\n`;

const f = (...values: readonly number[]): Float32Array => Float32Array.from(values);
const near = (values: readonly number[]): readonly unknown[] =>
  values.map((value) => expect.closeTo(value, 5));

const FILTER = `force_backward: true
${input("x", 4, 2)}${input("t", 4, 2)}${input("s", 4, 1)}
layer { name: "f" type: "Filter" bottom: "x" bottom: "t" bottom: "s" top: "fx" top: "ft" }
layer { name: "l" type: "EuclideanLoss" bottom: "fx" bottom: "ft" top: "loss" }`;

const scratch = scratchFolder();
const X = f(1, 2, 3, 4, 5, 6, 7, 8);
const ZEROS = new Float32Array(8);

describe("Filter", () => {
  it("is compiled for the rows that it finds, whose number a loss divides by", async () => {
    const net = await compile(FILTER, { phase: "TRAIN", keep: "all", target: "ts" });
    expect(net.blobs["fx"].shape).toEqual([4, 2]);
    for (const selector of [
      f(1, 0, -1, 0),
      f(0, 0, 0, 0.5),
      f(1, 1, 1, 1),
      f(Number.NaN, 0, 1, 0),
      f(1, 0, 1, 0),
    ]) {
      const rows = [...selector].flatMap((value, i) => (value !== 0 ? [i] : []));
      const kept = rows.flatMap((i) => [X[2 * i], X[2 * i + 1]]);
      const { loss } = await net.forward({ x: X, t: ZEROS, s: selector });
      expect(net.blobs["fx"].shape).toEqual([rows.length, 2]);
      expect([...(await net.read("fx"))]).toEqual(kept);
      expect([...loss]).toEqual(
        near([kept.reduce((sum, value) => sum + value * value, 0) / (2 * rows.length)]),
      );
      const { inputs } = await net.backward();
      const diff = [...X].map((value, i) => (rows.includes(i >> 1) ? value / rows.length : 0));
      expect([...inputs["x"]]).toEqual(near(diff));
      expect([...inputs["t"]]).toEqual(near(diff.map((value) => -value)));
    }
    await net.close();
  });

  it("takes any number of batches, more than are kept", async () => {
    const net = await compile(
      `${input("x", 12)}${input("s", 12)}layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" }`,
    );
    const x = Float32Array.from({ length: 12 }, (_, i) => i + 1);
    for (const count of [12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 5, 11, 1]) {
      const s = Float32Array.from({ length: 12 }, (_, i) => (i >= 12 - count ? 1 : 0));
      expect([...(await net.forward({ x, s })).y]).toEqual([...x].slice(12 - count));
    }
    await net.close();
  });

  it("may keep no row at all", async () => {
    const net = await compile(
      `force_backward: true
${input("x", 2, 3)}${input("s", 2)}
layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" }
layer { name: "p" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 2 weight_filler { type: "constant" value: 1 } } }
layer { name: "r" type: "ReLU" bottom: "z" top: "w" }`,
      { phase: "TRAIN", keep: "all" },
    );
    const x = f(1, 2, 3, 4, 5, 6);
    expect([...(await net.forward({ x, s: f(0, 0) })).w]).toEqual([]);
    expect(net.blobs["w"].shape).toEqual([0, 2]);
    const none = await net.backward({ w: f() });
    expect([...none.inputs["x"]]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...none.params["p"][0]]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...(await net.forward({ x, s: f(0, 3) })).w]).toEqual([15, 15]);
    const one = await net.backward({ w: f(1, 2) });
    expect([...one.inputs["x"]]).toEqual([0, 0, 0, 3, 3, 3]);
    await net.close();
  });

  it("may stand behind another one, whose rows it depends on", async () => {
    const net = await compile(
      `${input("x", 4)}${input("s", 4)}
layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "a" }
layer { name: "c" type: "Threshold" bottom: "a" top: "big" threshold_param { threshold: 2.5 } }
layer { name: "g" type: "Filter" bottom: "a" bottom: "big" top: "y" }`,
    );
    expect([...(await net.forward({ x: f(1, 2, 3, 4), s: f(1, 0, 1, 1) })).y]).toEqual([3, 4]);
    expect([...(await net.forward({ x: f(1, 2, 3, 4), s: f(1, 1, 1, 0) })).y]).toEqual([3]);
    expect([...(await net.forward({ x: f(5, 6, 7, 8), s: f(1, 1, 1, 1) })).y]).toEqual([5, 6, 7, 8]);
    await net.close();
  });

  it("counts a batch once in statistics, however often it was run", async () => {
    const text = (filter: boolean): string => `${input("x", 4, 2)}${input("s", 4)}
layer { name: "b" type: "BatchNorm" bottom: "x" top: "n" }
${filter ? `layer { name: "f" type: "Filter" bottom: "n" bottom: "s" top: "y" }` : `layer { name: "q" type: "Silence" bottom: "s" }`}`;
    const nets = await Promise.all([true, false].map((filter) => compile(text(filter), { phase: "TRAIN" })));
    for (const s of [f(1, 0, 0, 1), f(1, 1, 1, 0)]) {
      const [ours, plain] = await Promise.all(
        nets.map(async (net) => {
          await net.forward({ x: X, s });
          return Promise.all(net.params["b"].map((param) => param.read()));
        }),
      );
      expect(ours).toEqual(plain);
    }
    for (const net of nets) await net.close();
  });

  it("runs in a range, from a range, and with diffs given", async () => {
    const net = await compile(FILTER, { phase: "TRAIN", keep: "all" });
    for (const s of [f(1, 0, 1, 1), f(0, 1, 0, 0)]) {
      const whole = await net.forward({ x: X, t: ZEROS, s });
      expect(await net.forward({}, { from: "l" })).toEqual(whole);
      expect(await net.forward({}, { from: "f" })).toEqual(whole);
      const rows = s.filter((value) => value !== 0).length;
      const { inputs } = await net.backward({ fx: new Float32Array(2 * rows).fill(2), loss: f(0) });
      expect([...inputs["x"]]).toEqual([...X].map((_, i) => 2 * s[i >> 1]));
    }
    await net.close();
  });

  it("is reported where the net cannot do with fewer rows, and goes on with the next batch", async () => {
    const net = await compile(
      `${input("x", 4)}${input("s", 4)}
layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "a" }
layer { name: "r" type: "Reshape" bottom: "a" top: "y" reshape_param { shape { dim: 2 dim: -1 } } }`,
    );
    await expect(net.forward({ x: f(1, 2, 3, 4), s: f(1, 0, 1, 1) })).rejects.toThrow(
      'layer "r" (Reshape): 3 values do not fit the shape 2×-1',
    );
    expect([...(await net.forward({ x: f(1, 2, 3, 4), s: f(1, 0, 1, 0) })).y]).toEqual([1, 3]);
    await net.close();
  });

  it("is refused where one program must do for every batch", async () => {
    const error: unknown = await compileTraining(FILTER, createMessage("SolverParameter", {})).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CortadoError);
    const [{ message, span }] = (error as CortadoError).diagnostics;
    expect(message).toBe(
      'layer "f" (Filter): its tops have as many rows as the values say, and training needs shapes that stay',
    );
    expect(span?.source.text.slice(span.start, span.end)).toBe('"f"');
    const out = join(scratch.path, "out");
    await expect(buildNet(FILTER, { target: "ts", out })).rejects.toThrow(
      "and a build needs shapes that stay",
    );
    expect(existsSync(out)).toBe(false);
  });
});

describe("InfogainLoss with a file", () => {
  it("is refused in a build, which does not carry the file", async () => {
    const text = `${input("x", 2, 3)}${input("t", 2)}layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "t" top: "y" infogain_loss_param { source: "H.binaryproto" } }`;
    const out = join(scratch.path, "out");
    await expect(buildNet(text, { target: "ts", out })).rejects.toThrow(
      'layer "l" (InfogainLoss): a build does not carry the infogain matrix "H.binaryproto"',
    );
    expect(existsSync(out)).toBe(false);
  });
});

/** The examples run as they are, and say what they promise. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CortadoError, formatDiagnostics } from "../proto/errors/index.js";
import type { GradientReport } from "../src/check-gradients.js";
import { compile } from "../src/net/compile.js";
import { parseNet } from "../src/net-text/index.js";
import { hasOracle, oraclePath } from "./support/oracle.js";

/** The `run` of an example, whose own log is not shown. */
async function runExample<T>(path: string, ...args: readonly unknown[]): Promise<T> {
  const url = new URL(`../examples/${path}`, import.meta.url).href;
  const { run } = (await import(/* @vite-ignore */ url)) as { run(...args: readonly unknown[]): Promise<T> };
  return run(...args);
}

const silent = (): void => {};

it("logistic regression agrees with the numbers by hand, and one step lowers its loss", async () => {
  const { loss, lossByHand, bias, byHand, after } = await runExample<{
    readonly loss: number;
    readonly lossByHand: number;
    readonly bias: readonly number[];
    readonly byHand: readonly number[];
    readonly after: number;
  }>("logistic-regression/run.mjs", silent);
  expect(loss).toBeCloseTo(lossByHand, 5);
  expect(bias).toHaveLength(3);
  for (const [i, gradient] of bias.entries()) expect(gradient).toBeCloseTo(byHand[i], 5);
  expect(after).toBeLessThan(loss);
});

it("a layer of one's own has the gradient that differences give", async () => {
  const { gradient, slopes } = await runExample<{
    readonly gradient: readonly number[];
    readonly slopes: readonly number[];
  }>("own-layer/run.mjs", silent);
  expect(gradient).toHaveLength(5);
  for (const [i, slope] of slopes.entries()) expect(gradient[i]).toBeCloseTo(slope, 5);
});

it("an LSTM echoes bits that came in the batch before", async () => {
  const { losses, right } = await runExample<{
    readonly losses: readonly number[];
    readonly right: readonly number[];
  }>("lstm-echo/run.mjs", silent);
  expect(losses).toHaveLength(300);
  expect(losses[299]).toBeLessThan(losses[0] / 50);
  // At the first three of five steps the answer lies in the batch before: without the state it would be a guess.
  expect(right).toHaveLength(5);
  for (const share of right) expect(share).toBeGreaterThan(0.99);
});

it("LeNet's backward pass reaches every layer that has something to learn", async () => {
  const { loss, rows } = await runExample<{
    readonly loss: number;
    readonly rows: readonly {
      readonly layer: string;
      readonly value: number;
      readonly diff: number | undefined;
      readonly gradients: readonly number[];
    }[];
  }>("lenet/inspect.mjs", silent);
  // Ten classes that nothing has been learnt of.
  expect(loss).toBeGreaterThan(1);
  expect(loss).toBeLessThan(5);
  const withDiff = rows.filter(({ diff }) => diff !== undefined);
  expect(withDiff.map(({ layer }) => layer)).toEqual([
    "loss",
    "ip2",
    "relu1",
    "ip1",
    "pool2",
    "conv2",
    "pool1",
    "conv1",
  ]);
  const withGradients = rows.filter(({ gradients }) => gradients.length > 0);
  expect(withGradients.map(({ layer }) => layer)).toEqual(["ip2", "ip1", "conv2", "conv1"]);
  for (const { value, diff, gradients } of withDiff)
    for (const size of [value, diff, ...gradients]) {
      expect(size).toBeGreaterThan(0);
      expect(size).toBeLessThan(1e6);
    }
});

/** How long an example's layer may be: a page. */
const linesOf = (path: string): number =>
  readFileSync(new URL(`../examples/${path}`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n").length;

interface Trained {
  readonly report: GradientReport;
  readonly losses: readonly number[];
}

function expectLearning({ report, losses }: Trained): void {
  expect([report.failures.length, report.checked]).toEqual([0, 50]);
  expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]);
}

it("GELU, on a page, has its gradient and learns", async () => {
  expectLearning(await runExample<Trained>("gelu/run.mjs", silent));
  expect(linesOf("gelu/gelu.mjs")).toBeLessThanOrEqual(40);
});

it("focal loss, on a page, has its gradient, learns, and without its exponent is Caffe's loss", async () => {
  const found = await runExample<Trained & { readonly plain: number; readonly caffe: number }>(
    "focal-loss/run.mjs",
    silent,
  );
  expectLearning(found);
  expect(found.plain).toBeCloseTo(found.caffe, 5);
  expect(linesOf("focal-loss/focal-loss.mjs")).toBeLessThanOrEqual(40);
});

it("CaffeNet's image gradient of one class is not zero wherever the first layer looks", async () => {
  const { score, gradient, greatest } = await runExample<{
    readonly score: number;
    readonly gradient: Float32Array;
    readonly greatest: number;
  }>("caffenet-saliency/run.mjs", { log: silent });
  expect(Number.isFinite(score)).toBe(true);
  expect(greatest).toBeGreaterThan(0);
  expect(gradient).toHaveLength(3 * 227 * 227);
  expect(gradient.every(Number.isFinite)).toBe(true);
  // Kernels of 11 at stride 4 cover all 227 rows and columns. ReLUs and max pools pass a part on, in every region.
  const regions = Array.from({ length: 3 * 8 * 8 }, () => 0);
  for (const [i, value] of gradient.entries()) {
    const [channel, row, column] = [Math.floor(i / (227 * 227)), Math.floor(i / 227) % 227, i % 227];
    if (value !== 0) regions[(channel * 8 + Math.floor(row / 29)) * 8 + Math.floor(column / 29)]++;
  }
  expect(Math.min(...regions)).toBeGreaterThan(100);
});

describe.skipIf(!hasOracle())("a net as a user posted it", () => {
  const posted = (): string =>
    readFileSync(oraclePath("nets", "caffenet-saliency", "as-posted.prototxt"), "utf8");

  it("is missing a brace: reported with the line where it opened", () => {
    const text = posted();
    let found: unknown;
    try {
      parseNet(text, { name: "as-posted.prototxt" });
    } catch (error) {
      found = error;
    }
    if (!(found instanceof CortadoError)) throw new Error("the text was taken");
    const errors = found.diagnostics.filter(({ severity }) => severity === "error");
    expect(errors).toHaveLength(1);
    expect(errors[0].message).toMatch(/"}" is missing/);
    // The last layer's, which nothing closes.
    const opened = text.split("\n").findLastIndex((line) => /^\s*layers?\s*\{/.test(line)) + 1;
    expect(formatDiagnostics(errors)).toContain(`as-posted.prototxt:${opened}:`);
  });

  it("compiles with the brace added; its no-break spaces are one warning", async () => {
    const net = await compile(`${posted()}\n}`, { phase: "TEST" });
    const { warnings } = net.definition;
    expect(warnings.filter(({ message }) => /U\+00A0|no-break/i.test(message))).toHaveLength(1);
    expect(net.inputs).toEqual(["data"]);
    expect(net.outputs).toEqual(["fc8"]);
    await net.close();
  });
});

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sizeOf } from "../../../codegen/ir/graph.js";
import type { Schedule } from "../../../codegen/targets/cuda/schedule-cost.js";
import { type EmulatedGraph, emulateGraphs } from "../../support/emulate.js";
import { addonForTests } from "../../support/native.js";
import { scratchFolder } from "../../support/scratch.js";
import {
  type ConvCase,
  caseOf,
  convGraph,
  geometryOf,
  type MatmulCase,
  matmulGraph,
  scheduledBy,
} from "./contraction-cases.js";

const native = await addonForTests();

const CONVOLUTIONS: Readonly<Record<string, ConvCase>> = {
  "odd sizes": {
    images: 3,
    channels: 5,
    filters: 7,
    axes: [
      { kernel: 3, input: 9 },
      { kernel: 2, input: 7 },
    ],
  },
  padding: {
    axes: [
      { kernel: 3, input: 7, pad: 1 },
      { kernel: 5, input: 6, pad: 2 },
    ],
  },
  "stride 2": {
    channels: 9,
    axes: [
      { kernel: 3, input: 9, pad: 1, stride: 2 },
      { kernel: 3, input: 8, pad: 1, stride: 2 },
    ],
  },
  "stride 3 past the kernel": {
    axes: [
      { kernel: 2, input: 11, stride: 3 },
      { kernel: 2, input: 10, stride: 3, pad: 1 },
    ],
  },
  "1×1 with stride 2": {
    axes: [
      { kernel: 1, input: 7, stride: 2 },
      { kernel: 1, input: 8, stride: 2 },
    ],
  },
  dilation: {
    axes: [
      { kernel: 3, input: 11, dilation: 2, pad: 2 },
      { kernel: 3, input: 10, dilation: 3 },
    ],
  },
  "dilation and stride with a common factor": {
    axes: [
      { kernel: 3, input: 14, dilation: 2, stride: 4, pad: 3 },
      { kernel: 4, input: 12, dilation: 3, stride: 2 },
    ],
  },
  groups: {
    groups: 3,
    channels: 2,
    filters: 5,
    axes: [
      { kernel: 3, input: 6, pad: 1 },
      { kernel: 3, input: 5 },
    ],
  },
  depthwise: {
    groups: 6,
    channels: 1,
    filters: 1,
    axes: [
      { kernel: 3, input: 8, pad: 1 },
      { kernel: 3, input: 8, pad: 1 },
    ],
  },
  pointwise: {
    images: 2,
    channels: 17,
    filters: 19,
    axes: [
      { kernel: 1, input: 5 },
      { kernel: 1, input: 4 },
    ],
  },
  "one axis": { channels: 5, axes: [{ kernel: 5, input: 33, pad: 2 }] },
  "three axes": {
    channels: 2,
    axes: [
      { kernel: 3, input: 5, pad: 1 },
      { kernel: 2, input: 4 },
      { kernel: 3, input: 6, stride: 2, pad: 1 },
    ],
  },
  "one of everything": { images: 1, channels: 1, filters: 1, axes: [{ kernel: 1, input: 1 }] },
};

const PRODUCTS: Readonly<Record<string, MatmulCase>> = {
  plain: { m: 33, n: 37, k: 19 },
  "whole tiles": { m: 128, n: 128, k: 32 },
  "both transposed": { m: 33, n: 37, k: 19, trans: [true, true] },
  "a transposed": { m: 70, n: 66, k: 40, trans: [true, false] },
  "b transposed": { m: 65, n: 130, k: 40, trans: [false, true] },
  "depth 1": { m: 20, n: 30, k: 1 },
  "one row": { m: 1, n: 40, k: 300, trans: [false, true] },
  "one column": { m: 40, n: 1, k: 300 },
  batch: { batch: [3, 3], m: 9, n: 10, k: 11 },
  "b for all of the batch": { batch: [3, 1], m: 9, n: 10, k: 11 },
  "b for all of the batch, a transposed": { batch: [3, 1], m: 9, n: 10, k: 11, trans: [true, true] },
  "a for all of the batch": { batch: [1, 3], m: 9, n: 10, k: 11 },
  "a long sum": { m: 5, n: 6, k: 5000 },
};

const EPILOGUES = ["none", "relu", "two stores"] as const;

/** A schedule of one kind, any of its shapes, its sum whole or cut into so many parts as its slices allow. */
const scheduled = (number: number, kind: Schedule["kind"], parts: number) =>
  scheduledBy((schedules, contraction) => {
    const right = schedules.filter((one) => one.kind === kind);
    const usable = right.length > 0 ? right : schedules;
    const one = usable[number % usable.length];
    const terms = sizeOf(contraction.depth);
    const slices =
      one.kind === "tiled"
        ? Math.ceil(terms / one.tile.depth)
        : one.kind === "team"
          ? terms
          : contraction.depth[0];
    const each = Math.ceil(slices / parts);
    return { ...one, split: { parts: Math.ceil(slices / each), slices: each } };
  });

type Lowerings = EmulatedGraph["lowerings"];

function everything(lowerings: (number: number) => Lowerings): readonly EmulatedGraph[] {
  let number = 0;
  const convolutions = Object.entries(CONVOLUTIONS).flatMap(([name, made]) =>
    (["conv", "convData", "convFilter"] as const).map((operation) => {
      const own = number++;
      const graph = convGraph(operation, made, EPILOGUES[own % 3], own % 5 === 4);
      return caseOf(`${operation}, ${name}`, graph, lowerings(own));
    }),
  );
  const products = Object.entries(PRODUCTS).map(([name, made]) => {
    const own = number++;
    return caseOf(`matmul, ${name}`, matmulGraph(made, EPILOGUES[own % 3], own % 5 === 4), lowerings(own));
  });
  return [...convolutions, ...products];
}

const integer = (min: number, max: number) => fc.integer({ min, max });
const epilogues = fc.constantFrom(...EPILOGUES);
const convolutions = fc
  .record({
    images: integer(1, 3),
    groups: integer(1, 3),
    channels: integer(1, 9),
    filters: integer(1, 20),
    axes: fc.array(
      fc.record({
        kernel: integer(1, 4),
        input: integer(1, 10),
        stride: integer(1, 4),
        pad: integer(0, 3),
        dilation: integer(1, 3),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .filter((made) => geometryOf(made).spatial.every(({ output }) => output > 0));
const products = fc
  .record({
    members: integer(1, 3),
    single: fc.constantFrom("neither", "a", "b"),
    m: integer(1, 40),
    n: integer(1, 40),
    k: integer(1, 40),
    trans: fc.tuple(fc.boolean(), fc.boolean()),
  })
  .map(
    ({ members, single, ...rest }): MatmulCase => ({
      ...rest,
      batch: [single === "a" ? 1 : members, single === "b" ? 1 : members],
    }),
  );
const graphs = fc.oneof(
  { arbitrary: fc.tuple(products, epilogues, fc.boolean()).map((made) => matmulGraph(...made)), weight: 1 },
  {
    arbitrary: fc
      .tuple(fc.constantFrom("conv", "convData", "convFilter"), convolutions, epilogues, fc.boolean())
      .map((made) => convGraph(...made)),
    weight: 3,
  },
);
const randomCase = fc
  .record({
    graph: graphs,
    seed: fc.nat(1000),
    number: fc.nat(10_000),
    kind: fc.constantFrom("tiled", "team", "direct", "chosen"),
    parts: integer(1, 4),
  })
  .map(({ graph, seed, number, kind, parts }) =>
    caseOf(
      `schedule ${number}, ${kind}, ${parts} parts`,
      graph,
      kind === "chosen" ? undefined : scheduled(number, kind, parts),
      seed,
    ),
  );

describe.skipIf(!native)("contractions on the emulator compute what the interpreter computes", () => {
  const run = (cases: readonly EmulatedGraph[]) => emulateGraphs(native!.addon, cases);
  beforeAll(() => {
    process.env["CORTADO_CACHE"] = `${scratchFolder().path}/cache`;
  });
  afterAll(() => {
    delete process.env["CORTADO_CACHE"];
  });

  it("as the cost model has it", async () => {
    expect(await run(everything(() => undefined))).toEqual([]);
  }, 120_000);

  it.each(["tiled", "team", "direct"] as const)(
    "%s, in one to three parts",
    async (kind) => {
      const cases = everything((number) => scheduled(number * 37, kind, 1 + (number % 3)));
      expect(await run(cases)).toEqual([]);
    },
    120_000,
  );

  // Graphs are built many at a time, so that one C++ compiler serves them all; a failure is shrunk as a list.
  it("at random", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomCase, { minLength: 1, maxLength: 40, size: "max" }), async (cases) => {
        expect(await run(cases)).toEqual([]);
      }),
      { numRuns: 2 },
    );
  }, 300_000);
});

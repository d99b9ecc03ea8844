import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { type Graph, nodesOf } from "../../../codegen/ir/graph.js";
import { printGraph } from "../../../codegen/ir/print-graph.js";
import { winogradPass } from "../../../codegen/lanes/winograd/winograd-pass.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { cudaTarget, nativeTarget, tsTarget } from "../../../codegen/targets/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { distanceFrom, makeRunnable } from "../../support/run.js";
import { runWasmGraphs } from "../../support/wasm-graphs.js";
import {
  type ConvCase,
  caseOf,
  convGraph,
  type Epilogue,
  geometryOf,
  inBackward,
} from "../contraction/contraction-cases.js";

const integer = (min: number, max: number) => fc.integer({ min, max });
const EPILOGUES: readonly Epilogue[] = ["none", "relu", "two stores"];
const OPERATIONS = ["conv", "convData", "convFilter"] as const;

/** ‖got − wanted‖ / ‖wanted‖ of the roots of a graph in vectors of so many bytes. */
function distance(graph: Graph, dtype: "float32" | "float64", vectorBytes: 16 | 32 | 64, split = 1): number {
  const bindings = { ...bindLeaves(graph, 3), seed: 3 };
  const expected = interpret(graph, bindings);
  const plan = planGraph(graph, { realBytes: dtype === "float32" ? 4 : 8 });
  const net = makeRunnable(plan, { dtype, vectorBytes });
  expect(net.program.kernels.some(({ note }) => note.includes("transformed"))).toBe(true);
  net.run(bindings, split);
  return distanceFrom(expected, graph, net);
}

/** Planes smaller and larger than a tile, and than a chunk; filters and channels around the number of lanes. */
const cases = (kernel: 3 | 5) =>
  fc
    .record({
      images: integer(1, 3),
      groups: integer(1, 2),
      channels: integer(1, 9),
      filters: integer(1, 11),
      pads: fc.tuple(integer(0, kernel), integer(0, kernel)),
      inputs: fc.tuple(integer(1, 13), fc.oneof(integer(1, 9), integer(1, 21))),
    })
    .map(
      ({ pads, inputs, ...sizes }): ConvCase => ({
        ...sizes,
        algorithm: "winograd",
        axes: inputs.map((input, i) => ({ kernel, input, pad: pads[i] })),
      }),
    )
    .filter((made) => geometryOf(made).spatial.every(({ output }) => output > 0));

const planes = (kernel: 3 | 5, inputs: readonly number[], pad = kernel >> 1): ConvCase["axes"] =>
  inputs.map((input) => ({ kernel, input, pad }));

describe("Winograd's form in lanes", () => {
  it.each([16, 32, 64] as const)("computes any geometry in vectors of %d bytes", (vectorBytes) => {
    fc.assert(
      fc.property(
        fc.oneof(cases(3), cases(5)),
        fc.constantFrom(...OPERATIONS),
        fc.constantFrom(...EPILOGUES),
        fc.boolean(),
        integer(1, 3),
        (made, operation, epilogue, inlined, split) => {
          const graph = convGraph(operation, made, epilogue, inlined);
          expect(distance(graph, "float64", vectorBytes, split), printGraph(graph)).toBeLessThan(1e-11);
        },
      ),
      { numRuns: 5 },
    );
  });

  it.each<readonly [string, "conv" | "convData" | "convFilter", ConvCase]>([
    [
      "many filters for few tiles",
      "conv",
      { images: 3, channels: 37, filters: 100, axes: planes(3, [5, 6]) },
    ],
    ["… of groups", "convData", { groups: 2, channels: 51, filters: 5, axes: planes(3, [7, 4]) }],
    ["… that are tiles of an adjoint", "convData", { channels: 100, filters: 6, axes: planes(5, [8, 7], 1) }],
    [
      "more chunks of tiles than one",
      "conv",
      { images: 5, channels: 2, filters: 97, axes: planes(3, [30, 9]) },
    ],
    ["an adjoint's tiles, which overlap", "convData", { images: 3, axes: planes(5, [8, 13], 1) }],
    ["an adjoint without padding", "convData", { images: 2, channels: 9, axes: planes(5, [12, 12], 0) }],
    ["blocks of filters and channels", "convFilter", { channels: 37, filters: 45, axes: planes(3, [5, 6]) }],
    ["chunks of tiles, the last one not full", "convFilter", { images: 23, axes: planes(5, [9, 10], 0) }],
  ])("computes %s", (_, operation, made) => {
    const graph = convGraph(operation, { ...made, algorithm: "winograd" }, "relu");
    expect(distance(graph, "float64", 32, 2)).toBeLessThan(1e-11);
  });

  it.each(OPERATIONS)("computes the same as WebAssembly: %s", async (operation) => {
    const graphs = fc
      .sample(fc.tuple(fc.oneof(cases(3), cases(5)), fc.constantFrom(...EPILOGUES), fc.boolean()), {
        numRuns: 5,
        seed: 1,
      })
      .map(([made, epilogue, inlined], i) => {
        const graph = convGraph(operation, made, epilogue, inlined);
        return caseOf(`graph ${i}`, i % 2 === 0 ? inBackward(graph) : graph, undefined, i + 1);
      });
    expect(await runWasmGraphs(graphs)).toEqual([]);
  });

  it.each(OPERATIONS)("loses few digits of float32: %s", (operation) => {
    for (const kernel of [3, 5]) {
      const axes = [9, 10].map((input) => ({ kernel, input, pad: kernel >> 1 }));
      const graph = convGraph(operation, {
        images: 1,
        channels: 48,
        filters: 16,
        axes,
        algorithm: "winograd",
      });
      expect(distance(graph, "float32", 32)).toBeLessThan(2e-6);
    }
  });
});

describe("the pass winograd", () => {
  const marked = (made: ConvCase, operation: "conv" | "convData" | "convFilter" = "conv"): boolean => {
    // As of a net that trains: filters are transformed at each pass.
    const given = inBackward(convGraph(operation, made));
    const graph = winogradPass.run(given, createBuilder(), nativeTarget.describe());
    return nodesOf(graph).some((node) => node.op === operation && node.geometry.algorithm === "winograd");
  };
  const square = (kernel: number, input: number, more: object = {}): ConvCase["axes"] =>
    [0, 1].map(() => ({ kernel, input, pad: kernel >> 1, ...more }));
  const large = { images: 4, channels: 128, filters: 128 };

  it("marks convolutions and both of their gradients with enough tiles", () => {
    expect(marked({ ...large, axes: square(3, 28) })).toBe(true);
    expect(marked({ ...large, axes: square(3, 28) }, "convFilter")).toBe(true);
    expect(marked({ ...large, axes: square(5, 28) }, "convData")).toBe(true);
  });

  it.each<readonly [string, ConvCase]>([
    ["a stride", { ...large, axes: square(3, 28, { stride: 2 }) }],
    ["dilation", { ...large, axes: square(3, 28, { dilation: 2 }) }],
    ["1 × 1", { ...large, axes: square(1, 28) }],
    ["7 × 7", { ...large, axes: square(7, 28) }],
    ["one axis", { ...large, axes: square(3, 28).slice(1) }],
    [
      "three channels, whose tiles cost more than their products",
      { ...large, channels: 3, axes: square(3, 28) },
    ],
    ["a single tile, which is less work than the filters", { ...large, images: 1, axes: square(3, 4) }],
  ])("leaves %s", (_, made) => {
    expect(marked(made)).toBe(false);
  });

  it("is that of targets with lanes alone", () => {
    const graph = convGraph("conv", { ...large, axes: square(3, 28) });
    for (const target of [tsTarget, cudaTarget]) {
      expect(target.passes).not.toContain(winogradPass);
      expect(winogradPass.run(graph, createBuilder(), target.describe())).toBe(graph);
    }
  });
});

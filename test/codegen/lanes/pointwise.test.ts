import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Graph } from "../../../codegen/ir/graph.js";
import { printGraph } from "../../../codegen/ir/print-graph.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { makeRunnable } from "../../support/run.js";
import { type ConvCase, convGraph, type Epilogue, geometryOf } from "../contraction/contraction-cases.js";

const integer = (min: number, max: number) => fc.integer({ min, max });
const EPILOGUES: readonly Epilogue[] = ["none", "relu", "two stores"];
const OPERATIONS = ["conv", "convData", "convFilter"] as const;

interface Ran {
  /** ‖got − wanted‖ / ‖wanted‖ of the worst root. */
  readonly distance: number;
  readonly notes: readonly string[];
  /** Of the last kernel. */
  readonly iterations: number;
}

/** A graph in vectors of so many bytes, its iterations in so many parts, beside the interpreter. */
function runInVectors(graph: Graph, dtype: "float32" | "float64", vectorBytes: 16 | 32 | 64, split = 1): Ran {
  const bindings = { ...bindLeaves(graph, 3), seed: 3 };
  const expected = interpret(graph, bindings);
  const plan = planGraph(graph, { realBytes: dtype === "float32" ? 4 : 8 });
  const net = makeRunnable(plan, { dtype, vectorBytes });
  net.run(bindings, split);
  const distance = Math.max(
    ...graph.roots.map(({ node }) => {
      const [got, want] = [net.read(node), expected(node)];
      const square = (of: (i: number) => number) => want.reduce((sum, _, i) => sum + of(i) ** 2, 0);
      const size = square((i) => want[i]);
      return Math.sqrt(square((i) => got[i] - want[i]) / Math.max(size, 1e-9));
    }),
  );
  const { kernels } = net.program;
  return {
    distance,
    notes: kernels.map(({ note }) => note),
    iterations: kernels[kernels.length - 1].parallel.extent,
  };
}

/** Whether its kernels are those of a product with all images' pixels: the other forms pack channels for lanes. */
const isProduct = (notes: readonly string[]): boolean => !notes.some((note) => note.endsWith("for lanes"));

const axis = fc.record({ kernel: fc.constant(1), input: integer(2, 12), stride: integer(1, 3) });
const cases = fc
  .record({
    images: integer(1, 5),
    groups: integer(1, 2),
    channels: integer(8, 30),
    filters: integer(8, 30),
    axes: fc.oneof(
      fc.array(axis, { minLength: 1, maxLength: 2 }),
      fc.array(
        axis.map((one) => ({ ...one, input: Math.min(one.input, 5) })),
        { minLength: 3, maxLength: 3 },
      ),
      fc.tuple(integer(3, 12), integer(3, 12)).map((inputs) => inputs.map((input) => ({ kernel: 1, input }))),
    ),
  })
  .map((made): ConvCase => made);

const pixelsOf = (made: ConvCase): number =>
  geometryOf(made).spatial.reduce((all, { output }) => all * output, made.images ?? 2);

describe("products of weights and pixels", () => {
  it.each([16, 32, 64] as const)(
    "compute 1 × 1 convolutions of any geometry in vectors of %d bytes",
    (bytes) => {
      fc.assert(
        fc.property(
          cases.filter((made) => pixelsOf(made) >= 16),
          fc.constantFrom(...OPERATIONS),
          fc.constantFrom(...EPILOGUES),
          fc.boolean(),
          integer(1, 3),
          (made, operation, epilogue, inlined, split) => {
            const graph = convGraph(operation, made, epilogue, inlined);
            const { distance, notes } = runInVectors(graph, "float64", bytes, split);
            expect(distance, printGraph(graph)).toBeLessThan(1e-11);
            expect(isProduct(notes), printGraph(graph)).toBe(true);
          },
        ),
        { numRuns: 12 },
      );
    },
  );

  it.each<readonly [string, ConvCase]>([
    ["channels in chunks", { channels: 500, filters: 9, images: 1, axes: plane(5, 4) }],
    ["a plane in parts", { channels: 16, filters: 16, images: 1, axes: plane(45, 45) }],
    ["rows of a plane in parts", { channels: 16, filters: 16, images: 1, axes: plane(89, 85, 2) }],
  ])("compute %s", (about, made) => {
    for (const operation of OPERATIONS) {
      const graph = convGraph(operation, { images: 2, ...made }, "relu");
      const { distance, notes, iterations } = runInVectors(graph, "float32", 32, 2);
      expect(distance).toBeLessThan(1e-5);
      expect(isProduct(notes)).toBe(true);
      if (about.includes("parts")) expect(iterations).toBeGreaterThan(1);
    }
  });

  it.each([
    ["conv", { channels: 400, filters: 96, axes: plane(3, 3) }, "in pixels"],
    ["convData", { channels: 96, filters: 400, axes: plane(3, 3) }, "in pixels"],
    ["convFilter", { channels: 16, filters: 400, axes: plane(8, 6) }, "round"],
  ] as const)("share what is laid out among parts of the results: %s", (operation, made, layout) => {
    const { distance, notes, iterations } = runInVectors(convGraph(operation, made), "float32", 32, 2);
    expect(distance).toBeLessThan(1e-5);
    expect(iterations).toBeGreaterThan(1);
    expect(notes.some((note) => note.endsWith(layout))).toBe(true);
  });

  it("read planes with padding around them", () => {
    const axes = [0, 1].map(() => ({ kernel: 1, input: 5, pad: 1, stride: 2 }));
    for (const operation of OPERATIONS) {
      const graph = convGraph(operation, { images: 3, channels: 9, filters: 10, axes }, "relu");
      expect(runInVectors(graph, "float64", 32).distance).toBeLessThan(1e-11);
    }
  });

  it("are left to other forms where there are few pixels, channels or results", () => {
    for (const made of [
      { images: 1, channels: 16, filters: 16, axes: plane(3, 3) },
      { images: 2, channels: 2, filters: 16, axes: plane(5, 5) },
      { images: 2, channels: 16, filters: 2, axes: plane(5, 5) },
    ])
      expect(isProduct(runInVectors(convGraph("conv", made), "float64", 32).notes)).toBe(false);
  });
});

function plane(height: number, width: number, stride = 1): ConvCase["axes"] {
  return [height, width].map((input) => ({ kernel: 1, input, stride }));
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convSizes } from "../../../codegen/contraction/conv-sizes.js";
import type { Graph } from "../../../codegen/ir/graph.js";
import { printGraph } from "../../../codegen/ir/print-graph.js";
import { copyOf, lowerLaneConv } from "../../../codegen/lanes/contraction/lane-conv.js";
import { lowerLaneConvData } from "../../../codegen/lanes/contraction/lane-conv-data.js";
import { lowerLaneConvFilter } from "../../../codegen/lanes/contraction/lane-conv-filter.js";
import { lowerPointwiseConv } from "../../../codegen/lanes/contraction/pointwise-conv.js";
import type { Lowering, Lowerings } from "../../../codegen/lower/lowering.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { nativeTarget } from "../../../codegen/targets/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { addonForTests } from "../../support/native.js";
import { runNativeGraphs } from "../../support/native-graphs.js";
import { lowerFor } from "../../support/pipeline.js";
import { distanceFrom, makeRunnable } from "../../support/run.js";
import { scratchFolder } from "../../support/scratch.js";
import { runWasmGraphs } from "../../support/wasm-graphs.js";
import {
  type ConvCase,
  caseOf,
  convGraph,
  type Epilogue,
  geometryOf,
} from "../contraction/contraction-cases.js";

const integer = (min: number, max: number) => fc.integer({ min, max });
const EPILOGUES: readonly Epilogue[] = ["none", "relu", "two stores"];
const OPERATIONS = ["conv", "convData", "convFilter"] as const;

/** Products of any size, where there is that form. */
const AS_PRODUCTS: Partial<Lowerings> = {
  conv: asProduct(lowerLaneConv),
  convData: asProduct(lowerLaneConvData),
  convFilter: asProduct(lowerLaneConvFilter),
};

function asProduct(direct: Lowering): Lowering {
  return (context) => {
    const { anchor } = context;
    if (anchor.op !== "conv" && anchor.op !== "convData" && anchor.op !== "convFilter")
      return direct(context);
    const x = anchor.op === "convData" ? anchor : anchor.inputs[0];
    const w = anchor.op === "convFilter" ? anchor : anchor.inputs[1];
    const sizes = convSizes(anchor.geometry, x.shape, w.shape);
    const copy = anchor.op === "convData" ? undefined : copyOf(context, x, sizes);
    return lowerPointwiseConv(context, sizes, copy) ?? direct(context);
  };
}

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
  const net = makeRunnable(plan, { dtype, vectorBytes, instead: AS_PRODUCTS });
  net.run(bindings, split);
  const distance = distanceFrom(expected, graph, net);
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

const scratch = scratchFolder();
const native = await addonForTests();

describe.skipIf(!native)("products of weights and pixels on a processor", () => {
  it("are the same in all its vectors", async () => {
    const vectors = [
      { dtype: "float32", architecture: "avx2" },
      { dtype: "float32", architecture: "sse" },
      { dtype: "float64", architecture: "avx2" },
      { dtype: "float32", architecture: "avx512" },
    ] as const;
    const made: readonly ConvCase[] = [
      { images: 3, channels: 21, filters: 19, axes: plane(7, 5) },
      { images: 2, groups: 2, channels: 9, filters: 14, axes: plane(9, 11, 2) },
    ];
    const graphs = OPERATIONS.flatMap((operation) =>
      vectors.map((kind, i) => ({
        ...caseOf(`${operation} ${i}`, convGraph(operation, made[i % 2], "relu"), AS_PRODUCTS),
        ...kind,
      })),
    );
    expect(await runNativeGraphs(native!.addon, scratch.path, graphs)).toEqual([]);
  });
});

describe("products of weights and pixels", () => {
  it.each(OPERATIONS)("are the same as WebAssembly: %s", async (operation) => {
    const graphs = fc
      .sample(fc.tuple(cases, fc.constantFrom(...EPILOGUES), fc.boolean()), { numRuns: 5, seed: 1 })
      .map(([made, epilogue, inlined], i) =>
        caseOf(`graph ${i}`, convGraph(operation, made, epilogue, inlined), AS_PRODUCTS, i + 1),
      );
    expect(await runWasmGraphs(graphs)).toEqual([]);
  });

  it.each([16, 32, 64] as const)(
    "compute 1 × 1 convolutions of any geometry in vectors of %d bytes",
    (bytes) => {
      fc.assert(
        fc.property(
          cases.filter((made) => pixelsOf(made) >= 16),
          fc.constantFrom(...OPERATIONS),
          fc.constantFrom(...EPILOGUES),
          fc.boolean(),
          fc.constantFrom("float32", "float64"),
          (made, operation, epilogue, inlined, dtype) => {
            const graph = convGraph(operation, made, epilogue, inlined);
            const { distance, notes } = runInVectors(graph, dtype, bytes, 1 + (pixelsOf(made) % 3));
            expect(distance, printGraph(graph)).toBeLessThan(dtype === "float32" ? 1e-5 : 1e-11);
            expect(isProduct(notes), printGraph(graph)).toBe(true);
          },
        ),
        { numRuns: 8 },
      );
    },
  );

  it.each<readonly [string, ConvCase]>([
    ["channels in chunks", { channels: 500, filters: 9, images: 1, axes: plane(5, 4) }],
    ["a plane in parts", { channels: 16, filters: 16, images: 1, axes: plane(37, 37) }],
    ["rows of a plane in parts", { channels: 16, filters: 16, images: 1, axes: plane(73, 71, 2) }],
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

  it.each(OPERATIONS)("are chosen where they are large: %s", (operation) => {
    const notesOf = (side: number): readonly string[] => {
      const graph = convGraph(operation, { images: 4, channels: 64, filters: 64, axes: plane(side, side) });
      const plan = planGraph(graph, { realBytes: 4 });
      return lowerFor(nativeTarget, plan, { dtype: "float32" }).kernels.map(({ note }) => note);
    };
    expect(isProduct(notesOf(56))).toBe(true);
    expect(isProduct(notesOf(14))).toBe(false);
  });
});

function plane(height: number, width: number, stride = 1): ConvCase["axes"] {
  return [height, width].map((input) => ({ kernel: 1, input, stride }));
}

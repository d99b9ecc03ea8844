import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder, type GraphBuilder } from "../../../../codegen/ir/builder.js";
import { type Graph, type Node, nodesOf, type Shape, sizeOf } from "../../../../codegen/ir/graph.js";
import { add, arg, constant, div, mul, type Scalar, sub, unary } from "../../../../codegen/ir/scalar.js";
import { planGraph } from "../../../../codegen/plan/index.js";
import { cudaTarget } from "../../../../codegen/targets/index.js";
import { softmaxParts } from "../../../../src/layers/softmax-parts.js";
import { hasGradient, objectiveGraph } from "../../../../src/net/objective.js";
import { BOUND, type EmulatedGraph, emulateGraphs } from "../../../support/emulate.js";
import { disagreement } from "../../../support/graph-memory.js";
import { lowerText } from "../../../support/lowered.js";
import { addonForTests } from "../../../support/native.js";
import { lowerFor, optimise } from "../../../support/pipeline.js";
import { bind, values } from "../../../support/random-graph.js";
import { scratchFolder } from "../../../support/scratch.js";

const native = await addonForTests();

const rootsOf = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: `out${i}`, node })),
});
const launchesOf = (graph: Graph, fuseRows: boolean): number => {
  const plan = planGraph(graph, { realBytes: 4 });
  const program = lowerFor(cudaTarget, plan, { group: fuseRows });
  return program.forward.length + program.backward.length;
};

/** A graph twice: every step by itself, compared with the interpreter; and fused, which must give the same bits. */
function bothWays(name: string, graph: Graph, inputs?: ReadonlyMap<string, Float64Array>): EmulatedGraph[] {
  const leaves = bind(nodesOf(graph), 5);
  const bindings = { ...leaves, inputs: inputs ?? leaves.inputs, seed: 1, step: 0 };
  const alone = new Map<Node, ArrayLike<number>>();
  return [false, true].map((fuseRows) => ({
    name: `${name}, ${fuseRows ? "fused" : "step by step"}`,
    graph,
    bindings,
    fuseRows,
    check: (node, got, want) => {
      if (!fuseRows) {
        alone.set(node, got.slice());
        return disagreement(got, want, BOUND);
      }
      const other = alone.get(node)!;
      for (let i = 0; i < got.length; i++)
        if (!Object.is(got[i], other[i])) return `[${i}] is ${got[i]} fused, ${other[i]} step by step`;
      return undefined;
    },
  }));
}

const softmaxOf = (shape: Shape, axis: number): Graph => {
  const b = createBuilder();
  return rootsOf(softmaxParts(b, b.input("x", shape), axis).probability);
};

/** Mean and variance of rows, then the rows normalised: MVN, and a batch normalisation over axes of its own. */
function normalised(shape: Shape, axes: readonly number[]): Graph {
  const b = createBuilder();
  const x = b.input("x", shape);
  const count = axes.reduce((product, axis) => product * shape[axis], 1);
  const mean = b.map(div(arg(0), constant(count)), [b.reduce("sum", x, axes)]);
  const centred = b.map(sub(arg(0), arg(1)), [x, mean], shape);
  const square = b.reduce("sum", b.map(mul(arg(0), arg(0)), [centred]), axes);
  const deviation = b.map(unary("sqrt", add(div(arg(0), constant(count)), constant(1e-3))), [square]);
  const y = b.map(div(arg(0), arg(1)), [centred, deviation], shape);
  return rootsOf(y, b.reduce("argmax", b.reshape(y, [sizeOf(shape)]), [0]));
}

const lossNet = (shape: string, axis: number, more = ""): Graph => {
  const lowered = lowerText(`
    layer { name: "d" type: "Input" top: "x" top: "t" input_param { ${shape} } }
    layer { name: "ip" type: "Convolution" bottom: "x" top: "y"
      convolution_param { num_output: 12 kernel_size: 1 axis: 1 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "l" top: "p"
      softmax_param { axis: ${axis} } ${more} }`);
  const graph = objectiveGraph(lowered, { backward: hasGradient(lowered), seeds: [], keep: [] });
  return optimise(graph, lowered.builder);
};

describe("row fusion", () => {
  it("makes a softmax one launch, whatever its axis, where its rows fit a team", () => {
    for (const [shape, axis] of [
      [[64, 10], 1],
      [[256, 1000], 1],
      [[2, 21, 500, 500], 1],
      [[4, 200, 7, 7], 1],
      [[3, 8192], 1],
    ] as const)
      expect([shape, launchesOf(softmaxOf(shape, axis), true)]).toEqual([shape, 1]);
  });

  it("leaves rows that are too long to several teams", () => {
    const graph = softmaxOf([2, 100_000], 1);
    expect(launchesOf(graph, true)).toBe(launchesOf(graph, false));
  });

  it("ends where a step reads other rows than its own", () => {
    const b = createBuilder();
    const x = b.input("x", [40, 40]);
    const centred = b.map(sub(arg(0), arg(1)), [x, b.reduce("max", x, [1])], [40, 40]);
    const turned = b.map(add(arg(0), arg(1)), [centred, b.transpose(centred, [1, 0])]);
    const graph = rootsOf(b.reduce("sum", turned, [1]), centred);
    expect([launchesOf(graph, false), launchesOf(graph, true)]).toEqual([3, 2]);
  });
});

describe.skipIf(!native)("row fusion on the emulator", () => {
  beforeAll(() => {
    process.env["CORTADO_CACHE"] = `${scratchFolder().path}/cache`;
  });
  afterAll(() => {
    delete process.env["CORTADO_CACHE"];
  });

  it("softmax gives the same bits fused and step by step", async () => {
    const cases = (
      [
        [[1, 1], 1],
        [[5, 10], 1],
        [[64, 10], 1],
        [[33, 32], 1],
        [[3, 33], 1],
        [[3, 1000], 1],
        [[2, 1025], 1],
        [[1, 8192], 1],
        [[2, 9000], 1],
        [[2, 21, 5, 7], 1],
        [[2, 3, 6, 6], 1],
        [[1, 300, 4, 4], 1],
        [[3, 40, 2], 1],
        [[40, 9], 0],
      ] as const
    ).flatMap(([shape, axis]) => bothWays(`softmax of ${shape.join("×")}`, softmaxOf(shape, axis)));
    expect(await emulateGraphs(native!.addon, cases)).toEqual([]);
  });

  it("means and deviations, too", async () => {
    const cases = (
      [
        [
          [3, 4, 6, 6],
          [2, 3],
        ],
        [
          [3, 4, 6, 6],
          [1, 2, 3],
        ],
        [
          [8, 5, 4, 4],
          [0, 2, 3],
        ],
        [[16, 24], [0]],
        [[2, 700], [1]],
      ] as const
    ).flatMap(([shape, axes]) =>
      bothWays(`normalised ${shape.join("×")} over ${axes.join()}`, normalised(shape, axes)),
    );
    expect(await emulateGraphs(native!.addon, cases)).toEqual([]);
  });

  it("losses with their derivative", async () => {
    const labels = (count: number) => Float64Array.from({ length: count }, (_, i) => (i * 5) % 12);
    const make = (name: string, count: number, x: Shape, graph: Graph) =>
      bothWays(
        name,
        graph,
        new Map([
          ["blob:x", values(sizeOf(x), 3)],
          ["blob:t", labels(count)],
        ]),
      );
    const image = "shape { dim: 3 dim: 4 dim: 5 dim: 5 }";
    expect(
      await emulateGraphs(native!.addon, [
        ...make(
          "one label a position",
          75,
          [3, 4, 5, 5],
          lossNet(`${image} shape { dim: 3 dim: 5 dim: 5 }`, 1),
        ),
        ...make(
          "labels to ignore",
          75,
          [3, 4, 5, 5],
          lossNet(`${image} shape { dim: 3 dim: 5 dim: 5 }`, 1, "loss_param { ignore_label: 5 }"),
        ),
        ...make(
          "one position",
          6,
          [6, 4, 1, 1],
          lossNet("shape { dim: 6 dim: 4 dim: 1 dim: 1 } shape { dim: 6 }", 1),
        ),
      ]),
    ).toEqual([]);
  });

  it("random chains of reductions and maps share memory safely", async () => {
    const sampled = fc.sample(chains(), { numRuns: 40, seed: 11 });
    const graphs = sampled
      .map(chainGraph)
      .filter((graph) => launchesOf(graph, true) < launchesOf(graph, false));
    expect(graphs.length).toBeGreaterThan(15);
    const cases = graphs.slice(0, 16).flatMap((graph, i) => bothWays(`chain ${i}`, graph));
    expect(await emulateGraphs(native!.addon, cases)).toEqual([]);
  });
});

interface Chain {
  readonly over: readonly [shape: Shape, axes: readonly number[]];
  readonly links: readonly {
    readonly kind: number;
    readonly a: number;
    readonly b: number;
    readonly kept: boolean;
  }[];
}

const ROWS: readonly Chain["over"][] = [
  [[6, 10], [1]],
  [[5, 100], [1]],
  [[2, 300], [1]],
  [[5, 4, 9], [1]],
  [[2, 40, 12], [1]],
  [
    [4, 6, 6],
    [1, 2],
  ],
  [[4, 6, 6], [0]],
  [[7, 7], [1]],
  [
    [3, 5, 2, 4],
    [0, 2, 3],
  ],
];

function chains(): fc.Arbitrary<Chain> {
  const small = fc.nat({ max: 5 });
  return fc.record({
    over: fc.constantFrom(...ROWS),
    links: fc.array(fc.record({ kind: fc.nat({ max: 8 }), a: small, b: small, kept: fc.boolean() }), {
      minLength: 4,
      maxLength: 12,
    }),
  });
}

/** Reductions, maps of elements and of results, and now and then a view that reads other elements. */
function chainGraph({ over: [shape, axes], links }: Chain): Graph {
  const b = createBuilder();
  const elements: Node[] = [b.input("x", shape)];
  const results: Node[] = [b.reduce("sum", elements[0], axes)];
  const roots: Node[] = [];
  const mean = (x: Scalar, y: Scalar): Scalar => add(mul(constant(0.5), x), mul(constant(0.25), y));
  for (const { kind, a, b: other, kept } of links) {
    const take = (pool: readonly Node[], back: number): Node => pool[Math.max(0, pool.length - 1 - back)];
    const [x, y] = [take(elements, a), take(elements, other)];
    const [r, s] = [take(results, a), take(results, other)];
    const made = link(b, kind, x, y, r, s, axes, mean);
    (made.shape.every((extent, at) => extent === shape[at]) ? elements : results).push(made);
    if (kept) roots.push(made);
  }
  return rootsOf(...new Set([...roots, elements[elements.length - 1], results[results.length - 1]]));
}

function link(
  b: GraphBuilder,
  kind: number,
  x: Node,
  y: Node,
  r: Node,
  s: Node,
  axes: readonly number[],
  mean: (x: Scalar, y: Scalar) => Scalar,
): Node {
  const { shape } = x;
  const small = unary("tanh", arg(0));
  switch (kind) {
    case 0:
    case 1:
      return b.map(small, [b.reduce("sum", x, axes)]);
    case 2:
      return b.reduce("max", x, axes);
    case 3:
    case 4:
      return b.map(mean(unary("tanh", arg(0)), arg(1)), [x, r], shape);
    case 5:
      return b.map(mean(arg(0), arg(1)), [x, y]);
    case 6:
      return b.map(mean(arg(0), arg(1)), [r, s]);
    case 7:
      return b.reshape(b.map(small, [b.reshape(x, [sizeOf(shape)])]), shape);
    default: {
      // The element before, along the last axis.
      const last = shape.length - 1;
      const moved = b.pad(b.slice(x, last, 0, shape[last] - 1), last, 1, 0);
      return b.map(mean(arg(0), arg(1)), [moved, y]);
    }
  }
}

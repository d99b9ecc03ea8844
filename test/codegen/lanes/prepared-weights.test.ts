/** Weights of a net that only infers are packed when they have changed; those of one that trains, at each pass. */
import { expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { type Graph, NET_PASSES } from "../../../codegen/ir/graph.js";
import { add, arg } from "../../../codegen/ir/scalar.js";
import { winogradGain } from "../../../codegen/lanes/winograd/winograd-pass.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { nativeTarget } from "../../../codegen/targets/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { differenceFrom, makeRunnable } from "../../support/run.js";
import { convGraph, geometryOf, graphOf, inBackward, matmulGraph } from "../contraction/contraction-cases.js";

const axes = [
  { kernel: 3, input: 7, pad: 1 },
  { kernel: 2, input: 6 },
];
const conv = convGraph("conv", { channels: 5, filters: 11, groups: 2, axes }, "relu");
const product = matmulGraph({ m: 40, n: 21, k: 30, trans: [false, true] });

const run = (graph: Graph) => {
  const net = makeRunnable(planGraph(graph, { realBytes: 8 }), { dtype: "float64", vectorBytes: 32 });
  const packs = Object.fromEntries(
    NET_PASSES.map((pass) => [
      pass,
      net.program[pass].filter(({ kernel }) => net.program.kernels[kernel].note.startsWith("pack")).length,
    ]),
  );
  return { net, packs };
};
const differs = (graph: Graph, { net }: ReturnType<typeof run>): string | undefined => {
  const bindings = { ...bindLeaves(graph, 3), seed: 3 };
  net.run(bindings);
  return differenceFrom(interpret(graph, bindings), graph, net);
};

it.each([
  ["a convolution", conv],
  ["a product", product],
])("the weights of %s are packed once", (_, graph) => {
  const infers = run(graph);
  expect(infers.packs).toEqual({ prepare: 1, forward: 0, backward: 0 });
  expect(differs(graph, infers)).toBeUndefined();
  const again = inBackward(graph);
  const trains = run(again);
  expect(trains.packs).toEqual({ prepare: 0, forward: 0, backward: 1 });
  expect(differs(again, trains)).toBeUndefined();
});

it("what steps keep is theirs alone, even where they share a kernel", () => {
  const geometry = geometryOf({ axes: [{ kernel: 3, input: 9, pad: 1 }] });
  const graph = graphOf((b) => {
    const first = b.conv(b.input("x", [2, 40, 9]), b.param(0, [40, 40, 3]), geometry);
    return [b.conv(first, b.param(1, [40, 40, 3]), geometry)];
  });
  const two = run(graph);
  expect(two.packs.prepare).toBe(2);
  const [one, other] = two.net.program.prepare;
  expect(other.kernel).toBe(one.kernel);
  expect(differs(graph, two)).toBeUndefined();
});

it("weights that forward replaces, and those that it computes from its input, are packed at each pass", () => {
  const geometry = geometryOf({ axes: [{ kernel: 3, input: 9 }] });
  const b = createBuilder();
  const [x, w] = [b.input("x", [2, 40, 9]), b.param(0, [40, 40, 3])];
  const replaced = run({
    roots: [
      { role: "value", blob: "y", node: b.conv(x, w, geometry) },
      { role: "update", param: 0, pass: "forward", node: b.map(add(arg(0), arg(0)), [w]) },
    ],
  });
  expect(replaced.packs).toEqual({ prepare: 0, forward: 1, backward: 0 });
  const computed = b.map(add(arg(0), arg(1)), [w, b.input("shift", [1, 1, 1])]);
  const moved = run({ roots: [{ role: "value", blob: "y", node: b.conv(x, computed, geometry) }] });
  expect(moved.packs).toEqual({ prepare: 0, forward: 1, backward: 0 });
});

it("Winograd's form keeps its filters, and pays for fewer pixels where it does", () => {
  const image = { kernel: 3, input: 7, pad: 1 };
  const graph = convGraph("conv", { images: 4, channels: 64, filters: 64, axes: [image, image] });
  const [{ node }] = graph.roots;
  if (node.op !== "conv") throw new Error(node.op);
  const lanes = nativeTarget.describe().lanes!;
  expect(winogradGain(node, lanes, true)).toBeGreaterThan(1.2 * winogradGain(node, lanes));
  const tiled = convGraph("conv", { channels: 5, filters: 11, axes: [image, image], algorithm: "winograd" });
  const kept = run(tiled);
  const names = kept.net.program.prepare.map(({ kernel }) => kept.net.program.kernels[kernel].note);
  expect(names).toEqual(["filters of conv transformed"]);
  expect(differs(tiled, kept)).toBeUndefined();
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differentiate } from "../../../codegen/autodiff/index.js";
import { type Graph, type Node, type Root, sizeOf } from "../../../codegen/ir/graph.js";
import { add, arg, constant, mul, sub } from "../../../codegen/ir/scalar.js";
import { formatPlan, type Plan, type PlanOptions, planGraph } from "../../../codegen/plan/index.js";
import { verifyPlan } from "../../../codegen/plan/verify-plan.js";
import { type Bindings, interpret } from "../../support/interpret.js";
import { build, type RandomGraph, type Recipe, recipe } from "../../support/random-graph.js";
import { bindInputs, createMemory, runPass } from "./execute.js";

interface Case {
  readonly graph: Graph;
  readonly bindings: Bindings;
}

/**
 * A net as the lowering would make it of a random graph: some blobs are roots, some have a seed (the caller's diff
 * or a loss weight), some leaves a gradient, some parameters a state that forward updates or a solver's update.
 */
function trained({ builder: b, graph, leaves, bindings }: RandomGraph, choice: number): Case {
  const inputs = new Map(bindings.inputs);
  const params = new Map(bindings.params);
  const chosen = (bit: number): boolean => ((choice >> bit) & 1) === 1;
  const values = graph.roots.filter((root) => root.node.dtype === "real");
  if (values.length === 0) return { graph, bindings };
  const seeds = values.map(({ node }, i) => {
    if (chosen(i % 4)) return { node, cotangent: b.constant(0.75, node.shape) };
    const name = `diff:${i}`;
    inputs.set(
      name,
      Float64Array.from({ length: sizeOf(node.shape) }, (_, at) => ((at * 5 + i) % 9) / 4 - 1),
    );
    return { node, cotangent: b.input(name, node.shape) };
  });
  const cotangents = differentiate(b, { seeds, wanted: leaves });
  const roots: Root[] = graph.roots.filter((_, i) => i === 0 || chosen(4 + (i % 3)));
  for (const leaf of leaves) {
    const cotangent = cotangents.get(leaf);
    if (!cotangent) continue;
    if (leaf.op === "input") roots.push({ role: "diff", blob: leaf.name, node: cotangent });
    else if (leaf.op === "param" && chosen(7)) {
      const node = b.map(sub(arg(0), mul(constant(0.25), arg(1))), [leaf, cotangent]);
      roots.push({ role: "update", pass: "backward", param: leaf.index, node });
      if (chosen(8)) roots.push({ role: "gradient", param: leaf.index, node: cotangent });
    } else if (leaf.op === "param") roots.push({ role: "gradient", param: leaf.index, node: cotangent });
  }
  if (chosen(9)) {
    const [{ node }] = values;
    const index = Math.max(-1, ...params.keys()) + 1;
    params.set(index, new Float64Array(sizeOf(node.shape)).fill(0.5));
    const old = b.param(index, node.shape);
    const operands = chosen(10)
      ? [old, node]
      : [
          node,
          b.reduce(
            "sum",
            old,
            node.shape.map((_, i) => i),
          ),
        ];
    const next = b.map(add(mul(constant(0.5), arg(0)), arg(1)), operands, node.shape);
    roots.push({ role: "update", pass: "forward", param: index, node: next });
  }
  return { graph: { roots }, bindings: { ...bindings, inputs, params } };
}

interface RandomCase {
  readonly made: Recipe;
  readonly choice: number;
}

const randomCases: fc.Arbitrary<RandomCase> = fc.record({ made: recipe({ size: 14 }), choice: fc.nat(2047) });
const netOf = ({ made, choice }: RandomCase): Case => trained(build(made), choice);
const nets: fc.Arbitrary<Case> = randomCases.map(netOf);

const OPTIONS: readonly PlanOptions[] = [
  { realBytes: 8 },
  { realBytes: 8, fuse: false },
  { realBytes: 8, alias: false },
  { realBytes: 8, repeatBackward: true },
];

const bits = (values: Float64Array): readonly string[] =>
  Array.from(values, (x) => (Object.is(x, -0) ? "-0" : String(x)));

/** Runs a plan on one arena; every read must see the value that the read node has, and every root must be right. */
function check(plan: Plan, { graph, bindings }: Case, times: number): void {
  const truth = interpret(graph, bindings);
  const memory = createMemory(plan, bindings.params);
  // A caller's diffs come after forward, as they do in a call of backward.
  const isDiff = (name: string): boolean => name.startsWith("diff:");
  bindInputs(plan, memory, bindings, (name) => !isDiff(name));
  const seen = (step: { readonly index: number }, node: Node, values: Float64Array): void => {
    expect(bits(values), `step ${step.index} reads %${node.id}\n${formatPlan(plan)}`).toEqual(
      bits(truth(node)),
    );
  };
  const checkRoots = (roles: readonly Root["role"][]): void => {
    for (const root of graph.roots) {
      if (!roles.includes(root.role)) continue;
      expect(bits(memory.read(root.node)), `${root.role} %${root.node.id}\n${formatPlan(plan)}`).toEqual(
        bits(truth(root.node)),
      );
    }
  };
  runPass(plan, "forward", memory, bindings.seed, seen);
  checkRoots(["value"]);
  bindInputs(plan, memory, bindings, isDiff);
  for (let i = 0; i < times; i++) {
    runPass(plan, "backward", memory, bindings.seed, seen);
    checkRoots(["value", "diff", "gradient"]);
  }
  for (const root of graph.roots)
    if (root.role === "update") expect(bits(memory.params.get(root.param)!)).toEqual(bits(truth(root.node)));
}

describe("plans of random nets", () => {
  it("run on their memory and give every value to the bit, fused or not, shared or not", () => {
    fc.assert(
      fc.property(nets, (net) => {
        for (const options of OPTIONS) {
          const updates = net.graph.roots.some((root) => root.role === "update");
          check(planGraph(net.graph, options), net, options.repeatBackward && !updates ? 2 : 1);
        }
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it("keep regions that are live together apart", () => {
    fc.assert(
      fc.property(nets, fc.constantFrom(...OPTIONS), ({ graph }, options) => {
        const plan = planGraph(graph, options);
        verifyPlan(plan);
        const { regions } = plan;
        for (const a of regions) {
          expect(a.offset % 256).toBe(0);
          expect(a.offset + a.bytes).toBeLessThanOrEqual(plan.arenaBytes);
          for (const b of regions) {
            const together = a.first <= b.last && b.first <= a.last;
            const overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
            if (a !== b && together && overlap)
              expect.fail(`regions ${a.id} and ${b.id}\n${formatPlan(plan)}`);
          }
        }
        expect(plan.arenaBytes).toBeLessThanOrEqual(plan.unsharedBytes);
        expect(plan.peak.bytes).toBeLessThanOrEqual(plan.arenaBytes);
      }),
      { numRuns: 300 },
    );
  });

  it("are the same for the same net", () => {
    fc.assert(
      fc.property(randomCases, (recipeAndChoice) => {
        const [first, second] = [netOf(recipeAndChoice), netOf(recipeAndChoice)];
        expect(first.graph).not.toBe(second.graph);
        expect(String(planGraph(first.graph, { realBytes: 4 }))).toBe(
          String(planGraph(second.graph, { realBytes: 4 })),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("never take more memory by fusion and sharing than without, nor more steps", () => {
    fc.assert(
      fc.property(nets, ({ graph }) => {
        const fused = planGraph(graph, { realBytes: 4 });
        const plain = planGraph(graph, { realBytes: 4, fuse: false, alias: false });
        expect(fused.steps.length).toBeLessThanOrEqual(plain.steps.length);
        expect(fused.arenaBytes).toBeLessThanOrEqual(plain.arenaBytes);
      }),
      { numRuns: 100 },
    );
  });
});

import fc from "fast-check";
import { differentiate } from "../../codegen/autodiff/index.js";
import { createBuilder, type GraphBuilder } from "../../codegen/ir/builder.js";
import { type Graph, type Node, type Root, type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { printGraph } from "../../codegen/ir/print-graph.js";
import type { Bindings } from "./interpret.js";
import { type Context, OPERATIONS } from "./random-operations.js";

/** A small random graph whose roots are values of blobs, and values for its leaves (exact in float32). */
export interface RandomGraph {
  readonly builder: GraphBuilder;
  readonly graph: Graph;
  readonly bindings: Bindings & { readonly step: number; readonly seed: number };
  /** Every `input` of real values and every `param` that a root depends on, by id: what one may differentiate by. */
  readonly leaves: readonly Node[];
}

export interface RandomGraphOptions {
  /** Only operations that have a derivative everywhere (no max, relu, floor, …). Default false. */
  readonly smooth?: boolean;
  /** Most instructions. Default 12. */
  readonly size?: number;
  /**
   * Differentiate: every root gets a cotangent (an input `cotangent0`, … or a constant), and the gradients of the
   * parameters and the diffs of the data and of named blobs become roots too. Default false.
   */
  readonly backward?: boolean;
}

/** One step of a recipe: an operation by name, which earlier nodes it takes, and numbers it is shaped by. */
interface Instruction {
  readonly operation: keyof typeof OPERATIONS;
  readonly a: number;
  readonly b: number;
  readonly p: number;
  readonly q: number;
}

/** No node of a random graph has more elements. */
const LARGEST = 1500;

/**
 * Random small graphs: convolutions, pools, LRN-like window sums over channels, products, maps, reductions, views,
 * shared operands and residual sums. A failing one shrinks to fewer and simpler instructions; its recipe is what
 * fast-check prints.
 */
export function randomGraph(options: RandomGraphOptions = {}): fc.Arbitrary<RandomGraph> {
  return recipe(options).map((made) => build(made, options.backward));
}

export interface Recipe {
  readonly shape: Shape;
  readonly instructions: readonly Instruction[];
  readonly seed: number;
}

/** The recipe alone, for tests that build it more than once: equal recipes build equal graphs. */
export function recipe(options: RandomGraphOptions = {}): fc.Arbitrary<Recipe> {
  const names = (Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[]).filter(
    (name) => !options.smooth || OPERATIONS[name].smooth,
  );
  const small = fc.nat({ max: 11 });
  return fc.record({
    shape: fc.tuple(
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
    ),
    instructions: fc.array(
      fc.record({ operation: fc.constantFrom(...names), a: small, b: small, p: small, q: small }),
      { minLength: 1, maxLength: options.size ?? 12, size: "max" },
    ),
    seed: fc.nat({ max: 9999 }),
  });
}

/** Builds a recipe's graph in a fresh builder. */
export function build({ shape, instructions, seed }: Recipe, backward = false): RandomGraph {
  const builder = createBuilder();
  let params = 0;
  const context: Context = {
    b: builder,
    param: (paramShape) => builder.param(params++, paramShape),
    shape,
  };
  const pool: Node[] = [builder.input("data", shape)];
  for (const { operation, a, b, p, q } of instructions) {
    // Later nodes are likelier: a small number is a recent node.
    const take = (back: number): Node => pool[Math.max(0, pool.length - 1 - back)];
    const made = OPERATIONS[operation].make(context, take(a % 4), take(b), p, q);
    if (made && sizeOf(made.shape) <= LARGEST && sizeOf(made.shape) > 0) pool.push(made);
  }
  const forward = rootsOf(pool);
  const nodes = everyNode({ roots: forward });
  const leaves = nodes.filter((node) => node.op === "param" || (node.op === "input" && node.name === "data"));
  const graph = {
    roots: backward ? [...forward, ...backwardRoots(builder, forward, leaves, nodes)] : forward,
  };
  const made: RandomGraph = {
    builder,
    graph,
    bindings: { ...bind(everyNode(graph), seed), step: seed % 5, seed },
    leaves,
  };
  // What fast-check shows of a counterexample.
  return Object.assign(made, {
    [fc.toStringMethod]: () => `${JSON.stringify({ shape, instructions, seed })}\n${printGraph(graph)}\n`,
  });
}

function backwardRoots(
  b: GraphBuilder,
  forward: readonly Root[],
  leaves: readonly Node[],
  nodes: readonly Node[],
): Root[] {
  const seeds = forward.map(({ node }, i) => ({
    node,
    cotangent: i % 3 === 1 ? b.constant(0.5, node.shape) : b.input(`cotangent${i}`, node.shape),
  }));
  const cotangents = differentiate(b, { seeds, wanted: leaves });
  return [...leaves, ...nodes.filter((node) => node.op === "blob")].flatMap((of): Root[] => {
    const node = cotangents.get(of);
    if (!node) return [];
    return [
      of.op === "param"
        ? { role: "gradient", param: of.index, node }
        : { role: "diff", blob: `at${of.id}`, node },
    ];
  });
}

/** Values of the nodes that nothing reads, and of one in the middle. */
function rootsOf(pool: readonly Node[]): Root[] {
  const read = new Set(pool.flatMap((node) => node.inputs));
  const kept = pool.filter(
    (node, i) =>
      node.op !== "input" &&
      node.op !== "param" &&
      node.dtype === "real" &&
      (!read.has(node) || i === pool.length - 1 || i === pool.length >> 1),
  );
  const nodes = kept.length > 0 ? [...new Set(kept)] : [pool[0]];
  return nodes.map((node, i) => ({ role: "value", blob: `out${i}`, node }));
}

function everyNode(graph: Graph): Node[] {
  const seen = new Set<Node>();
  const pending = graph.roots.map((root) => root.node);
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    pending.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Values for every leaf: reals in (−1, 1), positions of `index` inputs below 3; the same for the same seed. */
export function bind(nodes: readonly Node[], seed: number): Pick<Bindings, "inputs" | "params"> {
  const inputs = new Map<string, Float64Array>();
  const params = new Map<number, Float64Array>();
  for (const node of nodes) {
    if (node.op === "input" && node.name !== "step") {
      const value = values(sizeOf(node.shape), seed * 31 + 7);
      inputs.set(node.name, node.dtype === "index" ? value.map((x) => Math.floor((x + 1) * 1.5)) : value);
    }
    if (node.op === "param") params.set(node.index, values(sizeOf(node.shape), seed * 31 + 11 * node.index));
  }
  return { inputs, params };
}

/** `count` numbers spread over (−1, 1), each a multiple of 2^-21 and none of them 0. */
export function values(count: number, seed: number): Float64Array {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x85ebca6b) >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0;
    return ((mixed >>> 11) - 2 ** 20 + 0.5) * 2 ** -20;
  });
}

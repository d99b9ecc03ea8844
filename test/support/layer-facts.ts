/**
 * What follows from a layer type's definition and is written down nowhere: what backward keeps of forward, whether
 * the top can lie in the bottom's memory, how the shapes go together, which settings are read. Each is found by
 * lowering an example, differentiating and planning it.
 */

import type { Shape } from "../../codegen/ir/graph.js";
import { type Node, type Root, sizeOf } from "../../codegen/ir/graph.js";
import { type Plan, planGraph } from "../../codegen/plan/index.js";
import { findUses, freeViewOffset } from "../../codegen/plan/uses.js";
import { showShape } from "../../proto/words/amounts.js";
import { bottomDomains } from "../../src/gradcheck/input-domains.js";
import { isDifferentiable } from "../../src/gradcheck/random-net.js";
import { type LayerType, layerOf, STEP } from "../../src/layers/index.js";
import { diffName, objectiveGraph } from "../../src/net/objective.js";
import { inputLine, type LayerExample, layerText } from "./layer-examples.js";
import { lowerText } from "./lowered.js";
import { optimise } from "./pipeline.js";

/** A blob that a fully connected layer below makes, so that its value is neither an input nor part of the layer. */
const below = (name: string, shape: Shape): string =>
  `${inputLine(`under ${name}`, shape)}
layer { name: "below ${name}" type: "InnerProduct" bottom: "under ${name}" top: ${JSON.stringify(name)}
  inner_product_param { num_output: ${shape.at(-1)} axis: -1 bias_term: false } }`;

/** A reader of a top whose own backward needs nothing of forward: its weights are not learned. */
const above = (name: string): string =>
  `layer { name: "above ${name}" type: "InnerProduct" bottom: ${JSON.stringify(name)} top: "over ${name}"
  param { lr_mult: 0 } inner_product_param { num_output: 2 axis: -1 bias_term: false } }`;

/** The example with the layer between two others, lowered and differentiated. */
interface Between {
  readonly roots: readonly Root[];
  /** By blob: what it is in the graph. */
  readonly values: ReadonlyMap<string, Node>;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** Bottoms with a gradient. */
  readonly smooth: ReadonlySet<string>;
}

function between(type: LayerType, example: LayerExample): Between {
  const { bottoms, tops } = example;
  const shapes = Object.values(bottoms);
  const alone = lowerText(exampleBelow(example));
  const domains = bottomDomains(type, layerOf(type, {}), shapes);
  const names = Object.keys(bottoms);
  const inner = names.map((name, i) =>
    domains[i].values.kind === "label" || shapes[i].length === 0
      ? inputLine(name, shapes[i])
      : below(name, shapes[i]),
  );
  const read = tops.filter((top) => {
    const loss = alone.losses.some(({ blob }) => blob === top);
    return !loss && alone.blobs.get(top)!.shape.length > 0;
  });
  const text = [...inner, layerText(example), ...read.map(above)].join("\n");
  const lowered = lowerText(text);
  const losses = new Set(lowered.losses.map(({ blob }) => blob));
  const seeds = lowered.outputs.filter((blob) => !losses.has(blob));
  const keep = [...names, ...tops];
  const graph = optimise(
    objectiveGraph(lowered, { backward: isDifferentiable(type), seeds, keep }),
    lowered.builder,
    { verify: true },
  );
  const values = new Map(
    graph.roots.flatMap((root) => (root.role === "value" ? [[root.blob, root.node] as const] : [])),
  );
  // They are looked for, not asked for.
  const outputs = new Set(lowered.outputs);
  const wanted = new Set(lowered.wanted.inputs);
  const roots = graph.roots.filter(
    (root) =>
      !(root.role === "value" && keep.includes(root.blob) && !outputs.has(root.blob)) &&
      !(root.role === "diff" && !wanted.has(root.blob)),
  );
  const smooth = new Set(names.filter((_, i) => domains[i].differentiable));
  return { roots, values, bottoms: names, tops, smooth };
}

const exampleBelow = (example: LayerExample): string =>
  [
    ...Object.entries(example.bottoms).map(([name, shape]) => inputLine(name, shape)),
    layerText(example),
  ].join("\n");

/** What backward reads of forward, for people; undefined for a type without a gradient. */
export function whatBackwardKeeps(type: LayerType, example: LayerExample): string | undefined {
  if (!isDifferentiable(type)) return undefined;
  const net = between(type, example);
  const plan = planGraph({ roots: net.roots }, { realBytes: 4 });
  const uses = findUses(plan.graph);
  const made = new Set(plan.steps.slice(plan.firstBackward).flatMap(({ stores }) => stores));
  const read = new Set(
    plan.steps.slice(plan.firstBackward).flatMap(({ reads }) => reads.map((node) => uses.base(node))),
  );
  const kept = [...read].filter((node) => !made.has(node) && !isGiven(node)).sort((a, b) => a.id - b.id);
  const baseOf = (blob: string): Node => memoryOf(net.values.get(blob)!);
  const named = (blob: string): boolean => kept.includes(baseOf(blob));
  const blobs = [...net.bottoms, ...net.tops].filter(named);
  const bases = new Set(blobs.map((blob) => baseOf(blob)));
  const others = kept.filter((node) => !bases.has(node));
  const kinds = [...new Set(others.map(kindOf))].map((kind) => {
    const shapes = others.filter((node) => kindOf(node) === kind).map(({ shape }) => showShape(shape));
    return `${kind} (${[...new Set(shapes)].join(", ")})`;
  });
  const random = [...read].some((node) => node.op === "input" && node.name === STEP);
  const parts = [...distinct(blobs, (blob) => baseOf(blob)).map((blob) => `\`${blob}\``), ...kinds];
  const again = random ? "random numbers are drawn again" : "";
  if (parts.length === 0) return again === "" ? "nothing" : `nothing: ${again}`;
  return `${listOf(parts)}${again === "" ? "" : `; ${again}`}`;
}

/** The node whose memory a node is, whether the plan has it or not. */
const memoryOf = (node: Node): Node => (freeViewOffset(node) === undefined ? node : memoryOf(node.inputs[0]));

/** Not forward's work: weights, the caller's diffs, and what the layers beside the example read. */
const isGiven = (node: Node): boolean =>
  node.op === "param" ||
  node.op === "constant" ||
  (node.op === "input" &&
    (node.name === STEP || node.name.startsWith(diffName("")) || node.name.startsWith("blob:under ")));

/** What a value is that has no name in the net. */
function kindOf(node: Node): string {
  if (node.dtype === "index") return "positions";
  switch (node.op) {
    case "reduce":
      return node.kind === "sum" ? "sums" : "greatest values";
    case "windowSum":
      return "sums of windows";
    default:
      return "values of its own";
  }
}

const distinct = <T>(items: readonly T[], by: (item: T) => unknown): readonly T[] =>
  items.filter((item, i) => items.findIndex((other) => by(other) === by(item)) === i);

const listOf = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;

/**
 * Whether the first top takes a bottom's memory when every operation is a step of its own, or why not; undefined for
 * a layer without bottoms or tops.
 */
export function inPlaceOrWhyNot(type: LayerType, example: LayerExample): string | undefined {
  if (example.tops.length === 0 || Object.keys(example.bottoms).length === 0) return undefined;
  const net = between(type, example);
  const plan = planGraph({ roots: net.roots }, { realBytes: 4, fuse: false });
  const base = (blob: string): Node => memoryOf(net.values.get(blob)!);
  const top = base(net.tops[0]);
  const bottoms = net.bottoms.filter((bottom) => base(bottom).op !== "input");
  const many = bottoms.length > 1;
  if (bottoms.some((bottom) => base(bottom) === top)) return "a view: the top is the bottom's memory";
  const region = plan.regions.find(({ holds }) => holds.includes(top));
  const over = bottoms.find((bottom) => region?.holds.includes(base(bottom)));
  if (over) return many ? `yes, over \`${over}\`` : "yes";
  const eligible = bottoms.filter((bottom) => net.smooth.has(bottom));
  const candidates = eligible.length > 0 ? eligible : bottoms;
  const reasons = candidates.map((bottom) => refusal(plan, base(bottom), top));
  if (reasons.length === 0) return "no, what it reads are inputs, which keep their values";
  if (reasons.every((reason) => reason === reasons[0])) return `no, ${reasons[0]}`;
  return `no: ${candidates.map((bottom, i) => `\`${bottom}\`, ${reasons[i]}`).join("; ")}`;
}

/** Why no step of the layer writes the top over a bottom. */
function refusal(plan: Plan, bottom: Node, top: Node): string {
  if (bottom.dtype !== top.dtype || sizeOf(bottom.shape) !== sizeOf(top.shape))
    return "the top has another size";
  const decisions = plan.aliases.filter(({ over, value }) => over === bottom && value.origin === top.origin);
  const refused = decisions.flatMap(({ made, reason }) => (made ? [] : [reason]));
  if (refused.some((reason) => / later, in backward$/.test(reason))) return "backward reads the bottom";
  if (refused.some((reason) => reason.includes("at other elements")))
    return "an element of the top needs other elements of the bottom";
  if (refused.some((reason) => / later, in forward$/.test(reason)))
    return "a later step of forward reads the bottom";
  return decisions.length > 0
    ? "backward reads what is made of the bottom in its place"
    : "the top is not computed from the bottom's elements";
}

/** What the compiler made of a layer, and why: facts for people, taken from the graph, the plan and the kernels. */

import { differentiate } from "../../codegen/autodiff/index.js";
import { type Node, nodesOf, sizeOf } from "../../codegen/ir/graph.js";
import { type NameOf, printEquation } from "../../codegen/ir/print-equation.js";
import { type RealType, realBytes } from "../../codegen/ir/real.js";
import { nameNode } from "../../codegen/plan/node-names.js";
import type { Plan, Step } from "../../codegen/plan/plan.js";
import { findUses, type Uses } from "../../codegen/plan/uses.js";
import { quoted } from "../../proto/words/names.js";
import type { LoweredLayer, LoweredNet } from "../layers/lower-net.js";
import type { Decision } from "../layers/needs.js";
import { diffName, type Objective, seedsOf } from "./objective.js";
import type { TracedProgram } from "./programs.js";

export interface LayerExplanation {
  readonly name: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** What names in the equations stand for: "W0 is parameter 0, 20×1×5×5". */
  readonly names: readonly string[];
  /** Its nodes as arithmetic, operands first. */
  readonly forward: readonly string[];
  /** What differentiation added for it, likewise; ∂x is the diff of x. */
  readonly backward: readonly string[];
  readonly needsBackward: boolean;
  /** Why it takes part in backward, or why not: one sentence. */
  readonly why: string;
  /** Values that forward stores and this layer's part of backward reads. */
  readonly keeps: readonly {
    readonly value: string;
    readonly shape: readonly number[];
    readonly bytes: number;
  }[];
  /** Values of this layer that take memory of others, or might have, and why. */
  readonly inPlace: readonly {
    readonly step: number;
    readonly made: boolean;
    readonly reason: string;
  }[];
  readonly kernels: readonly KernelUse[];
}

/** A launch that computes something of a layer. */
export interface KernelUse {
  readonly pass: "prepare" | "forward" | "backward";
  /** Among the launches of its pass. */
  readonly launch: number;
  readonly kernel: number;
  readonly note: string;
  /** Other layers that it computes too. */
  readonly with: readonly string[];
}

/** Everything that is said of layers: for all of them, in the net's order. */
export function explainLayers(
  lowered: LoweredNet,
  objective: Objective,
  traced: TracedProgram,
  dtype: RealType,
): readonly LayerExplanation[] {
  const { plan } = traced;
  const uses = findUses(plan.graph);
  const nodes = byOrigin(nodesOf(traced.graph), ({ origin }) => [origin]);
  const steps = byOrigin(plan.steps, originsOf);
  const aliases = byOrigin(plan.aliases, ({ value }) => [value.origin]);
  const launches = byOrigin(launchesOf(traced), ({ serves }) => serves);
  const made = new Set(plan.steps.slice(plan.firstBackward).flatMap(({ stores }) => stores));
  const decisions = new Map(
    lowered.decisions.flatMap((one) => (one.layer === undefined ? [] : [[one.layer, one]])),
  );
  const cotangents = objective.backward ? cotangentsOf(lowered, objective) : new Map<Node, Node>();
  const inside = new Map(lowered.layers.map((layer) => [layer, forwardNodes(layer)]));
  const forward = new Set([...inside.values()].flatMap((found) => [...found]));
  return lowered.layers.map((layer, index) => {
    const nameOf = namesOf(layer, lowered.params, cotangents);
    const own = inside.get(layer) ?? new Set();
    const added = (nodes.get(layer.origin) ?? []).filter((node) => !forward.has(node) && isWork(node));
    return {
      name: layer.name,
      type: layer.type,
      bottoms: layer.bottoms,
      tops: layer.tops,
      names: layer.params.map(
        ({ index: param, shape, lrMult }, i) =>
          `W${i} is parameter ${param} of the net, [${shape.join("×")}]${lrMult === 0 ? ", which does not learn" : ""}`,
      ),
      forward: [...own]
        .filter(isWork)
        .sort((a, b) => a.id - b.id)
        .map((node) => printEquation(node, nameOf)),
      backward: added.map((node) => printEquation(node, nameOf)),
      needsBackward: layer.needsBackward,
      why: whyBackward(layer, decisions.get(index)),
      keeps: keptFor(steps.get(layer.origin) ?? [], { plan, uses, made, dtype }),
      inPlace: (aliases.get(layer.origin) ?? []).map(({ step, made, reason }) => ({ step, made, reason })),
      kernels: (launches.get(layer.origin) ?? []).map(({ serves, ...use }) => ({
        ...use,
        with: [...serves].filter((other) => other !== layer.origin && other !== ""),
      })),
    };
  });
}

/** Not a source, and not the marker of a blob's name. */
const isWork = ({ op }: Node): boolean =>
  op !== "constant" && op !== "param" && op !== "input" && op !== "blob";

/** The nodes of a layer's forward: from its tops down to its bottoms, without those. */
function forwardNodes({ bottomNodes, topNodes }: LoweredLayer): ReadonlySet<Node> {
  const found = new Set<Node>();
  const below = new Set(bottomNodes);
  const pending = topNodes.flatMap((top) => top.inputs);
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (found.has(node) || below.has(node)) continue;
    found.add(node);
    pending.push(...node.inputs);
  }
  return found;
}

/** The diffs of all that layers read and make, as far as the objective's graph has them. */
function cotangentsOf(lowered: LoweredNet, objective: Objective): ReadonlyMap<Node, Node> {
  return differentiate(lowered.builder, {
    seeds: seedsOf(lowered, objective),
    wanted: [
      ...lowered.wanted.params.map((index) => lowered.params[index].node),
      ...lowered.wanted.inputs.flatMap((blob) => lowered.blobs.get(blob)?.first ?? []),
    ],
  });
}

/** Blobs and parameters by name, what lies between by number; ∂x where a value is the diff of x. */
function namesOf(
  layer: LoweredLayer,
  params: LoweredNet["params"],
  cotangents: ReadonlyMap<Node, Node>,
): NameOf {
  const names = new Map<Node, string>();
  const diffs = new Map<Node, string>();
  const blobs = [...layer.bottomNodes, ...layer.topNodes];
  const versions = new Set(
    blobs.flatMap((node) => (node.op === "blob" ? [`${node.blob}#${node.version}`] : [])),
  );
  const give = (node: Node, name: string): void => {
    names.set(node, name);
    const diff = cotangents.get(node);
    if (diff && !diffs.has(diff)) diffs.set(diff, `∂${name}`);
  };
  for (const node of blobs) {
    if (node.op !== "blob") continue;
    // In place: two values of one name, told apart by their number.
    const twice = [...versions].filter((one) => one.startsWith(`${node.blob}#`)).length > 1;
    const plain = /^\w+$/.test(node.blob) ? node.blob : quoted(node.blob);
    const name = twice ? `${plain}.${node.version}` : plain;
    give(node, name);
    if (layer.topNodes.includes(node) && !names.has(node.inputs[0])) give(node.inputs[0], name);
  }
  for (const [position, { index }] of layer.params.entries()) give(params[index].node, `W${position}`);
  return (node) => names.get(node) ?? diffs.get(node) ?? `%${node.id}`;
}

const named = (layers: readonly string[]): string => layers.map(quoted).join(", ");

/** Caffe's rule for one layer, with the layers that are the cause. */
function whyBackward({ name, params }: LoweredLayer, decision: Decision | undefined): string {
  if (!decision) return "it has no part in the decision";
  const { learning, losses, needsBackward, logged } = decision;
  const learns =
    learning[0] === name && params.some(({ lrMult }) => lrMult !== 0)
      ? "its own parameters learn"
      : `parameters below it learn (${named(learning)})`;
  if (logged) return `${learns}, and above it is a loss (${named(losses)})`;
  if (needsBackward) return "force_backward asks for it";
  if (learning.length === 0) return "no parameter at or below it learns";
  if (losses.length === 0) return `${learns}, but no loss is above it`;
  return `${learns} and above it is a loss (${named(losses)}), but what reads its tops passes nothing down`;
}

const originsOf = (step: Step): ReadonlySet<string> =>
  new Set([step.anchor, ...step.inlined, ...step.stores].map(({ origin }) => origin));

/** Things by the layers that they serve; a thing that serves several is in the list of each. */
function byOrigin<T>(
  things: readonly T[],
  originsOf: (one: T) => Iterable<string>,
): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const one of things)
    for (const origin of originsOf(one)) {
      const known = found.get(origin);
      if (known) known.push(one);
      else found.set(origin, [one]);
    }
  return found;
}

/**
 * What forward leaves in memory for a layer's steps of backward.
 *
 * @param steps the layer's, of all passes
 * @param made what backward makes
 */
function keptFor(
  steps: readonly Step[],
  {
    plan,
    uses,
    made,
    dtype,
  }: {
    readonly plan: Plan;
    readonly uses: Uses;
    readonly made: ReadonlySet<Node>;
    readonly dtype: RealType;
  },
): LayerExplanation["keeps"] {
  const read = new Set(
    steps
      .filter(({ index }) => index >= plan.firstBackward)
      .flatMap(({ reads }) => reads.map((node) => uses.base(node))),
  );
  return [...read]
    .filter((node) => !made.has(node) && node.op !== "param" && node.op !== "constant")
    .filter((node) => node.op !== "input" || !node.name.startsWith(diffName("")))
    .sort((a, b) => a.id - b.id)
    .map((node) => ({
      value: nameNode(node),
      shape: node.shape,
      bytes: sizeOf(node.shape) * (node.dtype === "real" ? realBytes(dtype) : 4),
    }));
}

/** Every launch, with the layers that it serves. */
const launchesOf = ({ plan, program }: TracedProgram) =>
  (["prepare", "forward", "backward"] as const).flatMap((pass) =>
    program[pass].map(({ kernel, steps }, launch) => ({
      pass,
      launch,
      kernel,
      note: program.kernels[kernel].note,
      serves: new Set(steps.flatMap((step) => [...originsOf(plan.steps[step])])),
    })),
  );

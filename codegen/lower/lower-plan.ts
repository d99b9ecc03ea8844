import { InternalError, present } from "../../proto/errors/index.js";
import { NET_PASSES, type Node, sizeOf } from "../ir/graph.js";
import { attributesKey } from "../ir/key.js";
import { isMarker } from "../ir/ops/markers.js";
import type { TargetDescription } from "../ir/target-description.js";
import type { Argument, Copy, Kernel, Launch, Program, Range } from "../kernel/kernel.js";
import { aligned } from "../plan/arena.js";
import type { Plan, Region, Step } from "../plan/plan.js";
import { positionsLieInside } from "./lower-window.js";
import type { GroupSteps, Lowerings, StepGroup } from "./lowering.js";
import { createStepContext, type LoweredKernel, type StepOptions, type Workspace } from "./step.js";
import { createStepMemory, type StepMemory } from "./step-memory.js";

export interface LowerOptions {
  readonly dtype: "float32" | "float64";
  /** What the target is: lowerings read it. */
  readonly description: TargetDescription;
  /** The target's own. */
  readonly lowerings: Lowerings;
  /** Absent: every step has kernels of its own. */
  readonly groupSteps?: GroupSteps;
  /** Of the random bits: any safe integer. */
  readonly seed: number;
}

/** A kernel of a step, its operands by the number of their node in the step's structure. */
interface NumberedKernel {
  readonly kernel: number;
  readonly range?: Range;
  readonly operands: readonly (number | Workspace)[];
  readonly prepares: boolean;
}

/** A launch before all that steps hand on has its place. */
interface PendingLaunch extends Omit<Launch, "args"> {
  readonly args: readonly (Argument | StepMemory)[];
}

/**
 * The kernels of a plan and where each works. Steps of equal structure (operations, shapes, what is fused) share
 * their kernels. The same plan gives the same program.
 */
export function lowerPlan(plan: Plan, options: LowerOptions): Program {
  const realBytes = options.dtype === "float32" ? 4 : 8;
  const kernels: Kernel[] = [];
  const known = new Map<string, readonly NumberedKernel[]>();
  const memory = createStepMemory(aligned(plan.arenaBytes), realBytes);
  const isSteady = steadyNodes(plan);

  const optionsOf = (step: Step): StepOptions => ({
    anchor: step.anchor,
    stores: step.stores,
    reads: new Set(step.reads),
    target: options.description,
    realBytes,
    seed: options.seed,
    isSteady,
  });
  const lowerStep = (step: Step): readonly LoweredKernel[] => {
    const lower = options.lowerings[step.anchor.op];
    if (!lower) throw new InternalError(`step ${step.index} computes ${step.anchor.op}`);
    return lower(createStepContext(optionsOf(step)));
  };
  const lowerNew = (work: Step | StepGroup, nodes: readonly Node[]): readonly NumberedKernel[] => {
    const numbers = new Map(nodes.map((node, number) => [node, number]));
    const lowered = "steps" in work ? [work.lower(work.steps.map(optionsOf))] : lowerStep(work);
    const own = new Map<Kernel, number>();
    const numberOf = (kernel: Kernel): number => {
      const number = own.get(kernel) ?? kernels.push(kernel) - 1;
      own.set(kernel, number);
      return number;
    };
    return lowered.map(({ kernel, range, operands }) => ({
      kernel: numberOf(kernel),
      ...(range && { range }),
      operands: operands.map((operand) =>
        "workspace" in operand ? operand : present(numbers.get(operand), "an operand's number"),
      ),
      prepares: preparesOnly(operands, isSteady),
    }));
  };

  const prepared: PendingLaunch[] = [];
  const launchesOf = (work: Step | StepGroup): readonly PendingLaunch[] => {
    const steps = "steps" in work ? work.steps : [work];
    if (sizeOf(steps[0].anchor.shape) === 0) return [];
    const { key, nodes } = structureOf(steps, isSteady, "steps" in work ? work.unread : undefined);
    const lowered = known.get(key) ?? lowerNew(work, nodes);
    known.set(key, lowered);
    const take = memory.forStep();
    const launches = lowered.map(
      ({ kernel, range, operands, prepares }): PendingLaunch & Pick<NumberedKernel, "prepares"> => ({
        kernel,
        ...(range && { range }),
        args: operands.map((operand) =>
          typeof operand === "number" ? placeOf(plan, nodes[operand], realBytes) : take(operand),
        ),
        steps: steps.map(({ index }) => index),
        prepares,
      }),
    );
    prepared.push(...launches.filter(({ prepares }) => prepares));
    return launches.filter(({ prepares }) => !prepares);
  };

  const of = (pass: Step["pass"]): readonly PendingLaunch[] => {
    const steps = plan.steps.filter((step) => step.pass === pass);
    const placed = (node: Node): Argument => placeOf(plan, node, realBytes);
    const { description, groupSteps } = options;
    const work = groupSteps ? groupSteps(plan, steps, { description, optionsOf, argumentOf: placed }) : steps;
    return work.flatMap(launchesOf);
  };
  const [prepare, forward, backward] = NET_PASSES.map(of);
  const place = (launches: readonly PendingLaunch[]): readonly Launch[] =>
    launches.map(({ kernel, range, args, steps }) => ({
      kernel,
      ...(range && { range }),
      args: args.map(memory.place),
      steps,
    }));
  const copies = plan.copies.map(({ pass, from, param }): Copy => {
    const to: Argument = { storage: "param", param, offset: 0, elements: sizeOf(from.shape) };
    return { pass, from: placeOf(plan, from, realBytes), to };
  });
  return {
    kernels,
    prepare: place([...prepare, ...prepared]),
    forward: place(forward),
    backward: place(backward),
    copies,
    arenaBytes: memory.bytes() || plan.arenaBytes,
  };
}

/** Where a node lies; a view without a place of its own lies where its source does. */
export function placeOf(plan: Plan, node: Node, realBytes: number): Argument {
  const elements = sizeOf(node.shape);
  const place = plan.placements.get(sourceOf(plan, node));
  if (!place) throw new InternalError(`node %${node.id} (${node.op}) is used but lies nowhere in memory`);
  if (place.storage === "param")
    return { storage: "param", param: place.param, offset: place.offset, elements };
  const size = node.dtype === "index" ? 4 : realBytes;
  return {
    storage: "arena",
    dtype: node.dtype,
    byteOffset: place.region.offset + place.offset * size,
    elements,
  };
}

/** The node in whose place another lies: itself, but for a view without a place of its own. */
function sourceOf(plan: Plan, node: Node): Node {
  const [source] = node.inputs;
  const seen = source && !plan.placements.has(node) && (node.op === "reshape" || isMarker(node));
  return seen ? sourceOf(plan, source) : node;
}

/**
 * The structure of steps that become one piece of work, as an exact text, and their nodes in the order that text numbers
 * them. `unread`: what they store in the plan, but not in this program.
 */
function structureOf(
  steps: readonly Step[],
  isSteady: (node: Node) => boolean,
  unread: ReadonlySet<Node> = new Set(),
): { readonly key: string; readonly nodes: readonly Node[] } {
  const numbers = new Map<Node, number>();
  const lines: string[] = [];
  for (const step of steps) {
    const own = new Set([step.anchor, ...step.stores]);
    const reads = new Set(step.reads);
    const seen = new Set<Node>();
    // What one step computes, another one may load: each tells anew how it comes by a node.
    const visit = (node: Node): number => {
      const known = numbers.get(node);
      if (known !== undefined && seen.has(node)) return known;
      seen.add(node);
      const loaded =
        node.op === "input" ||
        node.op === "param" ||
        (node.op !== "constant" && reads.has(node) && !own.has(node));
      const load = isSteady(node) ? "load steady" : "load";
      const what = loaded ? load : `${node.op} ${attributesOf(node)} ${node.inputs.map(visit).join(",")}`;
      const number = known ?? numbers.size;
      numbers.set(node, number);
      lines.push(`${number} ${what} ${node.dtype} ${node.shape.join(",")}`);
      return number;
    };
    const anchor = visit(step.anchor);
    const stores = step.stores.map((store) => `${visit(store)}${unread.has(store) ? " unread" : ""}`);
    lines.push(`${anchor} > ${stores.join(",")}`);
  }
  return { key: lines.join("\n"), nodes: [...numbers.keys()] };
}

/** All that a node's kernel depends on beside its operands. */
function attributesOf(node: Node): string {
  if (isMarker(node)) return "";
  const attributes = attributesKey(node);
  return node.op === "windowScatter" && positionsLieInside(node) ? `${attributes} inside` : attributes;
}

/**
 * What changes only when parameters do, in a plan of inference: parameters, and what is prepared. None in a plan with a backward
 * pass, behind which parameters mostly change: what is made of them then lies in memory that all steps share.
 */
function steadyNodes(plan: Plan): (node: Node) => boolean {
  if (plan.firstBackward < plan.steps.length) return () => false;
  const changed = new Set(plan.copies.map(({ param }) => param));
  const prepared = new Set<Region>();
  for (const { pass, stores } of plan.steps)
    for (const store of stores) {
      const place = plan.placements.get(store);
      if (place?.storage === "param") changed.add(place.param);
      else if (place && pass === "prepare") prepared.add(place.region);
    }
  return (node) => {
    const place = plan.placements.get(sourceOf(plan, node));
    return place?.storage === "param" ? !changed.has(place.param) : !!place && prepared.has(place.region);
  };
}

/** Whether a kernel only makes, of what is steady, what its step keeps. */
const preparesOnly = (operands: LoweredKernel["operands"], isSteady: (node: Node) => boolean): boolean =>
  operands.some((operand) => "workspace" in operand) &&
  operands.every((operand) => ("workspace" in operand ? operand.prepared : isSteady(operand)));

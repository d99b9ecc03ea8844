import { InternalError, present } from "../../proto/errors/index.js";
import { type Node, sizeOf } from "../ir/graph.js";
import { attributesKey } from "../ir/key.js";
import { isMarker } from "../ir/ops/markers.js";
import type { TargetDescription } from "../ir/target-description.js";
import type { Argument, Copy, Kernel, Launch, Program, Range } from "../kernel/kernel.js";
import { aligned } from "../plan/arena.js";
import type { Plan, Step } from "../plan/plan.js";
import { positionsLieInside } from "./lower-window.js";
import type { GroupSteps, Lowerings, StepGroup } from "./lowering.js";
import { createStepContext, type LoweredKernel, type StepOptions, type Workspace } from "./step.js";

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

/**
 * The kernels of a plan and where each works. Steps of equal structure (operations, shapes, what is fused) share
 * their kernels. The same plan gives the same program.
 */
export function lowerPlan(plan: Plan, options: LowerOptions): Program {
  const realBytes = options.dtype === "float32" ? 4 : 8;
  const kernels: Kernel[] = [];
  const known = new Map<
    string,
    readonly {
      readonly kernel: number;
      readonly range?: Range;
      readonly operands: readonly (number | Workspace)[];
    }[]
  >();
  let workspace = 0;

  const optionsOf = (step: Step): StepOptions => ({
    anchor: step.anchor,
    stores: step.stores,
    reads: new Set(step.reads),
    target: options.description,
    realBytes,
    seed: options.seed,
  });
  const lowerStep = (step: Step): readonly LoweredKernel[] => {
    const lower = options.lowerings[step.anchor.op];
    if (!lower) throw new InternalError(`step ${step.index} computes ${step.anchor.op}`);
    return lower(createStepContext(optionsOf(step)));
  };
  const lowerNew = (work: Step | StepGroup, nodes: readonly Node[]) => {
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
      operands: operands.map((operand) => {
        if (!("workspace" in operand)) return present(numbers.get(operand), "an operand's number");
        workspace = Math.max(workspace, operand.workspace + operand.elements);
        return operand;
      }),
    }));
  };

  // The workspace lies behind the plan's own memory: kernels run one after the other, so all steps share it.
  const workspaceOffset = aligned(plan.arenaBytes);
  const argumentFor = (operand: number | Workspace, nodes: readonly Node[]): Argument =>
    typeof operand === "number"
      ? placeOf(plan, nodes[operand], realBytes)
      : {
          storage: "arena",
          dtype: "real",
          byteOffset: workspaceOffset + operand.workspace * realBytes,
          elements: operand.elements,
        };

  const launchesOf = (work: Step | StepGroup): readonly Launch[] => {
    const steps = "steps" in work ? work.steps : [work];
    if (sizeOf(steps[0].anchor.shape) === 0) return [];
    const { key, nodes } = structureOf(steps, "steps" in work ? work.unread : undefined);
    const lowered = known.get(key) ?? lowerNew(work, nodes);
    known.set(key, lowered);
    return lowered.map(({ kernel, range, operands }) => ({
      kernel,
      ...(range && { range }),
      args: operands.map((operand) => argumentFor(operand, nodes)),
      steps: steps.map(({ index }) => index),
    }));
  };

  const of = (pass: Step["pass"]): readonly Launch[] => {
    const steps = plan.steps.filter((step) => step.pass === pass);
    const placed = (node: Node): Argument => placeOf(plan, node, realBytes);
    const { description, groupSteps } = options;
    const work = groupSteps ? groupSteps(plan, steps, { description, optionsOf, argumentOf: placed }) : steps;
    return work.flatMap(launchesOf);
  };
  const prepare = of("prepare");
  const forward = of("forward");
  const backward = of("backward");
  const arenaBytes = workspace > 0 ? workspaceOffset + workspace * realBytes : plan.arenaBytes;
  const copies = plan.copies.map(({ pass, from, param }): Copy => {
    const to: Argument = { storage: "param", param, offset: 0, elements: sizeOf(from.shape) };
    return { pass, from: placeOf(plan, from, realBytes), to };
  });
  return { kernels, prepare, forward, backward, copies, arenaBytes };
}

/** Where a node lies; a view without a place of its own lies where its source does. */
export function placeOf(plan: Plan, node: Node, realBytes: number): Argument {
  const elements = sizeOf(node.shape);
  const place = plan.placements.get(node);
  if (!place) {
    const [source] = node.inputs;
    if (source && (node.op === "reshape" || isMarker(node)))
      return { ...placeOf(plan, source, realBytes), elements };
    throw new InternalError(`node %${node.id} (${node.op}) is used but lies nowhere in memory`);
  }
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

/**
 * The structure of steps that become one piece of work, as an exact text, and their nodes in the order that text numbers
 * them. `unread`: what they store in the plan, but not in this program.
 */
function structureOf(
  steps: readonly Step[],
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
      const what = loaded ? "load" : `${node.op} ${attributesOf(node)} ${node.inputs.map(visit).join(",")}`;
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

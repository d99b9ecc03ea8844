import { InternalError } from "../src/errors/index.js";
import { type Node, type Op, sizeOf } from "../src/ir/graph.js";
import { attributesKey } from "../src/ir/key.js";
import { aligned } from "../src/plan/arena.js";
import type { Plan, Step } from "../src/plan/plan.js";
import type { Argument, Kernel, Launch, Program } from "./kernel.js";
import { lowerConv } from "./lower-conv.js";
import { lowerConvData } from "./lower-conv-data.js";
import { lowerConvFilter } from "./lower-conv-filter.js";
import { lowerElementwise } from "./lower-elementwise.js";
import { lowerMatmul } from "./lower-matmul.js";
import { lowerReduce } from "./lower-reduce.js";
import { lowerScatter } from "./lower-scatter.js";
import { lowerWindow } from "./lower-window.js";
import { createStepContext, type LoweredKernel, type StepContext, type Workspace } from "./step.js";
import type { TargetDescription } from "./target.js";

export interface LowerOptions {
  readonly dtype: "float32" | "float64";
  readonly target: TargetDescription;
  /** Of the random bits: any safe integer. */
  readonly seed: number;
}

type Lowering = (context: StepContext) => readonly LoweredKernel[];

/** How a step becomes loops, by its anchor's operation. What is never computed has none. */
const LOWERINGS: Readonly<Record<Op, Lowering | undefined>> = {
  input: undefined,
  param: undefined,
  constant: lowerElementwise,
  map: lowerElementwise,
  reduce: lowerReduce,
  matmul: lowerMatmul,
  conv: lowerConv,
  convData: lowerConvData,
  convFilter: lowerConvFilter,
  windowMax: lowerWindow,
  windowArgmax: lowerWindow,
  windowScatter: lowerWindow,
  windowPick: lowerElementwise,
  windowSum: lowerWindow,
  windowSpread: lowerWindow,
  gather: lowerElementwise,
  scatter: lowerScatter,
  reshape: lowerElementwise,
  transpose: lowerElementwise,
  slice: lowerElementwise,
  concat: lowerElementwise,
  pad: lowerElementwise,
  random: lowerElementwise,
  blob: lowerElementwise,
  stop: lowerElementwise,
};

/** Where a GPU's teams of threads do better than one thread for each element. */
const GPU_LOWERINGS: Partial<Readonly<Record<Op, Lowering>>> = {};

/**
 * The kernels of a plan and where each works. Steps of equal structure (operations, shapes, what is fused) share
 * their kernels. The same plan gives the same program.
 */
export function lowerPlan(plan: Plan, options: LowerOptions): Program {
  const realBytes = options.dtype === "float32" ? 4 : 8;
  const kernels: Kernel[] = [];
  const known = new Map<
    string,
    readonly { readonly kernel: number; readonly operands: readonly (number | Workspace)[] }[]
  >();
  let workspace = 0;

  const lowerNew = (step: Step, nodes: readonly Node[]) => {
    const { gpu } = options.target;
    const lower = (gpu && GPU_LOWERINGS[step.anchor.op]) ?? LOWERINGS[step.anchor.op];
    if (!lower) throw new InternalError(`step ${step.index} computes ${step.anchor.op}`);
    const numbers = new Map(nodes.map((node, number) => [node, number]));
    const context = createStepContext({
      anchor: step.anchor,
      stores: step.stores,
      reads: new Set(step.reads),
      target: options.target,
      realBytes,
      seed: options.seed,
    });
    return lower(context).map(({ kernel, operands }) => ({
      kernel: kernels.push(kernel) - 1,
      operands: operands.map((operand) => {
        if (!("workspace" in operand)) return numbers.get(operand)!;
        workspace = Math.max(workspace, operand.workspace + operand.elements);
        return operand;
      }),
    }));
  };

  // The workspace lies behind the plan's own memory: kernels run one after the other, so all steps share it.
  const workspaceOffset = aligned(plan.arenaBytes);
  const argumentFor = (operand: number | Workspace, nodes: readonly Node[]): Argument =>
    typeof operand === "number"
      ? argumentOf(plan, nodes[operand], realBytes)
      : {
          storage: "arena",
          dtype: "real",
          byteOffset: workspaceOffset + operand.workspace * realBytes,
          elements: operand.elements,
        };

  const launchesOf = (step: Step): readonly Launch[] => {
    if (sizeOf(step.anchor.shape) === 0) return [];
    const { key, nodes } = structureOf(step);
    const lowered = known.get(key) ?? lowerNew(step, nodes);
    known.set(key, lowered);
    return lowered.map(({ kernel, operands }) => ({
      kernel,
      args: operands.map((operand) => argumentFor(operand, nodes)),
      step: step.index,
    }));
  };

  const of = (pass: Step["pass"]): readonly Launch[] =>
    plan.steps.filter((step) => step.pass === pass).flatMap(launchesOf);
  const forward = of("forward");
  const backward = of("backward");
  const arenaBytes = workspace > 0 ? workspaceOffset + workspace * realBytes : plan.arenaBytes;
  return { kernels, forward, backward, arenaBytes };
}

/** Where a node lies; a view without a place of its own lies where its source does. */
function argumentOf(plan: Plan, node: Node, realBytes: number): Argument {
  const elements = sizeOf(node.shape);
  const place = plan.placements.get(node);
  if (!place) {
    const [source] = node.inputs;
    if (source && (node.op === "reshape" || node.op === "blob" || node.op === "stop"))
      return { ...argumentOf(plan, source, realBytes), elements };
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

/** A step's structure as an exact text, and its nodes in the order that text numbers them. */
function structureOf(step: Step): { readonly key: string; readonly nodes: readonly Node[] } {
  const own = new Set([step.anchor, ...step.stores]);
  const reads = new Set(step.reads);
  const numbers = new Map<Node, number>();
  const lines: string[] = [];
  const visit = (node: Node): number => {
    const known = numbers.get(node)!;
    if (known !== undefined) return known;
    const loaded =
      node.op === "input" ||
      node.op === "param" ||
      (node.op !== "constant" && reads.has(node) && !own.has(node));
    const what = loaded
      ? "load"
      : `${node.op} ${node.op === "blob" || node.op === "stop" ? "" : attributesKey(node)} ${node.inputs
          .map(visit)
          .join(",")}`;
    const number = numbers.size;
    numbers.set(node, number);
    lines.push(`${what} ${node.dtype} ${node.shape.join(",")}`);
    return number;
  };
  const anchor = visit(step.anchor);
  const stores = step.stores.map(visit);
  return { key: `${lines.join("\n")}\n${anchor} > ${stores.join(",")}`, nodes: [...numbers.keys()] };
}

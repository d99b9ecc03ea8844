import { InternalError } from "../../proto/errors/index.js";
import { lowerGpuConv, lowerGpuConvData, lowerGpuConvFilter } from "../contraction/conv-contractions.js";
import { lowerGpuMatmul } from "../contraction/matmul-contraction.js";
import { type Node, type Op, sizeOf } from "../ir/graph.js";
import { attributesKey } from "../ir/key.js";
import type { TargetDescription } from "../ir/target-description.js";
import type { Argument, Copy, Kernel, Launch, Program } from "../kernel/kernel.js";
import { aligned } from "../plan/arena.js";
import type { Plan, Step } from "../plan/plan.js";
import { groupRows, type RowGroup } from "../targets/cuda/row-groups.js";
import { lowerRows } from "../targets/cuda/rows.js";
import { lowerScatterByElement, lowerWindowScatter } from "../targets/cuda/scatter.js";
import { lowerTeamReduce } from "../targets/cuda/team-reduce.js";
import { lowerConv } from "./lower-conv.js";
import { lowerConvData } from "./lower-conv-data.js";
import { lowerConvFilter } from "./lower-conv-filter.js";
import { lowerElementwise } from "./lower-elementwise.js";
import { lowerMatmul } from "./lower-matmul.js";
import { lowerReduce } from "./lower-reduce.js";
import { lowerScatter } from "./lower-scatter.js";
import { lowerWindow, positionsLieInside } from "./lower-window.js";
import {
  createStepContext,
  type LoweredKernel,
  type StepContext,
  type StepOptions,
  type Workspace,
} from "./step.js";

export interface LowerOptions {
  readonly dtype: "float32" | "float64";
  readonly target: TargetDescription;
  /** Of the random bits: any safe integer. */
  readonly seed: number;
  /** Other lowerings than the target's own: for tests and for measuring one against another. */
  readonly lowerings?: Partial<Readonly<Record<Op, Lowering>>>;
  /** Off: on a GPU, too, every step has kernels of its own (fused must equal unfused). Default on. */
  readonly fuseRows?: boolean;
}

export type Lowering = (context: StepContext) => readonly LoweredKernel[];

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
const GPU_LOWERINGS: Partial<Readonly<Record<Op, Lowering>>> = {
  matmul: lowerGpuMatmul,
  conv: lowerGpuConv,
  convData: lowerGpuConvData,
  convFilter: lowerGpuConvFilter,
  reduce: lowerTeamReduce,
  scatter: lowerScatterByElement,
  windowScatter: lowerWindowScatter,
};

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

  const { gpu } = options.target;
  const optionsOf = (step: Step): StepOptions => ({
    anchor: step.anchor,
    stores: step.stores,
    reads: new Set(step.reads),
    target: options.target,
    realBytes,
    seed: options.seed,
  });
  const lowerStep = (step: Step): readonly LoweredKernel[] => {
    const lower =
      options.lowerings?.[step.anchor.op] ??
      (gpu && GPU_LOWERINGS[step.anchor.op]) ??
      LOWERINGS[step.anchor.op];
    if (!lower) throw new InternalError(`step ${step.index} computes ${step.anchor.op}`);
    return lower(createStepContext(optionsOf(step)));
  };
  const lowerNew = (work: Step | RowGroup, nodes: readonly Node[]) => {
    const numbers = new Map(nodes.map((node, number) => [node, number]));
    const lowered =
      "steps" in work
        ? [lowerRows(work.steps.map(optionsOf), work.domain, work.team, work.unread)]
        : lowerStep(work);
    return lowered.map(({ kernel, operands }) => ({
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

  const launchesOf = (work: Step | RowGroup): readonly Launch[] => {
    const steps = "steps" in work ? work.steps : [work];
    if (sizeOf(steps[0].anchor.shape) === 0) return [];
    const { key, nodes } = structureOf(steps, "steps" in work ? work.unread : undefined);
    const lowered = known.get(key) ?? lowerNew(work, nodes);
    known.set(key, lowered);
    return lowered.map(({ kernel, operands }) => ({
      kernel,
      args: operands.map((operand) => argumentFor(operand, nodes)),
      steps: steps.map(({ index }) => index),
    }));
  };

  const of = (pass: Step["pass"]): readonly Launch[] => {
    const steps = plan.steps.filter((step) => step.pass === pass);
    const placed = (node: Node): Argument => argumentOf(plan, node, realBytes);
    return gpu && options.fuseRows !== false
      ? groupRows(plan, steps, { gpu, optionsOf, argumentOf: placed }).flatMap(launchesOf)
      : steps.flatMap(launchesOf);
  };
  const forward = of("forward");
  const backward = of("backward");
  const arenaBytes = workspace > 0 ? workspaceOffset + workspace * realBytes : plan.arenaBytes;
  const copies = plan.copies.map(({ pass, from, param }): Copy => {
    const to: Argument = { storage: "param", param, offset: 0, elements: sizeOf(from.shape) };
    return { pass, from: argumentOf(plan, from, realBytes), to };
  });
  return { kernels, forward, backward, copies, arenaBytes };
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
  if (node.op === "blob" || node.op === "stop") return "";
  const attributes = attributesKey(node);
  return node.op === "windowScatter" && positionsLieInside(node) ? `${attributes} inside` : attributes;
}

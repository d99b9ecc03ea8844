import { present } from "../../proto/errors/index.js";
import { showBytes, showCount, showOperand } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import { type Node, type Root, sizeOf } from "../ir/graph.js";
import { attributesKey } from "../ir/key.js";
import { printScalar } from "../ir/print-graph.js";
import { nameNode } from "./node-names.js";
import type { AliasDecision, NetPass, Placement, Plan, Step } from "./plan.js";
import { freeViewOffset } from "./uses.js";

export interface FormatOptions {
  /** Names of the parameters, by index: "conv1[0]". Default: `param 3`. */
  readonly params?: readonly string[];
  /** With the values of a step's size that it may not write over, and why. Default true. */
  readonly refusals?: boolean;
}

/** How many of the values live at the peak are named. */
const MOST_SHOWN = 8;
/** An expression longer than this is left out. */
const LONGEST_EXPRESSION = 100;

/**
 * A plan for people: totals; then each step with what it computes, where it lies and what that overwrites or may
 * not overwrite; then what is live at the peak. Text of the net stands quoted and escaped.
 */
export function formatPlan(plan: Plan, options: FormatOptions = {}): string {
  const lines = [
    summary(plan),
    "Each step: its loops' operation + how many others computed there, and the layers it serves. A value without",
    "an arrow is never in memory.",
    "",
  ];
  const decisions = new Map<number, AliasDecision[]>();
  for (const decision of plan.aliases) append(decisions, decision.step, decision);
  const roots = new Map<Node, Root[]>();
  for (const root of plan.graph.roots) append(roots, baseOf(root.node), root);

  const backwardSteps = plan.steps.length - plan.firstBackward;
  const forwardSteps = plan.firstBackward - plan.firstForward;
  if (plan.firstForward > 0)
    lines.push(`prepare, when parameters have changed: ${showCount(plan.firstForward, "step")}`);
  else lines.push(`forward: ${showCount(forwardSteps, "step")}`);
  for (const step of plan.steps) {
    if (step.index === plan.firstForward && plan.firstForward > 0)
      lines.push(`forward: ${showCount(forwardSteps, "step")}`);
    if (step.index === plan.firstBackward)
      lines.push(...formatCopies(plan, "forward", options), `backward: ${showCount(backwardSteps, "step")}`);
    lines.push(...formatStep(plan, step, decisions.get(step.index) ?? [], roots, options));
  }
  lines.push(...formatCopies(plan, backwardSteps === 0 ? undefined : "backward", options));
  lines.push("", ...formatPeak(plan));
  return lines.join("\n");
}

/** The totals of a plan: steps, memory against memory without sharing, and what sets the peak. */
export function summary(plan: Plan): string {
  const { steps, firstForward, firstBackward, arenaBytes, unsharedBytes, peak } = plan;
  const share = unsharedBytes === 0 ? 0 : (100 * arenaBytes) / unsharedBytes;
  const made = plan.aliases.filter((decision) => decision.made).length;
  const fused = steps.reduce((sum, step) => sum + computedNodes(step) - 1, 0);
  return [
    `${firstForward > 0 ? `${showCount(firstForward, "step")} to prepare, ` : ""}${showCount(firstBackward - firstForward, "forward step")}, ${showCount(steps.length - firstBackward, "backward step")}; ${showCount(fused, "node")} fused into others, ${showCount(made, "value")} written in place`,
    `memory: ${showBytes(arenaBytes)}; without sharing ${showBytes(unsharedBytes)} (${share.toFixed(1)}%); live at once ${showBytes(peak.bytes)} (arena is ${ratio(arenaBytes, peak.bytes)} of that)`,
    ...(peak.live.length > 0
      ? [
          `peak: ${peak.step < 0 ? "before the first step" : `at step ${peak.step}, in ${steps[peak.step].pass}`}; largest then: ${nameNode(peak.live[0])} ${showOperand(peak.live[0].shape)}`,
        ]
      : []),
  ].join("\n");
}

/** Nodes that are work (not constants or views) and that a step computes. */
const computedNodes = (step: Step): number =>
  new Set([
    step.anchor,
    ...step.stores,
    ...[...step.inlined].filter((x) => x.op === "map" || x.op === "random"),
  ]).size;

/** The node whose memory a node is. */
function baseOf(node: Node): Node {
  let base = node;
  while (freeViewOffset(base) !== undefined) base = base.inputs[0];
  return base;
}

const append = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
};

const ratio = (a: number, b: number): string => `${(b === 0 ? 1 : a / b).toFixed(3)}×`;

function formatStep(
  plan: Plan,
  step: Step,
  decisions: readonly AliasDecision[],
  roots: ReadonlyMap<Node, readonly Root[]>,
  options: FormatOptions,
): readonly string[] {
  const { refusals = true } = options;
  const computed = topological(step);
  const origins = [...new Set(computed.map((node) => node.origin))].filter(Boolean).map(quoted);
  const maps = computedNodes(step) - 1;
  const lines = [
    `${String(step.index).padStart(4)}  ${step.anchor.op}${maps > 0 ? ` + ${maps}` : ""}  ${origins.join(" ")}`.trimEnd(),
    `        reads ${step.reads.map((read) => nameRead(read, options)).join(", ") || "nothing"}`,
  ];
  for (const node of computed) {
    const stored = step.stores.includes(node);
    if (node.op === "constant" && !stored) continue;
    const place = stored
      ? ` → ${formatPlace(plan.placements.get(node), options)}${rootsOf(node, roots)}`
      : "";
    lines.push(`        %${node.id} = ${definition(node)} ${showOperand(node.shape)}${place}`);
  }
  const sameSize = decisions.filter(
    ({ value, over }) => value.dtype === over.dtype && sizeOf(value.shape) === sizeOf(over.shape),
  );
  // Two values of a step may have one reason.
  const reasons = sameSize
    .filter(({ made }) => made || refusals)
    .map(({ made, reason }) => (made ? `in place: ${reason}` : reason));
  for (const reason of new Set(reasons)) lines.push(`        ${reason}`);
  return lines;
}

/** An operand that a step loads: its parameter, or its number and that of the value it is a view of. */
function nameRead(read: Node, options: FormatOptions): string {
  const base = baseOf(read);
  const name = base.op === "param" ? paramName(base.index, options) : `%${base.id}`;
  return base === read
    ? base.op === "param"
      ? `%${read.id} = ${name}`
      : name
    : `%${read.id} = ${name} as ${showOperand(read.shape)}`;
}

/** What a step computes, operands first. */
const topological = (step: Step): readonly Node[] =>
  [...new Set([step.anchor, ...step.inlined, ...step.stores])].sort((a, b) => a.id - b.id);

function definition(node: Node): string {
  const operands = node.inputs.map((x) => `%${x.id}`).join(", ");
  if (node.op === "map") {
    const text = printScalar(node.expr, node.inputs);
    return text.length > LONGEST_EXPRESSION ? `map of ${operands}` : text;
  }
  // A blob's attributes hold its name, and a name stands nowhere unescaped.
  const attributes = node.op === "blob" || node.op === "input" ? "" : attributesKey(node);
  return [node.op, attributes, operands].filter(Boolean).join(" ");
}

const paramName = (index: number, { params = [] }: FormatOptions): string =>
  params[index] === undefined ? `param ${index}` : quoted(params[index]);

function formatPlace(placement: Placement | undefined, options: FormatOptions): string {
  if (!placement) return "nowhere";
  if (placement.storage === "param") return `memory of ${paramName(placement.param, options)}`;
  const { region } = placement;
  return `region ${region.id} at ${region.offset}, ${showBytes(region.bytes)}, needed to ${region.last}`;
}

function rootsOf(node: Node, roots: ReadonlyMap<Node, readonly Root[]>): string {
  const found = (roots.get(node) ?? []).map((root) => {
    switch (root.role) {
      case "value":
      case "diff":
        return `${root.role} ${quoted(root.blob)}`;
      case "update":
      case "gradient":
        return `${root.role} of param ${root.param}`;
      case "prepared":
        return "kept while parameters stay";
      default:
        return root satisfies never;
    }
  });
  return found.length > 0 ? `; ${found.join(", ")}` : "";
}

/** Copies due at the end of a pass, or of either. */
const formatCopies = (plan: Plan, pass: NetPass | undefined, options: FormatOptions): readonly string[] =>
  plan.copies
    .filter((copy) => pass === undefined || copy.pass === pass)
    .map(({ from, param }) => `      then copies ${nameNode(from)} to ${paramName(param, options)}`);

function formatPeak(plan: Plan): readonly string[] {
  const { peak, regions } = plan;
  const region = (node: Node): number =>
    present(
      regions.find(({ holds }) => holds.includes(node)),
      "the region of a value",
    ).bytes;
  const shown = peak.live.slice(0, MOST_SHOWN);
  const rest = peak.live.length - shown.length;
  return [
    `live at the peak, step ${peak.step}: ${showBytes(peak.bytes)}`,
    ...shown.map(
      (node) =>
        `      ${showBytes(region(node)).padStart(10)}  ${nameNode(node)} ${showOperand(node.shape)}${sizeOf(node.shape) === 0 ? " (empty)" : ""}`,
    ),
    ...(rest > 0 ? [`      … and ${rest} more`] : []),
  ];
}

import { InternalError } from "../../../proto/errors/index.js";
import { type Node, sizeOf } from "../../ir/graph.js";
import type { GpuDescription } from "../../ir/target-description.js";
import { keyOf, unflatten } from "../../kernel/indices.js";
import type { Argument, Index } from "../../kernel/kernel.js";
import { visitLoads } from "../../kernel/visit-forms.js";
import type { GroupOptions, GroupSteps, StepGroup } from "../../lower/lowering.js";
import { openDrafts } from "../../lower/step.js";
import type { Plan, Step } from "../../plan/plan.js";
import {
  fitsTeam,
  numberOfRow,
  positionInTensor,
  type RowDomain,
  type RowTeam,
  rowDomain,
  sameRows,
  teamOf,
} from "./row-domain.js";
import { baseOf, isHeld, isPerRow, lowerRows } from "./rows.js";

/** Steps that become one kernel, row by row: a softmax, a normalisation by mean and variance, their derivatives. */
interface RowGroup extends StepGroup {
  readonly domain: RowDomain;
  readonly team: RowTeam;
}

type RowGroupOptions = Omit<GroupOptions, "description"> & { readonly gpu: GpuDescription };

/**
 * The steps of one pass, those taken together that can be: consecutive reductions of the same rows and maps of those
 * rows' elements or of their results, where a row is short enough for one team. In such a kernel rows run in any
 * order and a step is not through with all rows when the next begins, so the steps may meet in memory only at the
 * same element of the same row.
 */
export const groupRows: GroupSteps = (plan, steps, { description, ...options }) => {
  const { gpu } = description;
  if (!gpu) throw new InternalError("rows are grouped for teams of a GPU's threads");
  const result: (Step | RowGroup)[] = [];
  for (let at = 0; at < steps.length; ) {
    const group = longestFrom(plan, steps, at, { ...options, gpu });
    result.push(group ?? steps[at]);
    at += group?.steps.length ?? 1;
  }
  return result;
};

const canRun = ({ anchor }: Step): boolean =>
  (anchor.op === "reduce" || anchor.op === "map") && sizeOf(anchor.shape) > 0;

function longestFrom(
  plan: Plan,
  steps: readonly Step[],
  from: number,
  options: RowGroupOptions,
): RowGroup | undefined {
  // Maps may come first: what they are maps of is known at the first reduction.
  let first = from;
  while (first < steps.length && canRun(steps[first]) && steps[first].anchor.op === "map") first++;
  const { anchor } = steps[first] ?? {};
  if (anchor?.op !== "reduce" || !canRun(steps[first])) return undefined;
  const domain = rowDomain(anchor.inputs[0].shape, anchor.axes);
  const team = teamOf(domain, options.gpu);
  if (domain.length === 1 || !fitsTeam(domain, team)) return undefined;

  const taken: Step[] = [];
  const accesses: Access[] = [];
  const produced = new Set<Node>();
  for (let at = from; at < steps.length; at++) {
    const step = steps[at];
    if (!canRun(step) || !fitsDomain(step.anchor, domain)) break;
    const own = accessesOf(step, domain, options);
    for (const store of step.stores) produced.add(baseOf(store));
    const all = [...accesses, ...own];
    const fine = own.every((access) => all.every((other) => mayMeet(access, other, produced, team)));
    if (!fine) break;
    accesses.push(...own);
    taken.push(step);
  }
  // Maps alone are better off with a thread for each element.
  if (taken.length < 2 || !taken.some((step) => step.anchor.op === "reduce")) return undefined;
  const unread = unreadOf(plan, taken, domain, team);
  return { steps: taken, domain, team, unread, lower: (own) => lowerRows(own, domain, team, unread) };
}

/** Whether a step works on these rows: it reduces them, or has one element for each of theirs, or one for each row. */
function fitsDomain(anchor: Node, domain: RowDomain): boolean {
  if (anchor.op === "reduce") return sameRows(rowDomain(anchor.inputs[0].shape, anchor.axes), domain);
  const size = sizeOf(anchor.shape);
  return size === domain.rows * domain.length || size === domain.rows;
}

/** What a step does to memory: at the element it works on, at the row's own element, or wherever. */
interface Access {
  readonly node: Node;
  readonly store: boolean;
  readonly where: "element" | "row" | "anywhere";
  readonly argument: Argument;
}

/** Written once with a variable for each number that counts, a step shows where it reads. */
function accessesOf(
  step: Step,
  domain: RowDomain,
  { optionsOf, argumentOf }: RowGroupOptions,
): readonly Access[] {
  const { anchor, stores } = step;
  const [draft] = openDrafts([optionsOf(step)]);
  const { writer, evaluate } = draft;
  writer.parallel(1);
  const free = (reduced: boolean): readonly Index[] =>
    domain.groups.filter((group) => group.reduced === reduced).map(({ extent }) => writer.free(extent));
  const row = free(false);
  const inside = writer.free(domain.length);
  const element = positionInTensor(domain, row, inside);
  const number = numberOfRow(domain, row);
  const perRow = isPerRow(anchor, domain);
  const coordinates = unflatten(perRow ? number : element, anchor.shape);
  if (anchor.op === "reduce") {
    const [x] = anchor.inputs;
    const value = writer.real(evaluate.valueAt(x, unflatten(element, x.shape)));
    draft.storeAt(
      coordinates,
      anchor.dtype === "index"
        ? { type: "index", value: { kind: "truncate", value } }
        : { type: "real", value },
    );
  } else draft.storeAt(coordinates, evaluate.computeAt(anchor, coordinates));
  const { kernel, operands } = draft.close(0);
  const [atElement, atRow] = [keyOf(element), keyOf(number)];
  const accesses: Access[] = stores.map((node) => ({
    node,
    store: true,
    where: perRow ? "row" : "element",
    argument: argumentOf(node),
  }));
  visitLoads(kernel.body, (buffer, at) => {
    const node = operands[buffer];
    if (!node || "workspace" in node) return;
    const key = keyOf(at);
    const where = key === atElement ? "element" : key === atRow ? "row" : "anywhere";
    accesses.push({ node, store: false, where, argument: argumentOf(node) });
  });
  return accesses;
}

function mayMeet(a: Access, b: Access, produced: ReadonlySet<Node>, team: RowTeam): boolean {
  if (!(a.store || b.store) || !overlap(a.argument, b.argument)) return true;
  if (a.where !== b.where || a.where === "anywhere" || !sameStart(a.argument, b.argument)) return false;
  if (a.where === "element" || team.lanes === 1 || a.store === b.store) return true;
  // One thread stores what is the row's own, all of them load it: unless they know it without loading.
  return produced.has(baseOf(a.store ? b.node : a.node));
}

function overlap(a: Argument, b: Argument): boolean {
  const [left, right] = [stretch(a), stretch(b)];
  return left.space === right.space && left.from < right.to && right.from < left.to;
}
const sameStart = (a: Argument, b: Argument): boolean => stretch(a).from === stretch(b).from;

/** In units of 4 bytes: on a GPU every element has as many. */
function stretch(argument: Argument): { readonly space: number; readonly from: number; readonly to: number } {
  const [space, from] =
    argument.storage === "param" ? [argument.param, argument.offset] : [-1, argument.byteOffset / 4];
  return { space, from, to: from + argument.elements };
}

function unreadOf(plan: Plan, taken: readonly Step[], domain: RowDomain, team: RowTeam): ReadonlySet<Node> {
  const own = new Set(taken);
  const wanted = new Set([
    ...plan.graph.roots.map((root) => baseOf(root.node)),
    ...plan.copies.map((copy) => baseOf(copy.from)),
    ...plan.steps.filter((step) => !own.has(step)).flatMap((step) => step.reads.map(baseOf)),
  ]);
  const handedOn = (step: Step, store: Node): boolean =>
    isPerRow(step.anchor, domain) || isHeld(store, domain, team);
  return new Set(
    taken
      .slice(0, -1)
      .flatMap((step) => step.stores.filter((store) => !wanted.has(baseOf(store)) && handedOn(step, store))),
  );
}

import { present } from "../../../proto/errors/index.js";
import { type Node, sizeOf } from "../../ir/graph.js";
import { operationCount } from "../../ir/scalar.js";
import { add, compare, int, mul, unflatten, variable, ZERO } from "../../kernel/indices.js";
import type { Condition, Index, Memory, Typed } from "../../kernel/kernel.js";
import { type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import {
  describe,
  type KernelDraft,
  type LoweredKernel,
  openDrafts,
  type StepOptions,
} from "../../lower/step.js";
import { asValue } from "../../lower/typed.js";
import { freeViewOffset } from "../../plan/uses.js";
import { positionInTensor, type RowDomain, type RowTeam } from "./row-domain.js";
import { bringTogether, openRow, partialOf } from "./row-team.js";

/** The node in whose memory a value lies, views seen through. */
export function baseOf(node: Node): Node {
  let base = node;
  while (freeViewOffset(base) !== undefined) base = base.inputs[0];
  return base;
}

/** Whether a step of a row kernel gives one element for each row: a reduction, or a map of what reductions gave. */
export const isPerRow = (anchor: Node, domain: RowDomain): boolean =>
  anchor.op === "reduce" || sizeOf(anchor.shape) !== domain.rows * domain.length;

/** A thread with at most so many elements of its row keeps what a step computes of them in registers for the next. */
const MOST_HELD = 8;
export const elementsPerThread = (domain: RowDomain, team: RowTeam): number =>
  Math.ceil(domain.length / team.lanes);
export const isHeld = (node: Node, domain: RowDomain, team: RowTeam): boolean =>
  node.dtype === "real" && elementsPerThread(domain, team) <= MOST_HELD;

/**
 * One kernel of one or more steps that work row by row: a team of threads takes a row through all of them. What a
 * step gives for the row, all its threads know; what it gives for an element, the thread that has the element.
 * The values of `unread` are wanted by these steps only and are not stored.
 */
export function lowerRows(
  steps: readonly StepOptions[],
  domain: RowDomain,
  team: RowTeam,
  unread: ReadonlySet<Node> = new Set(),
): LoweredKernel {
  const rowValues = new Map<Node, Typed>();
  const held = new Map<Node, Memory>();
  let slot: Index = ZERO;
  const known = (node: Node): Typed | undefined => {
    if (rowValues.size + held.size === 0) return undefined;
    const base = baseOf(node);
    const memory = held.get(base);
    return memory === undefined ? rowValues.get(base) : { type: "real", value: load(memory, slot) };
  };
  const drafts = openDrafts(steps, known);
  const { writer } = drafts[0];
  const row = openRow(writer, domain, team);

  /** The elements of the row that are this thread's, in order. */
  const overElements = (body: (element: Index) => void): void =>
    writer.when(row.exists, () => {
      const count = elementsPerThread(domain, team);
      if (count > MOST_HELD) writer.loop(row.place.lane, domain.length, body, team.lanes);
      else
        writer.unrolled(count, (i) => {
          const element = add(mul(i, team.lanes), row.place.lane);
          slot = i;
          writer.when(compare("lt", element, int(domain.length)), () =>
            body(boundedBy(writer, element, domain.length)),
          );
        });
    });

  /** Ends a step that gives one element for the row. */
  const endRow = (
    draft: KernelDraft,
    { anchor, stores }: StepOptions,
    value: () => Typed,
    last: boolean,
  ): void => {
    const coordinates = unflatten(row.number, anchor.shape);
    const put = (values: readonly Typed[]): void => draft.putAt(coordinates, values, unread);
    const leads = compare("eq", row.place.lane, ZERO);
    if (last) {
      writer.when(row.exists, () => writer.when(leads, () => put(draft.valuesAt(coordinates, value()))));
      return;
    }
    const results = stores.map((store) => declareFor(writer, store, row.exists));
    writer.when(row.exists, () => {
      const values = draft.valuesAt(coordinates, value()).map((typed, i) => results[i].settle(typed));
      if (stores.some((store) => !unread.has(store))) writer.when(leads, () => put(values));
    });
    stores.forEach((store, i) => {
      rowValues.set(baseOf(store), results[i].value());
    });
  };

  steps.forEach((step, number) => {
    const { anchor, stores } = step;
    const draft = drafts[number];
    const last = number === steps.length - 1;
    if (anchor.op === "reduce") {
      const [x] = anchor.inputs;
      const mine = partialOf(writer, anchor.kind, overElements, (element) =>
        draft.evaluate.valueAt(x, unflatten(positionInTensor(domain, row.at, element), x.shape)),
      );
      const result = bringTogether(writer, row, anchor.kind, mine);
      endRow(draft, step, () => result, last);
    } else if (isPerRow(anchor, domain))
      endRow(draft, step, () => draft.evaluate.computeAt(anchor, unflatten(row.number, anchor.shape)), last);
    else {
      const keep = last ? [] : stores.filter((store) => isHeld(store, domain, team));
      const memories = new Map(
        keep.map((store) => [store, writer.scratch("accumulator", elementsPerThread(domain, team))]),
      );
      overElements((element) => {
        const coordinates = unflatten(positionInTensor(domain, row.at, element), anchor.shape);
        const values = draft
          .valuesAt(coordinates, draft.evaluate.computeAt(anchor, coordinates))
          .map(
            (typed): Typed =>
              keep.length > 0 && typed.type === "real"
                ? { type: "real", value: writer.real(typed.value) }
                : typed,
          );
        stores.forEach((store, i) => {
          const memory = memories.get(store);
          if (memory !== undefined) writer.store(memory, slot, asValue(values[i]));
        });
        draft.putAt(coordinates, values, unread);
      });
      for (const [store, memory] of memories) held.set(baseOf(store), memory);
    }
  });

  const flops = steps.reduce(
    (sum, { anchor, stores }) =>
      sum + workOf(anchor, domain) + stores.reduce((own, x) => own + mapWork(x), 0),
    0,
  );
  const note = steps.map(({ anchor, stores }) => describe(anchor, stores)).join("; then ");
  return drafts[0].close(flops, note);
}

const workOf = (anchor: Node, domain: RowDomain): number =>
  anchor.op === "reduce" ? domain.rows * domain.length : 0;
const mapWork = (node: Node): number =>
  node.op === "map" ? sizeOf(node.shape) * operationCount(node.expr) : 0;

/** A number that is known, where it stands, to be below `end`. */
function boundedBy(writer: KernelWriter, number: Index, end: number): Index {
  const local = writer.integer(number, 0, end - 1);
  return local.kind === "var"
    ? variable(local.variable, local.least, Math.min(local.greatest, end - 1))
    : local;
}

/** A local for a value that is computed in a block of its own, where there is a row, and read after it. */
function declareFor(
  writer: KernelWriter,
  store: Node,
  exists: Condition | boolean,
): { readonly settle: (typed: Typed) => Typed; readonly value: () => Typed } {
  const settledIn = (typed: Typed): Typed =>
    typed.type === "real"
      ? { type: "real", value: writer.real(typed.value) }
      : { type: "index", value: writer.integer(typed.value) };
  if (exists === true) {
    let settledValue: Typed | undefined;
    return {
      settle: (typed) => {
        settledValue = settledIn(typed);
        return settledValue;
      },
      value: () => present(settledValue, "the row's value"),
    };
  }
  if (store.dtype === "index") {
    const local = writer.counter(ZERO);
    return {
      settle: (typed) => {
        if (typed.type === "index") writer.assignIndex(local, typed.value);
        return { type: "index", value: local };
      },
      value: () => ({ type: "index", value: local }),
    };
  }
  const local = writer.variable(ZERO_VALUE);
  return {
    settle: (typed) => {
      writer.assign(local, asValue(typed));
      return { type: "real", value: local };
    },
    value: () => ({ type: "real", value: local }),
  };
}

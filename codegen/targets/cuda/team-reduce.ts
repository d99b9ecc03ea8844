import { InternalError } from "../../../proto/errors/index.js";
import type { NodeOf } from "../../ir/graph.js";
import type { GpuDescription } from "../../ir/target-description.js";
import { add, compare, int, min, mul, unflatten, ZERO } from "../../kernel/indices.js";
import { load } from "../../kernel/writer.js";
import { lowerReduce } from "../../lower/lower-reduce.js";
import { describe, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { asValue } from "../../lower/typed.js";
import { MOST_POSITIONS } from "./combine.js";
import { fitsTeam, positionInTensor, type RowDomain, type RowTeam, rowDomain, teamOf } from "./row-domain.js";
import { bringTogether, openRow, partialOf } from "./row-team.js";
import { lowerRows } from "./rows.js";

/**
 * Sum, greatest or first position of the greatest over axes, on a GPU: a thread for each result where there are many
 * and neighbours lie side by side; a team of threads where there are few; and several teams for each result, whose
 * parts a second kernel brings together in order, where there are very few with very many elements.
 */
export function lowerTeamReduce(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target, options } = context;
  const { gpu } = target;
  if (anchor.op !== "reduce" || !gpu) throw new InternalError(`lowerTeamReduce of ${anchor.op}`);
  const domain = rowDomain(anchor.inputs[0].shape, anchor.axes);
  const team = teamOf(domain, gpu);
  // A position has to be exact as a float to be exchanged.
  if (team.lanes === 1 || (anchor.kind === "argmax" && domain.length > MOST_POSITIONS))
    return lowerReduce(context);
  const parts = partsOf(domain, team, gpu);
  return anchor.kind === "argmax" || parts === 1
    ? [lowerRows([options], domain, team)]
    : inParts(context, anchor, domain, team, parts, gpu);
}

/** No thread has fewer elements of its part: below, the second kernel costs more than it gains. */
const LEAST_ROUNDS = 8;

/** How many teams share a row: as many as it takes to give every multiprocessor a few blocks. */
function partsOf(domain: RowDomain, team: RowTeam, gpu: GpuDescription): number {
  if (fitsTeam(domain, team)) return 1;
  const { rows, length } = domain;
  const wanted = Math.ceil((4 * gpu.multiprocessors) / Math.ceil(rows / team.rowsPerBlock));
  const parts = Math.max(1, Math.min(wanted, Math.floor(length / (team.lanes * LEAST_ROUNDS))));
  return Math.ceil(length / Math.ceil(length / parts));
}

/** A kernel that leaves each part's result in the workspace, and one that reduces those. */
function inParts(
  context: StepContext,
  { kind, inputs: [x] }: NodeOf<"reduce">,
  domain: RowDomain,
  team: RowTeam,
  parts: number,
  gpu: GpuDescription,
): readonly LoweredKernel[] {
  const { rows, length } = domain;
  const note = describe(context.anchor, context.stores);
  const each = Math.ceil(length / parts);

  const first = context.open();
  const { writer } = first;
  const row = openRow(writer, domain, team, parts);
  const results = first.workspace(0, rows * parts);
  const start = writer.integer(mul(row.part, each));
  const end = writer.integer(min(add(start, int(each)), int(length)), 0, length);
  const mine = partialOf(
    writer,
    kind,
    (body) => writer.when(row.exists, () => writer.loop(add(start, row.place.lane), end, body, team.lanes)),
    (element) => first.evaluate.valueAt(x, unflatten(positionInTensor(domain, row.at, element), x.shape)),
  );
  const part = bringTogether(writer, row, kind, mine);
  writer.when(row.exists, () =>
    writer.when(compare("eq", row.place.lane, ZERO), () =>
      writer.store(results, add(mul(row.number, parts), row.part), asValue(part)),
    ),
  );

  const second = context.open();
  const joined: RowDomain = {
    groups: [
      { extent: rows, reduced: false },
      { extent: parts, reduced: true },
    ],
    rows,
    length: parts,
  };
  const joiners = teamOf(joined, gpu);
  const own = openRow(second.writer, joined, joiners);
  const found = second.workspace(0, rows * parts);
  const all = partialOf(
    second.writer,
    kind,
    (body) =>
      second.writer.when(own.exists, () => second.writer.loop(own.place.lane, parts, body, joiners.lanes)),
    (element) => load(found, add(mul(own.number, parts), element)),
  );
  const result = bringTogether(second.writer, own, kind, all);
  second.writer.when(own.exists, () =>
    second.writer.when(compare("eq", own.place.lane, ZERO), () =>
      second.storeAt(unflatten(own.number, context.anchor.shape), result),
    ),
  );
  return [
    first.close(rows * length, `${note}, in ${parts} parts`),
    second.close(rows * parts, `${note}, of ${parts} parts`),
  ];
}

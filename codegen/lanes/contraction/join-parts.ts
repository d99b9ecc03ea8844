import { sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { load, plus } from "../../kernel/writer.js";
import { describe, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { lanesFor, widestVector } from "../lane-nest.js";

/** Vectors that an iteration joins at least. */
const FEWEST_VECTORS = 4;

/** Adds parts of the anchor's sums, each as large as it, one after the other in the workspace from `offset` on, in order. */
export function joinParts(context: StepContext, parts: number, offset: number): LoweredKernel {
  const { anchor, stores, target } = context;
  const elements = sizeOf(anchor.shape);
  const draft = context.open();
  const { writer } = draft;
  const lanes = lanesFor(elements, widestVector(context));
  const vectors = Math.ceil(elements / lanes);
  const each = Math.max(FEWEST_VECTORS, Math.ceil(vectors / target.parallelIterations));
  const iterations = Math.ceil(vectors / each);
  const iteration = writer.parallel(iterations);
  const lane = writer.team(lanes);
  const memory = draft.workspace(offset, parts * elements);
  const join = (at: Index): void => {
    const sum = writer.variable(load(memory, at));
    writer.loop(1, parts, (part) =>
      writer.assign(sum, plus(sum, load(memory, add(at, mul(part, elements))))),
    );
    draft.storeAt(unflatten(at, anchor.shape), { type: "real", value: sum });
  };
  const whole = Math.floor(elements / lanes);
  const from = mul(iteration, each);
  writer.loop(from, writer.integer(min(addInt(from, each), int(whole))), (vector) =>
    join(add(mul(vector, lanes), lane)),
  );
  if (whole < vectors)
    writer.when(compare("eq", iteration, int(iterations - 1)), () =>
      writer.when(compare("lt", lane, int(elements - whole * lanes)), () =>
        join(addInt(lane, whole * lanes)),
      ),
    );
  return draft.close((parts - 1) * elements, `${describe(anchor, stores)}, sum of ${parts} parts`);
}

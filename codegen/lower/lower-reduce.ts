import { InternalError } from "../../proto/errors/index.js";
import { type NodeOf, sizeOf } from "../ir/graph.js";
import { ZERO } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import { constant, plus, ZERO_VALUE } from "../kernel/writer.js";
import { type AxisGroup, joinAxes, loopOver, parallelOver } from "./nest.js";
import type { LoweredKernel, StepContext } from "./step.js";

/** Sum, greatest or first position of the greatest over axes: parallel over what stays, in order over the rest. */
export function lowerReduce(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if (anchor.op !== "reduce") throw new InternalError(`lowerReduce of ${anchor.op}`);
  const [x] = anchor.inputs;
  const { shape } = x;
  const { groups, isReduced } = reduceGroups(context, anchor);

  const draft = context.open();
  const { writer, evaluate } = draft;
  const kept = groups.filter((group) => !isReduced(group));
  parallelOver(writer, target.parallelIterations, kept, shape.length, (outer) => {
    const over = (body: (coordinates: readonly Index[]) => void): void =>
      loopOver(writer, groups.filter(isReduced), outer, body);
    switch (anchor.kind) {
      case "sum": {
        const sum = writer.variable(ZERO_VALUE);
        over((coordinates) => writer.assign(sum, plus(sum, evaluate.valueAt(x, coordinates))));
        draft.storeAt(outer, { type: "real", value: sum });
        break;
      }
      case "max":
      case "argmax": {
        const best = writer.variable(constant(-Infinity));
        const position = anchor.kind === "argmax" ? writer.counter(ZERO) : undefined;
        over((coordinates) => {
          const value = writer.real(evaluate.valueAt(x, coordinates));
          writer.when({ kind: "compareValue", cmp: "gt", a: value, b: best }, () => {
            writer.assign(best, value);
            if (position) writer.assignIndex(position, coordinates[anchor.axes[0]]);
          });
        });
        draft.storeAt(outer, position ? { type: "index", value: position } : { type: "real", value: best });
        break;
      }
      default:
        anchor.kind satisfies never;
    }
  });
  return [draft.close(sizeOf(shape))];
}

/** The axes of what is reduced, joined where memory allows it: those that stay, and those that do not. */
export function reduceGroups(context: StepContext, { axes, inputs: [x] }: NodeOf<"reduce">) {
  const reduced = (axis: number): boolean => axes.includes(axis);
  // The argmax's position is its coordinate along one axis: nothing may be joined with that one.
  const groups = joinAxes(
    context,
    x.shape,
    (a, b) => reduced(a) === reduced(b),
    (trial, all) =>
      trial.storeAt(
        all.map((v, axis) => (reduced(axis) ? ZERO : v)),
        { type: "real", value: trial.evaluate.valueAt(x, all) },
      ),
  );
  return { groups, isReduced: (group: AxisGroup): boolean => reduced(group.axes[0]) };
}

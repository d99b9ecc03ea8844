import { InternalError } from "../../../proto/errors/index.js";
import type { Contraction } from "../../contraction/contraction.js";
import { contractionOf, productLowerings } from "../../contraction/contraction-of.js";
import { lowerDirect } from "../../contraction/direct.js";
import { lowerJoin } from "../../contraction/split-sum.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { chooseSchedule, type Schedule } from "./schedule-cost.js";
import { lowerTeam } from "./team-sum.js";
import { lowerTiled } from "./tiled.js";

/** The products of matrices and the three convolutions. */
export const contractionLowerings = productLowerings((context) =>
  lowerContraction(context, contractionOf(context)),
);

/** A contraction by the schedule that the cost model finds fastest. */
function lowerContraction(context: StepContext, contraction: Contraction): readonly LoweredKernel[] {
  const { gpu } = context.target;
  if (!gpu) throw new InternalError("a contraction in teams needs a GPU");
  return lowerScheduled(context, contraction, chooseSchedule(gpu, contraction).schedule);
}

/** A contraction by a given schedule. */
export function lowerScheduled(
  context: StepContext,
  contraction: Contraction,
  schedule: Schedule,
): readonly LoweredKernel[] {
  const sums = summing(context, contraction, schedule);
  return schedule.split.parts === 1 ? [sums] : [sums, lowerJoin(context, contraction, schedule.split)];
}

function summing(context: StepContext, contraction: Contraction, schedule: Schedule): LoweredKernel {
  switch (schedule.kind) {
    case "tiled":
      return lowerTiled(context, contraction, schedule.tile, schedule.split);
    case "team":
      return lowerTeam(context, contraction, schedule.team, schedule.split);
    case "direct":
      return lowerDirect(context, contraction, schedule.split);
    default:
      return schedule satisfies never;
  }
}

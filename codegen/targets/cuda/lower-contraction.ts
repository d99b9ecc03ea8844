import { InternalError } from "../../../proto/errors/index.js";
import type { Contraction } from "../../contraction/contraction.js";
import {
  convContraction,
  convDataContraction,
  convFilterContraction,
} from "../../contraction/conv-contractions.js";
import { lowerDirect } from "../../contraction/direct.js";
import { matmulContraction } from "../../contraction/matmul-contraction.js";
import { lowerJoin } from "../../contraction/split-sum.js";
import type { Op } from "../../ir/graph.js";
import type { Lowering } from "../../lower/lowering.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { chooseSchedule, type Schedule } from "./schedule-cost.js";
import { lowerTeam } from "./team-sum.js";
import { lowerTiled } from "./tiled.js";

/** The products of matrices and the three convolutions. */
export const contractionLowerings = {
  matmul: (context) => lowerContraction(context, matmulContraction(context)),
  conv: (context) => lowerContraction(context, convContraction(context)),
  convData: (context) => lowerContraction(context, convDataContraction(context)),
  convFilter: (context) => lowerContraction(context, convFilterContraction(context)),
} as const satisfies Partial<Readonly<Record<Op, Lowering>>>;

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

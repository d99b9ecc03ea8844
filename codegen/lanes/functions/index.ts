import type { RealType } from "../../ir/real.js";
import { exp, expm1, sigmoid, tanh } from "./exponentials.js";
import { type LaneDefinition, laneProgram } from "./lane-builder.js";
import { pow } from "./lane-power.js";
import type { LaneChoices, LaneProgram } from "./lane-program.js";
import { log, log1p, softplus } from "./logarithms.js";

export interface LaneFunction {
  readonly operands: 1 | 2;
  readonly define: LaneDefinition;
}

/** The scalar functions that need more than arithmetic, for vectors of lanes. */
export const LANE_FUNCTIONS = {
  exp: { operands: 1, define: exp },
  expm1: { operands: 1, define: expm1 },
  log: { operands: 1, define: log },
  log1p: { operands: 1, define: log1p },
  pow: { operands: 2, define: pow },
  tanh: { operands: 1, define: tanh },
  sigmoid: { operands: 1, define: sigmoid },
  softplus: { operands: 1, define: softplus },
} satisfies Readonly<Record<string, LaneFunction>>;

export type LaneFunctionName = keyof typeof LANE_FUNCTIONS;

/** The program of a function in a type. */
export function laneFunction(name: LaneFunctionName, dtype: RealType, choices: LaneChoices): LaneProgram {
  const { operands, define }: LaneFunction = LANE_FUNCTIONS[name];
  const parameters = Array.from({ length: operands }, (_, i) => i);
  return laneProgram((b) => define(b, ...parameters.map((i) => b.list.parameter("real", i))), dtype, choices);
}

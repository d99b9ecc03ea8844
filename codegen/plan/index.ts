import type { Graph } from "../ir/graph.js";
import { PLAN_PHASES, type PlanDraft, planOf } from "./phases.js";
import type { Plan, PlanOptions } from "./plan.js";

export { isPlan, PLAN_PHASES, type PlanDraft, type PlanPhase, planOf } from "./phases.js";
export * from "./plan.js";
export { type FormatOptions, formatPlan, summary } from "./print-plan.js";

/** Runs all phases. Pure: the same graph gives the same plan. */
export const planGraph = (graph: Graph, options: PlanOptions): Plan =>
  planOf(PLAN_PHASES.reduce<PlanDraft>((draft, { run }) => run(draft), { graph, options }));

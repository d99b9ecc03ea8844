export { type RuleConstants, SOLVER_TYPES, type SolverType, type UpdateRule } from "./rule.js";
export * from "./updates.js";

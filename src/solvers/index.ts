export type { RuleConstants, UpdateRule } from "./rule.js";
export * from "./updates.js";

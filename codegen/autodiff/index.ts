export { type Change, derivative, SCALAR_RULES, type ScalarRules } from "../ir/scalar-derivative.js";
export * from "./differentiate.js";
export { type Pullback, type Reads, RULES, type Rules, readsOf, vjp } from "./vjp.js";

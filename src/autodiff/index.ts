export * from "./differentiate.js";
export { derivative } from "./scalar.js";
export { type Reads, readsOf, vjp } from "./vjp.js";

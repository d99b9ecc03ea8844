export * from "./builder.js";
export * from "./graph.js";
export { attributesKey } from "./key.js";
export * from "./print-graph.js";
export { verify } from "./verify.js";

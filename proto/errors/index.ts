export * from "./diagnostic.js";
export * from "./errors.js";
export * from "./format-diagnostics.js";
export * from "./present.js";
export * from "./present.js";
export * from "./suggest.js";

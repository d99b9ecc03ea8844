export * from "./diagnostic.js";
export * from "./errors.js";
export * from "./format-diagnostics.js";
export * from "./suggest.js";

export * from "./diagnostic.js";
export * from "./errors.js";
export * from "./format.js";
export * from "./suggest.js";
export * from "./suggest.js";

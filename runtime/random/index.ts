export * from "./fillers.js";
export * from "./philox.js";
export * from "./streams.js";

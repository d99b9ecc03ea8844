import type { Index, Typed, Value } from "../kernel/kernel.js";

export const real = (value: Value): Typed => ({ type: "real", value });
export const index = (value: Index): Typed => ({ type: "index", value });

export const asValue = (typed: Typed): Value =>
  typed.type === "real" ? typed.value : { kind: "fromIndex", index: typed.value };
export const asIndex = (typed: Typed): Index =>
  typed.type === "index" ? typed.value : { kind: "truncate", value: typed.value };

import type { CompiledNet } from "../../runtime/types.js";
import { userError } from "../errors/index.js";
import type { CompileOptions } from "./options.js";

/** The target to compile for, and why that one. */
export function chooseTarget(options: CompileOptions): CompiledNet["target"] {
  const asked = options.target ?? "auto";
  switch (asked) {
    case "ts":
      return described("asked for");
    case "auto":
      return described("it runs anywhere; this version of Cortado has no native and no cuda target");
    case "native":
    case "cuda":
      throw userError(`This version of Cortado has no ${asked} target`, 'use target "ts" (or "auto")');
    default:
      return asked satisfies never;
  }
}

const described = (why: string): CompiledNet["target"] =>
  Object.defineProperty({ name: "ts" as const, why }, "toString", { value: () => `ts (${why})` });

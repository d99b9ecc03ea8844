import type { CompiledNet } from "../../runtime/types.js";
import { userError } from "../errors/index.js";
import type { CompileOptions } from "./options.js";

type Target = CompiledNet["target"];

/**
 * The target to compile for, and why that one. Parameters lie on one device, so a net that shares those of another
 * runs where that one does.
 *
 * @param lender the target of the net whose parameters are shared
 * @throws CortadoError where another target than the lender's is asked for
 */
export function chooseTarget(options: CompileOptions, lender?: Target["name"]): Target {
  const asked = options.target ?? "auto";
  if (lender === undefined)
    return asked === "auto"
      ? described("ts", "it runs anywhere; this version of Cortado has no native and no cuda target")
      : described(asked, "asked for");
  if (asked !== "auto" && asked !== lender)
    throw userError(
      `A net on target ${asked} cannot share the parameters of a net on target ${lender}`,
      `use target "${lender}" (or "auto")`,
    );
  return described(lender, asked === "auto" ? "the net whose parameters it shares runs there" : "asked for");
}

const described = (name: Target["name"], why: string): Target =>
  Object.defineProperty({ name, why }, "toString", { value: () => `${name} (${why})` });

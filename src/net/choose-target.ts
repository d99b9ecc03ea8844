import { userError } from "../../proto/errors/index.js";
import { cudaAvailability } from "../../runtime/devices/cuda/available.js";
import type { CompileOptions } from "./compile-options.js";
import type { CompiledNet } from "./compiled-net.js";

type Target = CompiledNet["target"];

/**
 * The target to compile for, and why that one. Parameters lie on one device, so a net that shares those of another
 * runs where that one does.
 *
 * @param lender the target of the net whose parameters are shared
 * @throws CortadoError where another target than the lender's is asked for
 */
export async function chooseTarget(options: CompileOptions, lender?: Target["name"]): Promise<Target> {
  const asked = options.target ?? "auto";
  if (lender === undefined) return asked === "auto" ? fastest(options) : described(asked, "asked for");
  if (asked !== "auto" && asked !== lender)
    throw userError(
      `A net on target ${asked} cannot share the parameters of a net on target ${lender}`,
      `use target "${lender}" (or "auto")`,
    );
  return described(lender, asked === "auto" ? "the net whose parameters it shares runs there" : "asked for");
}

/** The fastest target that works here. */
async function fastest({ dtype }: CompileOptions): Promise<Target> {
  if (dtype === "float64") return described("ts", "the others compute in float32");
  const { device, why } = await cudaAvailability();
  return device === undefined
    ? described("ts", `it runs anywhere; not cuda: ${why}`)
    : described("cuda", `the fastest here, on ${device}`);
}

const described = (name: Target["name"], why: string): Target =>
  Object.defineProperty({ name, why }, "toString", { value: () => `${name} (${why})` });

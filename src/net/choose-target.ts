import { orList, userError } from "../../proto/errors/index.js";
import { DEVICES, type DeviceName } from "../../runtime/devices/index.js";
import type { CompileOptions } from "./compile-options.js";
import type { CompiledNet } from "./compiled-net.js";

type Target = CompiledNet["target"];

/** What people may ask for. */
export const TARGET_CHOICES = [
  "auto",
  ...DEVICES.flatMap(({ name, offered }) => (offered ? [name] : [])),
] as const;

/** What may be asked for beside them, by those who know. */
export const HIDDEN_CHOICES: readonly DeviceName[] = DEVICES.flatMap(({ name, offered }) =>
  offered ? [] : [name],
);

export const isDevice = (name: unknown): name is DeviceName => DEVICES.some((device) => device.name === name);

/**
 * The target to compile for, and why that one. Parameters lie on one device, so a net that shares those of another
 * runs where that one does.
 *
 * @param lender the target of the net whose parameters are shared
 * @throws CortadoError where another target than the lender's is asked for
 */
export async function chooseTarget(options: CompileOptions, lender?: DeviceName): Promise<Target> {
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
async function fastest({ dtype = "float32" }: CompileOptions): Promise<Target> {
  const offered = DEVICES.filter((device) => device.offered);
  const able = offered.filter(({ target }) => target.dtypes.includes(dtype));
  if (able.length === 1 && offered.length > 1)
    return described(able[0].name, `the others compute in ${dtype === "float64" ? "float32" : "float64"}`);
  const missing: string[] = [];
  for (const { name, availability } of able.toReversed()) {
    const { works, why } = await availability();
    if (works) return described(name, [why, ...missing].join("; "));
    missing.push(`not ${name}: ${why}`);
  }
  throw userError(
    `No target works here for ${dtype}: ${missing.join("; ")}`,
    `there is ${orList(TARGET_CHOICES)}`,
  );
}

const described = (name: DeviceName, why: string): Target =>
  Object.defineProperty({ name, why }, "toString", { value: () => `${name} (${why})` });

import { type Rule, word } from "../../proto/arguments/argument-rules.js";
import { orList, userError } from "../../proto/errors/index.js";
import { DEVICES, type DeviceName } from "../../runtime/devices/index.js";
import { threadsRefused } from "../../runtime/thread-sharing.js";
import type { CompileOptions } from "./compile-options.js";
import type { CompiledNet } from "./compiled-net.js";
import { fromEnvironment } from "./environment.js";
import { lackOf } from "./open-device.js";

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

type Asked = (typeof TARGET_CHOICES)[number] | DeviceName;

export const targetRule: Rule<Asked> = word<Asked>(TARGET_CHOICES, HIDDEN_CHOICES);

/** The target where nobody says another. @throws CortadoError where the variable names none */
export const usualTarget = (): Asked => fromEnvironment("CORTADO_TARGET", targetRule) ?? "auto";

export const isDevice = (name: unknown): name is DeviceName => DEVICES.some((device) => device.name === name);

/**
 * The target to compile for, and why that one. Parameters lie on one device, so a net that shares those of another
 * runs where that one does.
 *
 * @param lender the target of the net whose parameters are shared
 * @param passedOver targets that `auto` does not take, and why
 * @throws CortadoError where another target than the lender's is asked for, or CORTADO_TARGET names none
 */
export async function chooseTarget(
  options: CompileOptions,
  lender?: DeviceName,
  passedOver: Reasons = {},
): Promise<Target> {
  const asked = options.target ?? (lender === undefined ? usualTarget() : "auto");
  if (asked === "auto")
    return lender === undefined
      ? fastest(options, passedOver)
      : described(lender, "the net whose parameters it shares runs there");
  if (lender !== undefined && asked !== lender)
    throw userError(
      `A net on target ${asked} cannot share the parameters of a net on target ${lender}`,
      `use target "${lender}" (or "auto")`,
    );
  return described(asked, options.target === undefined ? "CORTADO_TARGET asks for it" : "asked for");
}

/** Why targets are not to be taken. */
type Reasons = Readonly<Partial<Record<DeviceName, string>>>;

/** The fastest target that works here. */
async function fastest(
  { dtype = "float32", fma = "auto" }: CompileOptions,
  passedOver: Reasons,
): Promise<Target> {
  const passed: string[] = [];
  for (const device of DEVICES.filter(({ offered }) => offered).toReversed()) {
    const { name } = device;
    const missing = lackOf(device, { dtype, fma });
    const lack = missing ? `it ${missing.lack}` : passedOver[name];
    const { works, why } = lack === undefined ? await device.availability() : { works: false, why: lack };
    if (works) return described(name, [why, ...oneThread(), ...passed].join("; "));
    passed.push(`not ${name}: ${why}`);
  }
  throw userError(
    `No target works here for ${dtype}: ${passed.join("; ")}`,
    `there is ${orList(TARGET_CHOICES)}`,
  );
}

/** What people who wait for one thread are told. */
const oneThread = (): readonly string[] => {
  const refused = threadsRefused();
  return refused === undefined ? [] : [`one thread: ${refused}`];
};

const described = (name: DeviceName, why: string): Target =>
  Object.defineProperty({ name, why }, "toString", { value: () => `${name} (${why})` });

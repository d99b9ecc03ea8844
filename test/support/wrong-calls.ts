/** Calls with wrong values in each place of their arguments. */
import { CortadoError } from "../../src/index.js";
import { WRONG } from "./wrong-values.js";

export type Loose = (...of: readonly unknown[]) => unknown;

/** What calls gave that is to be closed. */
export const OPENED: { close(): Promise<void> }[] = [];

/** What a call came to: undefined where it gave a result, else what is wrong with how it failed. */
export async function faultOf(call: () => unknown): Promise<string | undefined> {
  try {
    const result = await call();
    if (typeof (result as { close?: unknown } | undefined)?.close === "function")
      OPENED.push(result as (typeof OPENED)[number]);
    return undefined;
  } catch (error) {
    if (!(error instanceof CortadoError)) return `threw ${(error as Error)?.stack ?? String(error)}`;
    return error.message.length > 20_000 ? `${error.message.length} characters of message` : undefined;
  }
}

/** Calls with each wrong value in each place, the others as given; and what came of the bad ones. */
export async function tryAll(
  name: string,
  call: Loose,
  good: readonly unknown[],
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const at of good.keys())
    for (const [what, value] of Object.entries(WRONG)) {
      const fault = await faultOf(() => call(...good.with(at, value)));
      if (fault) faults.push(`${name}, argument ${at} is ${what}: ${fault}`);
    }
  const none = await faultOf(() => call());
  return none ? [...faults, `${name}(): ${none}`] : faults;
}

/** The same in each field of an object of options. */
export async function tryFields(
  name: string,
  call: (options: unknown) => unknown,
  fields: readonly string[],
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const field of fields)
    for (const [what, value] of Object.entries(WRONG)) {
      const fault = await faultOf(() => call({ [field]: value }));
      if (fault) faults.push(`${name}, ${field} is ${what}: ${fault}`);
    }
  return faults;
}

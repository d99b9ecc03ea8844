import { orThrow, type Rule, takeBy } from "../../proto/arguments/argument-rules.js";
import { environmentVariable } from "../../runtime/host-process.js";

/**
 * What an environment variable says, by the rule of the option that it stands in for; undefined where it is not set, or empty.
 *
 * @throws CortadoError where the rule does not take it
 */
export function fromEnvironment<T>(name: string, rule: Rule<T>): T | undefined {
  const given = environmentVariable(name)?.trim();
  if (!given) return undefined;
  // A variable is text, and a rule of numbers takes numbers.
  const value = /^\d+$/.test(given) ? Number(given) : given;
  return orThrow((say) => takeBy(rule, value, name, say));
}

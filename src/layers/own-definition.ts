/** Definitions that were written outside of this package: what goes wrong in one is reported at its layer. */

import type { Node } from "../../codegen/ir/graph.js";
import { faultOf } from "../../codegen/ir/verify.js";
import { isFields } from "../../proto/arguments/argument-rules.js";
import { CortadoError, InternalError } from "../../proto/errors/index.js";
import { showCount } from "../../proto/words/amounts.js";
import { shownValue } from "../../proto/words/shown-value.js";
import { messageOf } from "../../proto/words/trouble.js";
import { GivenUp } from "./layer-mistakes.js";
import type { LayerContext, LayerType } from "./record.js";

type Lower = NonNullable<LayerType["lower"]>;

const guarded = new WeakSet<Lower>();

/** The same type, its definition guarded. */
export function guardDefinition<T extends Pick<LayerType, "lower">>(type: T): T {
  const { lower } = type;
  if (!lower || guarded.has(lower)) return type;
  const sound: Lower = (context) => {
    let made: unknown;
    try {
      made = lower(context);
      checkNodes(made, context);
    } catch (error) {
      // Reported already, at its place.
      if (error instanceof GivenUp || error instanceof CortadoError) throw error;
      context.fail(`its definition ${failureOf(error)}`, undefined, { hint: placeOf(error) });
    }
    return made as readonly Node[];
  };
  guarded.add(sound);
  return Object.freeze({ ...type, lower: sound });
}

/** What an error says; of the graph's own rules, without the request to report it. */
const failureOf = (error: unknown): string =>
  error instanceof InternalError
    ? `makes no sound graph: ${error.message.split("\n")[0]}`
    : `throws ${error instanceof Error ? `${error.name}: ` : ""}${messageOf(error)}`;

/** The line of the definition in which it was thrown, as the engine tells it. */
function placeOf(error: unknown): string | undefined {
  const { stack } = (error ?? {}) as { readonly stack?: unknown };
  if (error instanceof InternalError || typeof stack !== "string") return undefined;
  return stack
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line.startsWith("at "));
}

/** One sound node for each top. */
function checkNodes(made: unknown, { topCount, bottoms, fail }: LayerContext): void {
  const wanted = `an array of ${showCount(topCount, "node")}, one for each top`;
  if (!Array.isArray(made) || made.length !== topCount || !made.every(isNode))
    fail(`its definition gives ${shownValue(made)}; it must be ${wanted}`);
  const seen = new Set<Node>(bottoms);
  const queue: Node[] = [...(made as readonly Node[])];
  for (let node = queue.pop(); node; node = queue.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const fault = faultOf(node);
    if (fault) fail(`its definition makes no sound graph: ${fault}`);
    queue.push(...node.inputs);
  }
}

const isNode = (value: unknown): value is Node =>
  isFields(value) &&
  Object.isFrozen(value) &&
  typeof value["op"] === "string" &&
  Array.isArray(value["inputs"]);

import type { Node } from "../../codegen/ir/graph.js";
import { graphKey } from "../../codegen/ir/key.js";
import type { LoweredNet } from "../layers/index.js";
import { namesIn } from "./net-tables.js";
import type { ProgramRequest } from "./programs.js";

/**
 * All that a program and its table follow from, but for Cortado's own code and what compiles kernels: equal keys, equal both.
 * The graph is made only where the request does not say what it follows from: to differentiate a net takes as long as
 * to lower it.
 */
export function programKey({ graph, from, options, seeds }: ProgramRequest, lowered: LoweredNet): string {
  const { target, ...rest } = options;
  const computes = from === undefined ? graphKey(graph()) : [loweredKey(lowered), from];
  const parts = [computes, target.name, rest, seeds ?? null, namesIn(lowered)];
  return JSON.stringify(parts);
}

/**
 * An exact key of a lowered net, for all that graphs are made of from it. What says where data and first values come from,
 * and where things stand in a text, is left out: programs do not depend on it.
 */
function loweredKey(lowered: LoweredNet): string {
  const { builder: _, feeds, files, decisions, params, sinks, checks, rowCounts, ...rest } = lowered;
  const numbers = new Map<Node, number>();
  const text = JSON.stringify(
    {
      ...rest,
      params: params.map(({ filler, value, ...param }) => param),
      sinks: sinks.map(({ nodes }) => nodes),
      checks: checks.map(({ span, ...check }) => check),
      rowCounts: rowCounts.map(({ span, ...count }) => count),
    },
    (_key, value: unknown) => {
      if (value instanceof Map) return [...value];
      if (!isNode(value)) return value;
      const number = numbers.get(value) ?? numbers.size;
      numbers.set(value, number);
      return number;
    },
  );
  const roots = [...numbers.keys()].map((node) => ({ role: "value", blob: "", node }) as const);
  return JSON.stringify([text, graphKey({ roots })]);
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "op" in value && "inputs" in value;

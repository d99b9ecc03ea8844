/** What each phase of the planner found, for people: a line for each value, step or decision. */

import type { Node } from "../ir/graph.js";
import { printRoot } from "../ir/print-graph.js";
import type { Aliases } from "./alias.js";
import type { Lifetime } from "./lifetime.js";
import { nameNode } from "./node-names.js";
import type { NetPass, Step } from "./plan.js";
import type { Updates } from "./update.js";
import type { Uses } from "./uses.js";

const list = (nodes: Iterable<Node>): string => [...nodes].map(nameNode).join(", ");
const from = (step: number): string => (step < 0 ? "before step 0" : `step ${step}`);

export const printUses = (uses: Uses): string =>
  uses.nodes
    .map((node) => {
      const base = uses.base(node);
      if (base !== node) return `${nameNode(node)} is ${nameNode(base)} from element ${uses.offset(node)}`;
      const readers = list(new Set(uses.sites(node).map(({ user }) => user)));
      const roots = uses.roots(node).map(printRoot);
      return `${nameNode(node)}: ${[...(readers ? [`read by ${readers}`] : []), ...roots].join("; ")}`;
    })
    .join("\n");

export const printSchedules = (passes: ReadonlyMap<Node, NetPass>): string =>
  [...passes].map(([node, pass]) => `${pass.padEnd(8)}  ${nameNode(node)}`).join("\n");

export const printSteps = (steps: readonly Step[]): string =>
  steps
    .map(({ index, pass, anchor, stores, inlined, reads }) => {
      const parts = [
        `${index} ${pass}: ${nameNode(anchor)}`,
        ...(inlined.size > 0 ? [`computes ${list(inlined)} where they are read`] : []),
        `stores ${list(stores)}`,
        ...(reads.length > 0 ? [`reads ${list(reads)}`] : []),
      ];
      return parts.join("; ");
    })
    .join("\n");

export const printUpdates = ({ direct, copies }: Updates): string =>
  [
    ...[...direct].map(([node, param]) => `${nameNode(node)} is written into param ${param}`),
    ...copies.map(
      ({ from: node, param, pass }) => `${nameNode(node)} is copied to param ${param} after ${pass}`,
    ),
  ].join("\n") || "no parameter gets a new value";

export const printLifetimes = (lifetimes: ReadonlyMap<Node, Lifetime>): string =>
  [...lifetimes]
    .map(
      ([node, { first, last, kept, readers }]) =>
        `${nameNode(node)}: ${from(first)} to ${from(last)}${kept ? ", and kept" : ""}; ${
          readers.length > 0
            ? `loaded by ${readers.map((step) => `step ${step}`).join(", ")}`
            : "never loaded"
        }`,
    )
    .join("\n");

export const printAliases = ({ decisions }: Aliases): string =>
  decisions.map(({ step, value, reason }) => `step ${step}, ${nameNode(value)}: ${reason}`).join("\n") ||
  "no step stores a value over one that it reads";

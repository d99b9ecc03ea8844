import { lowerBlocked } from "../contraction/blocked.js";
import { productLowerings } from "../contraction/contraction-of.js";
import type { Op } from "../ir/graph.js";
import { PRIMITIVES } from "../ir/ops/index.js";
import { lowerElementwise } from "./lower-elementwise.js";
import { lowerReduce } from "./lower-reduce.js";
import { lowerScatter } from "./lower-scatter.js";
import { lowerWindow } from "./lower-window.js";
import type { Lowering, Lowerings } from "./lowering.js";

/** Primitives whose elements come about in loops of their own. */
const OWN_LOOPS: Partial<Readonly<Record<Op, Lowering>>> = {
  reduce: lowerReduce,
  ...productLowerings(lowerBlocked),
  windowMax: lowerWindow,
  windowArgmax: lowerWindow,
  windowScatter: lowerWindow,
  windowSum: lowerWindow,
  windowSpread: lowerWindow,
  scatter: lowerScatter,
};

/** What is never computed: who runs the graph gives it. */
const GIVEN: ReadonlySet<Op> = new Set<Op>(["input", "param"]);

/** Steps as loops of which each iteration has one thread: right for every target. */
export const loopLowerings = Object.fromEntries(
  (Object.keys(PRIMITIVES) as Op[]).map((op) => [
    op,
    GIVEN.has(op) ? undefined : (OWN_LOOPS[op] ?? lowerElementwise),
  ]),
) as Lowerings;

/** Whose time it was: the milliseconds of kernels, by layer, though a kernel may serve several layers. */

import type { Node } from "../../codegen/ir/graph.js";
import type { Launch } from "../../codegen/kernel/kernel.js";
import type { Step } from "../../codegen/plan/index.js";

/** What one layer took in one pass. */
export interface LayerTime {
  /** Of the steps whose loops are the layer's own. */
  readonly milliseconds: number;
  /** Layers that are computed in those steps as well. */
  readonly with: readonly string[];
  /** Layers in whose steps this one is computed. */
  readonly within: readonly string[];
}

/** Adds up the times of launches by the layer of their first step's anchor, and says which other layers the steps hold. */
export function attributeTimes(
  steps: readonly Step[],
  launches: readonly Pick<Launch, "steps">[],
  milliseconds: readonly number[],
): ReadonlyMap<string, LayerTime> {
  const times = new Map<string, { milliseconds: number; with: Set<string>; within: Set<string> }>();
  const of = (layer: string) => {
    let time = times.get(layer);
    if (!time) {
      time = { milliseconds: 0, with: new Set(), within: new Set() };
      times.set(layer, time);
    }
    return time;
  };
  for (const [i, launch] of launches.entries()) {
    const taken = launch.steps.map((index) => steps[index]);
    const owner = taken[0].anchor.origin;
    of(owner).milliseconds += milliseconds[i] ?? 0;
    for (const node of taken.flatMap((step) => [step.anchor, ...step.stores, ...step.inlined])) {
      if (node.origin === owner || node.origin === "" || !isWork(node)) continue;
      of(owner).with.add(node.origin);
      of(node.origin).within.add(owner);
    }
  }
  return new Map(
    [...times].map(([layer, time]) => [
      layer,
      { milliseconds: time.milliseconds, with: [...time.with], within: [...time.within] },
    ]),
  );
}

/** Constants and views cost nothing. */
const isWork = ({ op }: Node): boolean =>
  op !== "constant" && op !== "reshape" && op !== "slice" && op !== "input" && op !== "param";

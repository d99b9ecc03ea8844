import { add, addInt, compare, int, mul, variable } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import type { KernelWriter } from "../kernel/writer.js";

/** Elements of an extent in lanes: whole vectors, then those that do not fill one. Hands on the element of each lane. */
export function overVectors(
  writer: KernelWriter,
  extent: number,
  lanes: number,
  lane: Index,
  body: (at: Index) => void,
): void {
  const whole = Math.floor(extent / lanes);
  writer.loop(0, whole, (turn) => body(add(mul(turn, lanes), lane)));
  const rest = extent - whole * lanes;
  if (rest === 0) return;
  const first = lane.kind === "var" ? variable(lane.variable, 0, rest - 1) : lane;
  writer.when(compare("lt", lane, int(rest)), () => body(addInt(first, whole * lanes)));
}

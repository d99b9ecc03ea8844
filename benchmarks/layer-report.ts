/** Where a net's time goes: tables of its layers and kernels, the longest first, against what the machine can do. */
import type { Kernel, Launch } from "../codegen/kernel/kernel.js";
import { shareOf } from "../codegen/kernel/launch.js";
import type { Step } from "../codegen/plan/index.js";
import { attributeTimes } from "../src/net/layer-times.js";
import type { MachineSpeed } from "./machine/machine-speed.js";
import { showMilliseconds, table } from "./markdown-table.js";

/** One pass of a program, each of its launches timed. */
export interface MeasuredPass {
  readonly pass: "forward" | "backward";
  readonly steps: readonly Pick<Step, "anchor" | "stores" | "inlined">[];
  readonly launches: readonly Pick<Launch, "kernel" | "range" | "steps">[];
  readonly kernels: readonly Pick<Kernel, "note" | "flops" | "bytes" | "parallel">[];
  /** Of each launch. */
  readonly milliseconds: readonly number[];
}

/** What a line of a table is about. */
export interface Work {
  readonly what: string;
  readonly milliseconds: number;
  readonly flops: number;
  /** Each operand of each kernel counted once, wherever it lay. */
  readonly bytes: number;
  /** Beside the numbers. */
  readonly note: string;
}

function workOf(
  launch: MeasuredPass["launches"][number],
  kernels: MeasuredPass["kernels"],
): Pick<Work, "flops" | "bytes"> {
  const kernel = kernels[launch.kernel];
  const share = shareOf(launch, kernel);
  return { flops: share * kernel.flops, bytes: share * kernel.bytes };
}

/** By layer and pass; a kernel that serves several layers counts as the first one's. */
export function layerWork({ pass, steps, launches, kernels, milliseconds }: MeasuredPass): readonly Work[] {
  const sums = (values: readonly number[]) => attributeTimes(steps as readonly Step[], launches, values);
  const times = sums(milliseconds);
  const work = launches.map((launch) => workOf(launch, kernels));
  const flops = sums(work.map((own) => own.flops));
  const bytes = sums(work.map((own) => own.bytes));
  return [...times]
    .filter(([, time]) => time.milliseconds > 0)
    .map(([layer, time]) => ({
      what: `${layer || "(no layer)"}, ${pass}`,
      milliseconds: time.milliseconds,
      flops: flops.get(layer)?.milliseconds ?? 0,
      bytes: bytes.get(layer)?.milliseconds ?? 0,
      note: time.with.length > 0 ? `with ${time.with.join(", ")}` : "",
    }));
}

/** By launch. */
export const kernelWork = ({ pass, steps, launches, kernels, milliseconds }: MeasuredPass): readonly Work[] =>
  launches.map((launch, i) => ({
    what: `${kernels[launch.kernel].note}, ${pass}`,
    milliseconds: milliseconds[i],
    ...workOf(launch, kernels),
    note: [...new Set(launch.steps.map((index) => steps[index].anchor.origin).filter(Boolean))].join(", "),
  }));

const percent = (value: number): string => `${(100 * value).toFixed(0)}%`;
const rate = (amount: number, milliseconds: number): number => (1000 * amount) / milliseconds;

/**
 * The longest first; what is left of a table of at most `most` lines is one line. `floor` is the least time that the machine
 * would take, by its peak or its bandwidth, whichever is longer: what lies above it is to be had.
 */
export function workTable(
  work: readonly Work[],
  speed: MachineSpeed | undefined,
  { first, most }: { readonly first: string; readonly most: number },
): string {
  const sorted = [...work].sort((a, b) => b.milliseconds - a.milliseconds);
  const total = sum(sorted, "milliseconds");
  const shown = sorted.slice(0, most);
  const left = sorted.slice(most);
  const rest: Work[] = left.length > 0 ? [{ ...added(left), what: `${left.length} more`, note: "" }] : [];
  const all = { ...added(sorted), what: "**all**", note: "" };
  return table(
    [first, "ms", "of all", "GFLOP/s", "of peak", "GB/s", "of memory", "floor ms", ""],
    [...shown, ...rest, all].map(({ what, milliseconds, flops, bytes, note }) => {
      const [flopRate, byteRate] = [rate(flops, milliseconds), rate(bytes, milliseconds)];
      const memory = speed && Math.max(speed.read, speed.copy);
      const floor = speed && memory && 1000 * Math.max(flops / speed.flops, bytes / memory);
      return [
        what.replaceAll("|", "\\|"),
        showMilliseconds(milliseconds),
        percent(milliseconds / total),
        (flopRate / 1e9).toFixed(1),
        speed ? percent(flopRate / speed.flops) : "",
        (byteRate / 1e9).toFixed(1),
        memory ? percent(byteRate / memory) : "",
        floor === undefined ? "" : showMilliseconds(floor),
        note.replaceAll("|", "\\|"),
      ];
    }),
  );
}

const sum = (work: readonly Work[], of: "milliseconds" | "flops" | "bytes"): number =>
  work.reduce((total, one) => total + one[of], 0);

const added = (work: readonly Work[]): Pick<Work, "milliseconds" | "flops" | "bytes"> => ({
  milliseconds: sum(work, "milliseconds"),
  flops: sum(work, "flops"),
  bytes: sum(work, "bytes"),
});

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Addon, NativeLaunch, NativeMemory, NativePlan } from "../../native/addon.js";

/** A plan that is run launch by launch. */
interface GuardedPlan {
  readonly launches: readonly NativeLaunch[];
  readonly scratchBytes: number;
}

/** The functions that make plans, or take them: one that were not guarded would be handed a plan that is none. */
type OfPlans = {
  [Name in keyof Addon as NativePlan extends Parameters<Addon[Name]>[number] | ReturnType<Addon[Name]>
    ? Name
    : never]: Addon[Name];
};

/**
 * Gives kernels memory of their own for each launch: every operand, or operands that overlap together, in a piece of the heap
 * that has no byte too many, so that a sanitizer sees what goes beyond. In an arena, that would be a neighbour.
 *
 * @param log where sanitizers write what they find: `<log>.<process>`
 */
export function guardAddon(addon: Addon, log: string): void {
  const { nativePlan, nativeRun, nativeClose } = addon;
  const plans = new Map<NativePlan, GuardedPlan>();
  const found = reportsSince(log);
  const runLaunch = async (launch: NativeLaunch, scratchBytes: number): Promise<void> => {
    const { args, copyBack } = exactCopies(launch.args);
    const plan = nativePlan([{ ...launch, args }], scratchBytes, 1);
    await nativeRun(plan);
    nativeClose(plan);
    copyBack();
    const report = found();
    if (report !== "")
      throw new Error(
        `kernel ${launch.kernel} of its module, over ${launch.from} to ${launch.to}, with operands of ${launch.args.map(({ length }) => length).join(", ")} elements:\n${report}`,
      );
  };
  const guarded: OfPlans = {
    nativePlan(launches, scratchBytes) {
      const plan = {} as NativePlan;
      plans.set(plan, { launches, scratchBytes });
      return plan;
    },
    async nativeRun(handle) {
      const plan = plans.get(handle);
      if (!plan) throw new Error("a plan that was closed");
      for (const launch of plan.launches) await runLaunch(launch, plan.scratchBytes);
      return new Float64Array(plan.launches.length);
    },
    // Not here, then: whoever asked runs it the other way.
    nativeRunHere: () => undefined,
    // Modules stay open: their launches become plans when they run.
    nativeClose(handle) {
      plans.delete(handle as NativePlan);
    },
  };
  Object.assign(addon, guarded);
}

/** A stretch of a buffer, in bytes, and its copy. */
interface Stretch {
  readonly buffer: ArrayBufferLike;
  from: number;
  to: number;
  copy?: ArrayBuffer;
}

/** Copies of arrays, in buffers that end where they end. What overlaps is one buffer. */
function exactCopies(arrays: readonly NativeMemory[]): {
  readonly args: readonly NativeMemory[];
  readonly copyBack: () => void;
} {
  let stretches: Stretch[] = [];
  for (const { buffer, byteOffset, byteLength } of arrays) {
    const own: Stretch = { buffer, from: byteOffset, to: byteOffset + byteLength };
    const overlaps = (other: Stretch): boolean =>
      other.buffer === buffer && other.from < own.to && own.from < other.to;
    for (const other of stretches.filter(overlaps)) {
      own.from = Math.min(own.from, other.from);
      own.to = Math.max(own.to, other.to);
    }
    stretches = [...stretches.filter((other) => !overlaps(other)), own];
  }
  const bytesOf = ({ buffer, from, to }: Stretch) => new Uint8Array(buffer, from, to - from);
  for (const stretch of stretches) {
    stretch.copy = new ArrayBuffer(stretch.to - stretch.from);
    new Uint8Array(stretch.copy).set(bytesOf(stretch));
  }
  const args = arrays.map((array) => {
    const { buffer, byteOffset, byteLength, length } = array;
    const stretch = stretches.find(
      (one) => one.buffer === buffer && one.from <= byteOffset && byteOffset + byteLength <= one.to,
    );
    const own = new Uint8Array(stretch?.copy ?? new ArrayBuffer(0));
    const at = byteOffset - (stretch?.from ?? 0);
    if (array instanceof Float64Array) return new Float64Array(own.buffer, at, length);
    return array instanceof Int32Array
      ? new Int32Array(own.buffer, at, length)
      : new Float32Array(own.buffer, at, length);
  });
  return {
    args,
    copyBack() {
      for (const stretch of stretches)
        bytesOf(stretch).set(new Uint8Array(stretch.copy ?? new ArrayBuffer(0)));
    },
  };
}

/** What sanitizers of this process have written since it was last asked. */
function reportsSince(log: string): () => string {
  let known = 0;
  return () => {
    const files = readdirSync(dirname(log))
      .filter((name) => name === `${basename(log)}.${process.pid}`)
      .map((name) => join(dirname(log), name));
    const [file] = files;
    if (file === undefined || statSync(file).size === known) return "";
    const text = readFileSync(file, "utf8");
    const fresh = text.slice(known);
    known = text.length;
    return fresh.split("\n").slice(0, 12).join("\n");
  };
}

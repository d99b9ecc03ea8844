import type { NetPass } from "../../../codegen/ir/graph.js";
import type { Launch, Range } from "../../../codegen/kernel/kernel.js";
import { type Launchable, rangeOf } from "../../../codegen/kernel/launch.js";
import type { Addon, NativeModule } from "../../../native/addon.js";
import { present } from "../../../proto/errors/index.js";
import type { Executor, ParamStore } from "../../device.js";
import type { Schedule } from "../../net/program-table.js";
import { accessTo, copiesIn, viewOf } from "../threads/inline-executor.js";
import { allocateAligned } from "./aligned-memory.js";
import type { BuiltModule } from "./native-modules.js";

export interface NativeExecutorOptions {
  readonly addon: Addon;
  readonly modules: readonly BuiltModule[];
  /** By number. */
  readonly kernels: readonly Launchable[];
  readonly schedule: Schedule;
  /** Memory of its own that each thread gives to a kernel. */
  readonly scratchBytes: number;
  readonly params: ParamStore;
  readonly threads: number;
}

/** Passes of all nets of this thread of JavaScript: the pool runs one at a time, and waiting for it would hold a thread of libuv's. */
let lastRun: Promise<unknown> = Promise.resolve();

/** A program over an arena of its own, run by the addon's threads. */
export function createNativeExecutor(options: NativeExecutorOptions): Executor {
  const { addon, modules, kernels, schedule, scratchBytes, params, threads } = options;
  const { buffer, offset } = allocateAligned(addon, schedule.arenaBytes, "the blobs");
  const memory = { arena: buffer, arenaOffset: offset, params: params.memories, dtype: params.dtype };
  const copy = copiesIn(schedule, memory);
  const opened = modules.map(({ path, kernels: own }) => ({ module: addon.nativeOpen(path), own }));
  const places = new Map<number, { readonly module: NativeModule; readonly kernel: number }>(
    opened.flatMap(({ module, own }) => own.map((number, kernel) => [number, { module, kernel }])),
  );
  const planOf = (launches: readonly Launch[]) =>
    addon.nativePlan(
      launches.map((launch) => {
        const kernel = kernels[launch.kernel];
        const range = rangeOf(launch, kernel);
        return {
          ...present(places.get(launch.kernel), "a kernel's module"),
          ...range,
          pieces: piecesOf(kernel, range),
          args: launch.args.map((at) => viewOf(at, memory)),
        };
      }),
      scratchBytes,
      threads,
    );
  const plans = {
    prepare: planOf(schedule.prepare),
    forward: planOf(schedule.forward),
    backward: planOf(schedule.backward),
  };
  // Plans keep the code that they need.
  for (const { module } of opened) addon.nativeClose(module);
  const times: Record<NetPass, readonly number[]> = { prepare: [], forward: [], backward: [] };
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;
  return {
    run(pass) {
      const done = lastRun.then(async () => {
        const here = isShort(times[pass]) ? addon.nativeRunHere(plans[pass]) : undefined;
        times[pass] = [...(here ?? (await addon.nativeRun(plans[pass])))];
        copy(pass);
      });
      last = lastRun = done.catch(() => undefined);
      return done;
    },
    ...accessTo(memory),
    times: (pass) => times[pass],
    async close() {
      if (closed) return;
      closed = true;
      await last;
      for (const plan of Object.values(plans)) addon.nativeClose(plan);
    },
  };
}

/** Milliseconds of a pass up to which the caller's thread does it: to wake another and be woken takes up to one. */
const SHORT = 12;

/** Whether a pass took so little when it last ran. */
const isShort = (times: readonly number[]): boolean =>
  times.length > 0 && times.reduce((sum, time) => sum + time, 0) <= SHORT;

/** Operations and bytes that one core does in a nanosecond, about. */
const OPERATIONS = 40;
const BYTES = 10;
/** Nanoseconds: what takes no longer is done by one thread, since the others would come too late; and what a piece is worth. */
const ALONE = 8_000;
const PIECE = 4_000;
const MOST_PIECES = 64;

/** Into how many pieces a launch is cut: of the program alone, whatever the threads are. */
export function piecesOf({ flops, bytes, parallel }: Launchable, { from, to }: Range): number {
  const share = (to - from) / Math.max(1, parallel.extent);
  const time = share * (flops / OPERATIONS + bytes / BYTES);
  return time < ALONE ? 1 : Math.max(1, Math.min(to - from, Math.ceil(time / PIECE), MOST_PIECES));
}

/** Whether kernels are worth compiling: where the work is small, a target that starts at once is through before they are. */

import type { SolverParameter } from "../../proto/index.js";
import { availableCores } from "../../runtime/cores.js";
import type { Device } from "../../runtime/device.js";
import type { DeviceRecord } from "../../runtime/devices/device-record.js";
import type { LoweredNet } from "../layers/index.js";
import { chooseTarget } from "./choose-target.js";
import type { CompileOptions } from "./compile-options.js";
import { deviceRecord, holdDevice, openDevice } from "./open-device.js";
import type { OpenNet } from "./open-net.js";
import { programKey } from "./program-key.js";
import type { ProgramRequest } from "./programs.js";

/** Forward passes that are reckoned with where nobody says how many there will be. */
const USUAL_PASSES = 100;
/** Operations of a training step to those of its forward pass. */
const STEP_TO_FORWARD = 3;
/** Core seconds of the system's compiler: at first, and for each layer with products, forward and in a step. */
const START = 0.6;
const PER_LAYER = { forward: 0.16, step: 0.4 } as const;

/** What a net is asked to do, as far as it is known before. */
export interface Work {
  /** Operations, in 10⁹. */
  readonly billions: number;
  /** In words: "500 steps of 0.9 · 10⁹ operations". */
  readonly words: string;
  /** What compiling takes, in seconds. */
  readonly compiling: number;
}

/** The work of a net, or of a solver's training. */
export function workOf(
  { layers, params }: Pick<LoweredNet, "layers" | "params">,
  solver: Pick<SolverParameter, "max_iter" | "iter_size"> | undefined,
  cores = availableCores(),
): Work {
  const forward = layers.reduce((sum, { flops }) => sum + flops, 0) / 1e9;
  const passes = solver ? solver.max_iter * Math.max(1, solver.iter_size) : USUAL_PASSES;
  const each = forward * (solver ? STEP_TO_FORWARD : 1);
  const products = params.filter(({ shape }) => shape.length > 1).length;
  const compiling = (START + products * PER_LAYER[solver ? "step" : "forward"]) / cores;
  return {
    billions: passes * each,
    words: `${passes} ${solver ? "steps" : "passes"} of ${each.toPrecision(2)} · 10⁹ operations`,
    compiling,
  };
}

type Rated = Pick<DeviceRecord, "rate">;

/** Whether kernels that are compiled first save more time, beside those that start at once, than compiling them takes. */
export const compilingPays = (
  { billions, compiling }: Work,
  threads: number,
  { compiled, atOnce }: { readonly compiled: Rated; readonly atOnce: Rated },
): boolean => (billions * (1 / atOnce.rate - 1 / compiled.rate)) / threads > compiling;

/**
 * The target and the device of a net: those that it was opened with or, where `auto` chose a target that would first have to
 * compile for a small piece of work, the fastest that starts at once.
 *
 * @param requestsOn its programs on a device: those that are kept need not be compiled
 */
export async function settleTarget(
  open: Pick<OpenNet, "target" | "hold" | "lowered" | "threads" | "dtype" | "fma" | "isChosen">,
  options: CompileOptions,
  solver: SolverParameter | undefined,
  requestsOn: (device: Device) => readonly ProgramRequest[],
): Promise<Pick<OpenNet, "target" | "hold">> {
  const { target, hold, lowered, dtype, fma } = open;
  const as = { target, hold };
  const compiled = deviceRecord(target.name);
  if (!open.isChosen || !compiled.compiles) return as;
  const work = workOf(lowered, solver);
  const why = `its kernels would take ${work.compiling.toFixed(1)} s to compile, more than they save in ${work.words}`;
  const quick = await chooseTarget(options, undefined, { [target.name]: why });
  const rates = { compiled, atOnce: deviceRecord(quick.name) };
  if (compilingPays(work, open.threads, rates) || (await allKept(requestsOn(hold.device), open))) return as;
  await hold.close();
  return { target: quick, hold: holdDevice(await openDevice(quick, { dtype, fma })) };
}

async function allKept(
  requests: readonly ProgramRequest[],
  { lowered, hold }: Pick<OpenNet, "lowered" | "hold">,
): Promise<boolean> {
  for (const request of requests) if (!(await hold.device.find?.(programKey(request, lowered)))) return false;
  return true;
}

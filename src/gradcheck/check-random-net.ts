/** A random net, compiled in float64 and compared along one direction. */

import type { Rules } from "../../codegen/autodiff/index.js";
import { sizeOf } from "../../codegen/ir/graph.js";
import type { Device, ParamStore } from "../../runtime/device.js";
import { createTsDevice } from "../../runtime/devices/ts/ts-device.js";
import type { LayerType, LoweredNet } from "../layers/index.js";
import { loadProgram, optionsFor, requestProgram } from "../net/load-program.js";
import { netRequest, type ProgramRequest } from "../net/programs.js";
import {
  type Checked,
  compareAlong,
  type GradientCheck,
  gradientsAt,
  randomDirection,
} from "./directional.js";
import { heldBack } from "./held-back.js";
import { lowerText } from "./net-builder.js";
import { randomDiffs, randomNetValues } from "./net-values.js";
import type { RandomNet } from "./random-net.js";

export interface CheckOptions {
  readonly dtype?: "float32" | "float64";
  /** Layer types beside Cortado's own. */
  readonly layers?: readonly LayerType[];
  /** Other derivatives than Cortado's own: to see that wrong ones are found. */
  readonly rules?: Rules;
  /** One for reals of `dtype`, left open. Default: that of the `ts` target. */
  readonly device?: Device;
}

/** The program of a random net in phase TRAIN with backward from seeds on every output that is no loss. */
export function requestForCheck(
  net: RandomNet,
  device: Device,
  { dtype = "float64", layers, rules }: CheckOptions = {},
): { readonly lowered: LoweredNet; readonly seeded: readonly string[]; readonly request: ProgramRequest } {
  const lowered = lowerText(net.text, layers);
  const lossBlobs = lowered.losses.map(({ blob }) => blob);
  const seeded = lowered.outputs.filter((blob) => !lossBlobs.includes(blob));
  const objective = { backward: true, seeds: seeded, keep: lossBlobs };
  return { lowered, seeded, request: netRequest(lowered, objective, optionsFor(device, dtype, 1), rules) };
}

/** Compiles it, with parameters and values at random. */
export async function compileForCheck(net: RandomNet, options: CheckOptions = {}): Promise<Checked> {
  const { dtype = "float64" } = options;
  const device = options.device ?? createTsDevice(dtype);
  const { lowered, seeded, request } = requestForCheck(net, device, options);
  const values = randomNetValues(net, lowered);
  const store: ParamStore = {
    dtype,
    memories: lowered.params.map(({ shape }) => device.allocate(sizeOf(shape))),
  };
  const seeds = randomDiffs(lowered, seeded, net.seed);
  const program = await requestProgram(request, lowered, device);
  const runner = await loadProgram(program, { device, params: store, threads: 1 });
  return { lowered, runner, store, values, seeds };
}

/** Compiles a net and compares. The direction covers the differentiable inputs and the parameters whose gradient is wanted. */
export async function checkGradient(
  net: RandomNet,
  options: Pick<CheckOptions, "layers" | "rules" | "device"> = {},
): Promise<GradientCheck> {
  const checked = await compileForCheck(net, options);
  const { lowered } = checked;
  const still = heldBack(lowered, net.text, options.layers);
  const moves = new Set(net.inputs.filter(({ differentiable }) => differentiable).map(({ blob }) => blob));
  const along = {
    inputs: lowered.wanted.inputs.filter((blob) => moves.has(blob) && !still.inputs.has(blob)),
    params: lowered.wanted.params.filter((index) => !still.params.has(index)),
  };
  const direction = randomDirection(checked, along, net.seed);
  try {
    return await compareAlong(checked, await gradientsAt(checked), direction);
  } finally {
    await checked.runner.built.executor.close();
  }
}

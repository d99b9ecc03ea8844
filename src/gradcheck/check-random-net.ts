/** A random net, compiled in float64 and compared along one direction. */

import type { Rules } from "../../codegen/autodiff/index.js";
import { sizeOf } from "../../codegen/ir/graph.js";
import type { ParamStore } from "../../runtime/device.js";
import { createTsDevice } from "../../runtime/devices/ts/ts-device.js";
import type { LayerType } from "../layers/index.js";
import { loadProgram, optionsFor, requestProgram } from "../net/load-program.js";
import { netRequest } from "../net/programs.js";
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
}

/** Compiles a random net in phase TRAIN with backward from seeds on every output that is no loss. */
export async function compileForCheck(net: RandomNet, options: CheckOptions = {}): Promise<Checked> {
  const { dtype = "float64", layers, rules } = options;
  const lowered = lowerText(net.text, layers);
  const values = randomNetValues(net, lowered);
  const device = createTsDevice(dtype);
  const store: ParamStore = {
    dtype,
    memories: lowered.params.map(({ shape }) => device.allocate(sizeOf(shape))),
  };
  const lossBlobs = lowered.losses.map(({ blob }) => blob);
  const outputs = lowered.outputs.filter((blob) => !lossBlobs.includes(blob));
  const seeds = randomDiffs(lowered, outputs, net.seed);
  const objective = { backward: true, seeds: [...seeds.keys()], keep: lossBlobs };
  const request = netRequest(lowered, objective, optionsFor(device, dtype, 1), rules);
  const program = await requestProgram(request, lowered, device);
  const runner = await loadProgram(program, { device, params: store, threads: 1 });
  return { lowered, runner, store, values, seeds };
}

/** Compiles a net and compares. The direction covers the differentiable inputs and the parameters whose gradient is wanted. */
export async function checkGradient(
  net: RandomNet,
  options: Pick<CheckOptions, "layers" | "rules"> = {},
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

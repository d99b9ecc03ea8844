/** A drawn net, compiled in float64 and compared along one direction. */

import type { Rules } from "../../codegen/autodiff/index.js";
import { sizeOf } from "../../codegen/ir/graph.js";
import type { ParamStore } from "../../runtime/device.js";
import { createTsDevice } from "../../runtime/devices/ts/ts-device.js";
import { randomStream } from "../../runtime/random/index.js";
import type { LayerType } from "../layers/index.js";
import { loadProgram, optionsFor } from "../net/load-program.js";
import { netProgram } from "../net/programs.js";
import { heldBack } from "./cut.js";
import {
  type Checked,
  compareAlong,
  type Direction,
  type GradientCheck,
  gradientsAt,
} from "./directional.js";
import type { DrawnNet } from "./drawn.js";
import { lowerDrawn } from "./net-maker.js";
import { drawNetValues, uniforms } from "./net-values.js";

export interface CheckOptions {
  readonly dtype?: "float32" | "float64";
  /** Layer types beside Cortado's own. */
  readonly layers?: readonly LayerType[];
  /** Other derivatives than Cortado's own: to see that wrong ones are found. */
  readonly rules?: Rules;
}

/** Compiles a drawn net in phase TRAIN with backward from seeds on every output that is no loss. */
export async function compileForCheck(net: DrawnNet, options: CheckOptions = {}): Promise<Checked> {
  const { dtype = "float64", layers, rules } = options;
  const lowered = lowerDrawn(net.text, layers);
  const values = drawNetValues(net, lowered);
  const device = createTsDevice(dtype);
  const store: ParamStore = {
    dtype,
    memories: lowered.params.map(({ shape }) => device.allocate(sizeOf(shape))),
  };
  const lossBlobs = lowered.losses.map(({ blob }) => blob);
  const stream = randomStream(net.seed, 1);
  const seeds = new Map(
    lowered.outputs
      .filter((blob) => !lossBlobs.includes(blob))
      .map((blob) => [blob, uniforms(stream, sizeOf(lowered.blobs.get(blob)!.shape))]),
  );
  const objective = { backward: true, seeds: [...seeds.keys()], keep: lossBlobs };
  const program = netProgram(lowered, objective, optionsFor(device, dtype, 1), rules);
  const runner = await loadProgram(program, lowered, { device, params: store, threads: 1 });
  return { lowered, runner, store, values, seeds };
}

/** Compiles a net and compares. The direction covers the differentiable inputs and the parameters whose gradient is wanted. */
export async function checkGradient(
  net: DrawnNet,
  options: Pick<CheckOptions, "layers" | "rules"> = {},
): Promise<GradientCheck> {
  const checked = await compileForCheck(net, options);
  const { lowered, values } = checked;
  const stream = randomStream(net.seed, 2);
  const still = heldBack(lowered, net.text, options.layers);
  const moves = new Set(net.inputs.filter(({ differentiable }) => differentiable).map(({ blob }) => blob));
  const direction: Direction = {
    inputs: new Map(
      lowered.wanted.inputs
        .filter((blob) => moves.has(blob) && !still.inputs.has(blob))
        .map((blob) => [blob, uniforms(stream, values.inputs.get(blob)!.length)]),
    ),
    params: new Map(
      lowered.wanted.params
        .filter((index) => !still.params.has(index))
        .map((index) => [index, uniforms(stream, sizeOf(lowered.params[index].shape))]),
    ),
  };
  try {
    return await compareAlong(checked, await gradientsAt(checked), direction);
  } finally {
    await checked.runner.built.executor.close();
  }
}

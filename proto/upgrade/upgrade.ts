/**
 * Nets and solvers of any age to the current format, step by step as Caffe does when it reads a file
 * (UpgradeNetAsNeeded and UpgradeSolverAsNeeded in upgrade_proto.cpp). For text and binary files alike.
 */

import type { Diagnostics } from "../errors/index.js";
import {
  createMessage,
  has,
  type InputParameter,
  type LayerParameter,
  type NetParameter,
  type SolverParameter,
  type SolverParameter_SolverType,
  withFields,
} from "../index.js";
import {
  amend,
  carryPlaces,
  nameSpanOf,
  placeField,
  placeItems,
  placeMessage,
  spanOf,
} from "../text/spans.js";
import { quoted } from "../words/names.js";
import { isV0, upgradeV0 } from "./upgrade-v0.js";
import { upgradeV1 } from "./upgrade-v1.js";

const SOLVER_TYPES: Readonly<Record<SolverParameter_SolverType, string>> = {
  SGD: "SGD",
  NESTEROV: "Nesterov",
  ADAGRAD: "AdaGrad",
  RMSPROP: "RMSProp",
  ADADELTA: "AdaDelta",
  ADAM: "Adam",
};

/** `input_dim` gives this many extents for each input: batch, channels, height, width. */
const DIMS_PER_INPUT = 4;

/** A net in the current format: `layer` only, inputs as Input layers. What cannot be upgraded is reported. */
export function upgradeNet(net: NetParameter, diagnostics: Diagnostics): NetParameter {
  let current = net;
  if (isV0(current)) current = upgradeV0(current, diagnostics);
  if (current.layers.length > 0) current = upgradeV1(current, diagnostics);
  if (current.input.length > 0) current = upgradeInputs(current, diagnostics);
  return upgradeBatchNorm(current);
}

/** A solver in the current format, and the nets that stand in it too. */
export function upgradeSolver(solver: SolverParameter, diagnostics: Diagnostics): SolverParameter {
  const { net_param, train_net_param, test_net_param } = solver;
  const upgraded = amend(solver, {
    net_param: net_param && upgradeNet(net_param, diagnostics),
    train_net_param: train_net_param && upgradeNet(train_net_param, diagnostics),
    test_net_param:
      test_net_param.length > 0 ? test_net_param.map((net) => upgradeNet(net, diagnostics)) : undefined,
  });
  if (!has(upgraded, "solver_type")) return upgraded;
  if (has(upgraded, "type")) {
    diagnostics.error("type and solver_type are both given", nameSpanOf(solver, "solver_type"), {
      hint: "keep type, solver_type is its old form",
      related: [{ message: "type is here", span: nameSpanOf(solver, "type") }],
    });
    return upgraded;
  }
  const typed = withFields(upgraded, { type: SOLVER_TYPES[upgraded.solver_type], solver_type: undefined });
  carryPlaces(solver, typed);
  carryPlaces(solver, typed, [["solver_type", "type"]]);
  return typed;
}

/** The fields `input`, `input_shape` and `input_dim` become one layer of type Input, the first one. */
function upgradeInputs(net: NetParameter, diagnostics: Diagnostics): NetParameter {
  const layer = inputLayer(net, diagnostics);
  const upgraded = amend(net, {
    input: undefined,
    input_shape: undefined,
    input_dim: undefined,
    layer: layer === undefined ? net.layer : [layer, ...net.layer],
  });
  placeItems(upgraded, "layer", upgraded.layer);
  return upgraded;
}

/** Undefined for old weight files, which name their inputs without any shape. */
function inputLayer(net: NetParameter, diagnostics: Diagnostics): LayerParameter | undefined {
  const { input, input_shape, input_dim } = net;
  if (input_shape.length === 0 && input_dim.length === 0) {
    if (spanOf(net) !== undefined)
      diagnostics.warn(`input ${quoted(input[0])} has no shape and is left out`, spanOf(net, "input"), {
        hint: "give input_shape { dim: … } or four input_dim",
      });
    return undefined;
  }
  const useShapes = input_shape.length > 0;
  const shapes = input.map((_, i) => {
    if (useShapes) return input_shape[i];
    const dims = input_dim.slice(i * DIMS_PER_INPUT, (i + 1) * DIMS_PER_INPUT);
    if (dims.length < DIMS_PER_INPUT) return undefined;
    const shape = createMessage("BlobShape", { dim: dims });
    placeDims(net, shape, i);
    return shape;
  });
  const missing = shapes.indexOf(undefined);
  if (missing !== -1) {
    const given = useShapes
      ? `${input_shape.length} input_shape for ${input.length} inputs`
      : `${input_dim.length} input_dim for ${input.length} inputs, each needs ${DIMS_PER_INPUT}`;
    diagnostics.error(
      `input ${quoted(input[missing])} has no shape: ${given}`,
      spanOf(net, "input", missing),
    );
  } else if (
    useShapes ? input_shape.length > input.length : input_dim.length > DIMS_PER_INPUT * input.length
  ) {
    const field = useShapes ? "input_shape" : "input_dim";
    const extra = useShapes ? input.length : DIMS_PER_INPUT * input.length;
    diagnostics.warn(
      `there are more ${field} than the inputs need; the rest is left out`,
      spanOf(net, field, extra),
    );
  }
  const shape = shapes.filter((found) => found !== undefined);
  const parameter: InputParameter = createMessage("InputParameter", { shape });
  const layer = createMessage("LayerParameter", {
    name: "input",
    type: "Input",
    top: input,
    input_param: parameter,
  });
  const first = nameSpanOf(net, "input");
  const place = spanOf(net, useShapes ? "input_shape" : "input_dim") ?? first;
  if (first && place) {
    placeMessage(parameter, place);
    placeItems(parameter, "shape", shape);
    placeMessage(layer, { ...first, end: spanOf(net, "input")?.end ?? first.end });
    placeField(layer, "input_param", place, place);
    carryPlaces(net, layer, [["input", "top"]]);
  }
  return layer;
}

function placeDims(net: NetParameter, shape: object, input: number): void {
  for (let i = input * DIMS_PER_INPUT; i < (input + 1) * DIMS_PER_INPUT; i++) {
    const name = nameSpanOf(net, "input_dim", i);
    const value = spanOf(net, "input_dim", i);
    if (name === undefined || value === undefined) return;
    if (spanOf(shape) === undefined) placeMessage(shape, value);
    placeField(shape, "dim", name, value);
  }
}

/** Old BatchNorm layers gave three params, all with rates of 0; they never learn, whatever was written. */
function upgradeBatchNorm(net: NetParameter): NetParameter {
  const isOld = (layer: LayerParameter): boolean => layer.type === "BatchNorm" && layer.param.length === 3;
  if (!net.layer.some(isOld)) return net;
  const layer = net.layer.map((found) =>
    isOld(found)
      ? amend(found, { param: found.param.map((spec) => amend(spec, { lr_mult: 0, decay_mult: 0 })) })
      : found,
  );
  return amend(net, { layer });
}

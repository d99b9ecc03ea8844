/** A net as text to graph and derivative, and their values in float64 by the plain interpreter. */
import { differentiate } from "../../codegen/autodiff/index.js";
import { type Node, type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { CortadoError, createDiagnostics } from "../../proto/errors/index.js";
import type { LayerParameter } from "../../proto/index.js";
import {
  inputName,
  type LoweredNet,
  type LowerOptions,
  lowerNet,
  schemaWith,
} from "../../src/layers/index.js";
import { wantedNodes } from "../../src/net/objective.js";
import { parseNet, selectLayers, wireNet } from "../../src/net-text/index.js";
import { interpret } from "./interpret.js";

/** Parses, selects, wires and lowers. Throws a CortadoError with every mistake. */
export function lowerText(
  text: string,
  options: Partial<LowerOptions> & {
    readonly name?: string;
    /** Of data layers' tops. */
    readonly shapesOf?: (layer: LayerParameter) => readonly Shape[] | undefined;
  } = {},
): LoweredNet {
  const { phase = "TRAIN", diagnostics = createDiagnostics() } = options;
  const definition = selectLayers(parseNet(text, { name: options.name, schema: schemaWith(options.types) }), {
    phase,
  });
  const wiring = wireNet(definition, diagnostics);
  const feedShapes = new Map(
    definition.net.layer.flatMap((layer) => {
      const shapes = options.shapesOf?.(layer);
      return shapes ? [[layer, shapes] as const] : [];
    }),
  );
  const lowered = lowerNet(definition, wiring, { feedShapes, ...options, phase, diagnostics });
  if (!lowered || diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
  return lowered;
}

export interface Evaluation {
  value(node: Node): Float64Array;
  /** The diff that Caffe would leave on a blob; undefined where it computes none. */
  diff(blob: string): Float64Array | undefined;
  gradient(param: number): Float64Array | undefined;
}

/** Runs a lowered net forward and backward. `seeds`: diffs put on blobs; losses start from their weights. */
export function evaluate(
  lowered: LoweredNet,
  given: {
    readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
    readonly params: ReadonlyMap<number, ArrayLike<number>>;
    readonly seeds?: ReadonlyMap<string, ArrayLike<number>>;
    readonly step?: number;
  },
): Evaluation {
  const { builder: b, blobs, params, losses, updates } = lowered;
  const inputs = new Map<string, Float64Array>();
  for (const [blob, values] of given.inputs) inputs.set(inputName(blob), Float64Array.from(values));
  const seeds = losses
    .filter(({ backward }) => backward)
    .map(({ node, weight }) => ({ node, cotangent: b.constant(weight, node.shape) }));
  for (const [blob, values] of given.seeds ?? []) {
    const node = blobs.get(blob)!.last;
    inputs.set(`diff:${blob}`, Float64Array.from(values));
    seeds.push({ node, cotangent: b.input(`diff:${blob}`, node.shape) });
  }
  const cotangents = differentiate(b, {
    seeds,
    wanted: wantedNodes(lowered, { keep: [...blobs.keys()] }, seeds),
  });
  // What a layer carries from one forward to the next is 0 before the first.
  const carried = params.flatMap(({ kind, shape }, index) =>
    kind === "carried" ? [[index, new Float64Array(sizeOf(shape))] as const] : [],
  );
  const value = interpret(
    [
      ...[...blobs.values()].map(({ last }) => last),
      ...updates.map(({ node }) => node),
      ...lowered.rowCounts.map(({ node }) => node),
      ...cotangents.values(),
    ],
    {
      inputs,
      params: new Map([
        ...carried,
        ...[...given.params].map(([index, values]) => [index, Float64Array.from(values)] as const),
      ]),
      step: given.step,
    },
  );
  const at = (node: Node): Float64Array | undefined => {
    const cotangent = cotangents.get(node);
    return cotangent && value(cotangent);
  };
  return {
    value,
    diff(blob) {
      // A loss's diff is its weight, whether backward starts there or not.
      const loss = losses.find((one) => one.blob === blob && !one.backward);
      return at(blobs.get(blob)!.first) ?? (loss && Float64Array.of(loss.weight));
    },
    gradient: (param) => at(params[param].node),
  };
}

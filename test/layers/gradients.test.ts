/**
 * For every layer type that has a gradient: layers drawn from what the type declares, and the directional derivative
 * by central differences in float64 against the derived backward pass. A failure shrinks and prints its prototxt.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeOf } from "../../src/ir/graph.js";
import { knownLayerTypes, type LayerType, type LoweredNet } from "../../src/layers/index.js";
import { type Evaluation, evaluate, lowerText } from "../support/lowered.js";
import { drawFrom, drawLayer, drawValues, uniforms } from "../support/random-layer.js";
import { drawNet, inDomain } from "../support/random-net.js";

const differentiable = [...knownLayerTypes().values()].filter(
  ({ feed, domain }) => !feed && domain?.differentiable?.length !== 0,
);

interface Directional {
  readonly derived: number;
  readonly measured: number;
  /** How large the sums are whose difference is measured: their rounding is part of it. */
  readonly size: number;
  readonly here: Evaluation;
}

/**
 * The derivative along a random direction in inputs and parameters, by the graph and by central differences, of the
 * weighted losses plus the outputs times random diffs.
 */
function directional(
  lowered: LoweredNet,
  inputs: ReadonlyMap<string, Float64Array>,
  moving: readonly string[],
  seed: number,
  step: number,
): Directional {
  const next = uniforms(seed);
  const random = (x: { readonly length: number }) =>
    Float64Array.from({ length: x.length }, () => 2 * next() - 1);
  const params = new Map(
    lowered.params.map(({ shape, kind }, index) => {
      const zeros = new Float64Array(sizeOf(shape));
      return [index, kind === "state" ? zeros : random(zeros)] as const;
    }),
  );
  const losses = new Set(lowered.losses.map(({ blob }) => blob));
  const seeds = new Map(
    lowered.outputs
      .filter((blob) => !losses.has(blob))
      .map((blob) => [blob, random({ length: sizeOf(lowered.blobs.get(blob)!.shape) })]),
  );
  const along = {
    inputs: new Map(moving.map((blob) => [blob, random(inputs.get(blob)!)])),
    params: new Map(lowered.wanted.params.map((index) => [index, random(params.get(index)!)])),
  };
  const moved = <K>(values: ReadonlyMap<K, Float64Array>, by: Map<K, Float64Array>, distance: number) =>
    new Map(
      [...values].map(([key, x]) => [key, x.map((value, i) => value + distance * (by.get(key)?.[i] ?? 0))]),
    );

  const here = evaluate(lowered, { inputs, params, seeds });
  let derived = 0;
  const dot = (a: Float64Array | undefined, b: Float64Array) =>
    a?.reduce((sum, x, i) => sum + x * b[i], 0) ?? 0;
  for (const [blob, d] of along.inputs) derived += dot(here.diff(blob), d);
  for (const [index, d] of along.params) derived += dot(here.gradient(index), d);

  const objective = (distance: number): number => {
    const there = evaluate(lowered, {
      inputs: moved(inputs, along.inputs, distance),
      params: moved(params, along.params, distance),
    });
    let total = 0;
    for (const { node, weight } of lowered.losses)
      total += weight * there.value(node).reduce((sum, x) => sum + x, 0);
    for (const [blob, diff] of seeds) total += dot(there.value(lowered.blobs.get(blob)!.last), diff);
    return total;
  };
  const [up, down] = [objective(step), objective(-step)];
  return { derived, measured: (up - down) / (2 * step), size: Math.abs(up) + Math.abs(down), here };
}

/** Fails, with the prototxt, where the two derivatives differ by more than rounding and curvature explain. */
function compare({ derived, measured, size }: Directional, step: number, prototxt: string): void {
  const bound = 1e-5 * Math.max(Math.abs(measured), 1e-2) + (1e-14 * size) / step;
  if (!(Math.abs(derived - measured) <= bound))
    expect.fail(`derived ${derived}, measured ${measured} in\n${prototxt}`);
}

const check = (type: LayerType): void =>
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const random = drawLayer(drawFrom(g), type);
      fc.pre(random !== undefined);
      const next = uniforms(random.seed);
      const inputs = new Map(
        random.shapes.map((shape, i) => [`x${i}`, drawValues(random.values[i], shape, next)]),
      );
      const moving = random.differentiable.map((i) => `x${i}`);
      const step = 1e-5;
      compare(
        directional(lowerText(random.prototxt), inputs, moving, random.seed + 1, step),
        step,
        random.prototxt,
      );
    }),
    { numRuns: 40, seed: 20240607 },
  );

describe("gradients of layers", () => {
  it.each(differentiable.map((type) => [type.type, type] as const))("%s", (_, type) => check(type));
});

describe("gradients of whole nets", () => {
  it("of random layers, with branches, joins and in-place", () => {
    const step = 1e-6;
    let checked = 0;
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const draw = drawFrom(g);
        const { prototxt, lowered, inputs, domains } = drawNet(draw, 5);
        const seed = draw.integer(0, 1e6);
        const next = uniforms(seed);
        const values = new Map(
          [...inputs].map(([blob, { values, shape }]) => [blob, drawValues(values, shape, next)]),
        );
        const moving = lowered.wanted.inputs.filter((blob) => {
          const { values } = inputs.get(blob)!;
          return values.kind !== "label" && !("bounded" in values);
        });
        const result = directional(lowered, values, moving, seed + 1, step);
        // Deep nets can grow without bound; then the difference of two sums says nothing.
        fc.pre(Number.isFinite(result.measured) && result.size < 1e4);
        for (const { name, bottomNodes } of lowered.layers)
          for (const [i, domain] of (domains.get(name) ?? []).entries())
            fc.pre(inDomain(result.here.value(bottomNodes[i]), domain, 1e-4));
        compare(result, step, prototxt);
        checked++;
      }),
      { numRuns: 150, seed: 7, maxSkipsPerRun: 20 },
    );
    expect(checked).toBeGreaterThanOrEqual(150);
  }, 60_000);
});

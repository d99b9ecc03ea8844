import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nativeTarget, wasmTarget } from "../../../codegen/targets/index.js";
import { randomStream } from "../../../runtime/random/index.js";
import { compile } from "../../../src/index.js";
import { addonForTests } from "../../support/native.js";

const native = await addonForTests();
const integer = (min: number, max: number) => fc.integer({ min, max });

/** A net on which a pass has something to do. */
interface PassedNet {
  readonly phase: "TRAIN" | "TEST";
  readonly shape: readonly number[];
  readonly layers: string;
}

const layer = (type: string, name: string, bottom: string, settings = ""): string =>
  `layer { type: "${type}" name: "${name}" bottom: "${bottom}" top: "${name}" ${settings} }\n`;
const loss = (bottom: string): string =>
  layer("Reduction", "loss", bottom, "loss_weight: 1 reduction_param { operation: SUMSQ }");
const convolution = (bottom: string, outputs: number, kernel: number, pad: number): string =>
  layer(
    "Convolution",
    "conv",
    bottom,
    `convolution_param { num_output: ${outputs} kernel_size: ${kernel} pad: ${pad} }`,
  );

/** For each pass of a target, nets that it changes. */
const NETS: Readonly<Record<string, fc.Arbitrary<PassedNet>>> = {
  winograd: fc
    .record({
      images: integer(2, 3),
      channels: integer(30, 40),
      outputs: integer(30, 45),
      rows: integer(16, 22),
      columns: integer(16, 22),
      five: fc.boolean(),
      pad: integer(0, 2),
      relu: fc.boolean(),
    })
    .map(({ images, channels, outputs, rows, columns, five, pad, relu }) => ({
      phase: "TRAIN",
      shape: [images, channels, rows, columns],
      layers:
        convolution("data", outputs, five ? 5 : 3, pad) +
        (relu ? layer("ReLU", "relu", "conv") + loss("relu") : loss("conv")),
    })),
  "fold parameters": fc
    .record({ channels: integer(1, 5), outputs: integer(1, 20), size: integer(3, 9), residual: fc.boolean() })
    .map(({ channels, outputs, size, residual }) => ({
      phase: "TEST",
      shape: [2, channels, size, size + 1],
      layers:
        convolution("data", outputs, 3, 1) +
        layer("BatchNorm", "normal", "conv") +
        layer("Scale", "scale", "normal", "scale_param { bias_term: true }") +
        (residual
          ? layer("Eltwise", "sum", "conv", 'bottom: "scale"') + layer("ReLU", "relu", "sum")
          : layer("ReLU", "relu", "scale")),
    })),
  "powers by roots": fc
    .record({
      channels: integer(1, 20),
      size: integer(2, 9),
      within: fc.boolean(),
      power: fc.constantFrom(0.25, 0.75, -0.75, 1.25),
    })
    .map(({ channels, size, within, power }) => ({
      phase: "TRAIN",
      shape: [2, channels, size, size],
      layers:
        layer(
          "LRN",
          "norm",
          "data",
          `lrn_param { local_size: 3 alpha: 0.5 norm_region: ${within ? "WITHIN_CHANNEL" : "ACROSS_CHANNELS"} }`,
        ) +
        layer("Power", "square", "norm", "power_param { power: 2 }") +
        layer("Power", "power", "square", `power_param { power: ${power} shift: 1 }`) +
        loss("power"),
    })),
};

/** What a net makes of parameters and data at random: its outputs and, in phase TRAIN, its gradients. */
async function valuesOf(
  target: "native" | "wasm",
  { phase, shape, layers }: PassedNet,
  passes: Readonly<Record<string, boolean>>,
): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const input = `input_param { shape { ${shape.map((extent) => `dim: ${extent}`).join(" ")} } }`;
  const text = `force_backward: true layer { name: "data" type: "Input" top: "data" ${input} }\n${layers}`;
  const net = await compile(text, { target, phase, passes });
  try {
    const stream = randomStream(1, 0);
    // Positive where it must be, as a variance.
    const draw = (count: number, least: number): Float64Array =>
      Float64Array.from({ length: count }, () => least + (1 - least) * stream.uniform());
    const count = shape.reduce((product, extent) => product * extent, 1);
    for (const [name, params] of Object.entries(net.params))
      for (const param of params) {
        const { length } = await param.read();
        await param.write(Float32Array.from(draw(length, name === "normal" ? 0.5 : -1)));
      }
    const outputs = await net.forward({ data: Float32Array.from(draw(count, -1)) });
    const gradients = phase === "TRAIN" ? await net.backward() : undefined;
    return new Map([
      ...Object.entries(outputs),
      ...Object.entries(gradients?.inputs ?? {}).map(([blob, x]) => [`diff of ${blob}`, x] as const),
      ...Object.entries(gradients?.params ?? {}).flatMap(([name, all]) =>
        all.map((x, i) => [`gradient ${i} of ${name}`, x] as const),
      ),
    ]);
  } finally {
    await net.close();
  }
}

const distance = (got: ArrayLike<number>, want: ArrayLike<number>): number => {
  const square = (of: (x: number, i: number) => number) =>
    Array.from(want).reduce((sum, x, i) => sum + of(x, i) ** 2, 0);
  return Math.sqrt(square((x, i) => x - got[i]) / square((x) => x));
};

describe.each([
  { target: nativeTarget, here: native !== undefined },
  { target: wasmTarget, here: true },
])("passes of target $target.name", ({ target, here }) => {
  it("have nets here", () => {
    expect(Object.keys(NETS).sort()).toEqual(target.passes.map(({ name }) => name).sort());
  });

  it.skipIf(!here).each(Object.keys(NETS))(
    "%s: the net gives what it gives without",
    async (pass) => {
      const seed = process.env["CI"] ? 20261122 : undefined;
      // Winograd's kernels take some seconds to compile.
      const runs =
        (pass === "winograd" ? 1 : 2) * Math.ceil(Number(process.env["CORTADO_FUZZ_RUNS"] ?? 1) / 1000);
      for (const net of fc.sample(NETS[pass], { numRuns: runs, seed })) {
        const usual = await valuesOf(target.name, net, { [pass]: true });
        const without = await valuesOf(target.name, net, { [pass]: false });
        expect(usual.size).toBe(without.size);
        for (const [name, x] of usual)
          expect(distance(x, without.get(name)!), `${name} of\n${net.layers}`).toBeLessThan(1e-5);
        // Other roundings, or nothing was switched off.
        expect(usual, net.layers).not.toEqual(without);
      }
    },
    600_000,
  );
});

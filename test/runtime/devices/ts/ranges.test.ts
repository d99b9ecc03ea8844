/** Launches over parts of a kernel's parallel loop: whatever the parts, the bits are those of whole launches. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../../../codegen/ir/builder.js";
import type { Node } from "../../../../codegen/ir/graph.js";
import { arg, binary, unary } from "../../../../codegen/ir/scalar.js";
import type { Argument, Launch, Program } from "../../../../codegen/kernel/kernel.js";
import { launchableOf, rangeOf, requireWhole } from "../../../../codegen/kernel/launch.js";
import { placeOf } from "../../../../codegen/lower/lower-plan.js";
import { planGraph } from "../../../../codegen/plan/index.js";
import { tsTarget } from "../../../../codegen/targets/index.js";
import { loadKernels, transpile } from "../../../../codegen/targets/ts/ts-module.js";
import { openTsDevice } from "../../../../runtime/artefact/artefact-ts-device.js";
import type { HostKernel } from "../../../../runtime/devices/threads/inline-executor.js";
import { workerText } from "../../../../runtime/devices/threads/worker-text.js";
import { createTsDevice } from "../../../../runtime/devices/ts/ts-device.js";
import type { LoweredNet } from "../../../../src/layers/index.js";
import { programTable } from "../../../../src/net/net-tables.js";
import { lowerFor, tsSource } from "../../../support/pipeline.js";

const IMAGES = 6;

/**
 * A convolution, a pooling of its tanh, sums over images: each kernel's parallel loop begins with images, and every
 * value has a place of its own, so an image can go through all kernels before the next one begins.
 */
function chain() {
  const b = createBuilder();
  const spatial = { kernel: 3, stride: 1, pad: 1, dilation: 1, input: 16, output: 16 };
  const data = b.input("data", [IMAGES, 4, 16, 16]);
  const weights = b.input("weights", [8, 4, 3, 3]);
  const conv = b.conv(data, weights, { groups: 1, spatial: [spatial, spatial] });
  const axis = { size: 2, stride: 2, pad: 0, windows: 8, extent: 16 };
  const pool = b.windowMax(b.map(unary("tanh", arg(0)), [conv]), [
    { axis: 2, ...axis },
    { axis: 3, ...axis },
  ]);
  const sums = b.reduce("sum", b.map(binary("mul", arg(0), arg(0)), [pool]), [1, 2, 3]);
  const roots = [conv, pool, sums].map((node, i) => ({ role: "value" as const, blob: `value${i}`, node }));
  const plan = planGraph({ roots }, { realBytes: 4 });
  const program = lowerFor(tsTarget, plan);
  const place = (node: Node): Argument => placeOf(plan, node, 4);
  return {
    program,
    inputs: [data, weights].map(place),
    roots: roots.map((root) => ({ root, place: place(root.node) })),
  };
}
/** All that a program's table reads of a net. */
const NO_CHECKS = { checks: [] as readonly never[], params: [] as readonly never[] } as unknown as LoweredNet;
const { program: whole, inputs, roots } = chain();

const valuesAt = ({ elements }: Argument): Float32Array =>
  Float32Array.from({ length: elements }, (_, i) => Math.sin(0.7 * i) + 0.01 * (i % 13));

const bits = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

/** The bits of the outputs when the pass has run on so many threads. */
async function run(program: Program, threads: number): Promise<readonly string[]> {
  const device = createTsDevice("float32");
  const executor = await device.load(program, { dtype: "float32", memories: [] }, { threads });
  for (const place of inputs) await executor.write(place, valuesAt(place));
  await executor.run("forward");
  const outputs = await Promise.all(roots.map(({ place }) => executor.read(place)));
  expect(executor.times("forward")).toHaveLength(program.forward.length);
  await executor.close();
  return outputs.map(bits);
}

const extentOf = ({ kernel }: Launch): number => whole.kernels[kernel].parallel.extent;
const withForward = (forward: readonly Launch[]): Program => ({ ...whole, forward });

/** Each kernel over these images, then all again over the next. */
const inTurns = (images: number): Program =>
  withForward(
    Array.from({ length: Math.ceil(IMAGES / images) }, (_, turn) =>
      whole.forward.map((launch) => {
        const each = extentOf(launch) / IMAGES;
        const to = Math.min(IMAGES, (turn + 1) * images);
        return { ...launch, range: { from: turn * images * each, to: to * each } };
      }),
    ).flat(),
  );

describe("launches over ranges", () => {
  it.each([1, 3])(
    "take turns over images with the bits of whole launches, on %i threads",
    async (threads) => {
      expect(whole.forward.length).toBeGreaterThan(2);
      expect(whole.forward.every((launch) => extentOf(launch) % IMAGES === 0)).toBe(true);
      const expected = await run(whole, 1);
      for (const images of [1, 4, IMAGES]) expect(await run(inTurns(images), threads)).toEqual(expected);
    },
  );

  it("make a whole of any parts, in any order, on 1 and 3 threads", async () => {
    const expected = await run(whole, 1);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
        async (cuts) => {
          const forward = whole.forward.flatMap((launch) => {
            const extent = extentOf(launch);
            const ends = [0, ...cuts.map((cut) => Math.floor(cut * extent)), extent].sort((a, b) => a - b);
            const ranges = ends.slice(1).map((to, i) => ({ from: ends[i], to }));
            return ranges.reverse().map((range) => ({ ...launch, range }));
          });
          for (const threads of [1, 3]) expect(await run(withForward(forward), threads)).toEqual(expected);
        },
      ),
      { numRuns: 5 },
    );
  });

  it("are a built module's as well", async () => {
    const expected = await run(whole, 1);
    for (const program of [whole, inTurns(4)]) {
      const table = programTable(
        { program, graph: { roots: [] }, inputs: new Map([["data", inputs[0]]]), roots },
        NO_CHECKS,
      );
      expect(table.ranges?.length ?? 0).toBe(program === whole ? 0 : program.forward.length);
      const source = transpile(tsSource(program));
      const parts = {
        programs: [table],
        functions: loadKernels(source, "ranges") as readonly HostKernel[],
        kernels: program.kernels.map(launchableOf),
        text: { path: "", at: "" },
        threadText: workerText(),
      };
      const files = { read: async () => new TextEncoder().encode(source) };
      const device = await openTsDevice({ parameters: [] }, parts, files, { threads: 2 });
      const [opened] = device.programs;
      for (const place of inputs) await opened.executor.write(place, valuesAt(place));
      await opened.executor.run("forward");
      const outputs = await Promise.all(roots.map(({ place }) => opened.executor.read(place)));
      expect(outputs.map(bits)).toEqual(expected);
      await device.close();
    }
  });

  it("lie inside the parallel loop, and on a GPU there are none", () => {
    const [launch] = whole.forward;
    const kernel = whole.kernels[launch.kernel];
    const to = kernel.parallel.extent;
    expect(rangeOf(launch, kernel)).toEqual({ from: 0, to });
    for (const range of [
      { from: -1, to },
      { from: 0, to: to + 1 },
      { from: 2, to: 1 },
    ])
      expect(() => rangeOf({ ...launch, range }, kernel)).toThrow(/^a launch over .* iterations/);
    expect(() => requireWhole(launch)).not.toThrow();
    expect(() => requireWhole({ ...launch, range: { from: 0, to } })).toThrow(/runs kernels whole/);
  });
});

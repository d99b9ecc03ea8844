import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planGraph } from "../../../codegen/plan/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { differenceFrom, makeRunnable } from "../../support/run.js";
import { runWasmGraphs } from "../../support/wasm-graphs.js";
import { caseOf, convGraph, type Epilogue, geometryOf } from "../contraction/contraction-cases.js";

const integer = (min: number, max: number) => fc.integer({ min, max });
const axis = (input: number, strides: readonly number[]) =>
  fc.record({
    kernel: integer(1, 5),
    input: integer(1, input),
    stride: fc.constantFrom(...strides),
    pad: integer(0, 2),
    dilation: integer(1, 2),
  });
/** Few channels, of the image or of the result, or one for each filter. */
const convolutions = (strides: readonly number[]) => {
  const axes = (inputs: readonly number[]) => fc.tuple(...inputs.map((input) => axis(input, strides)));
  return fc
    .record({
      images: integer(1, 2),
      groups: integer(1, 3),
      channels: integer(1, 3),
      filters: integer(1, 9),
      axes: fc.oneof(axes([14, 40]), axes([40]), axes([4, 5, 20])),
    })
    .filter((made) => geometryOf(made).spatial.every(({ output }) => output > 0));
};
const EPILOGUES: readonly Epilogue[] = ["none", "relu", "two stores"];
const WIDTHS = [
  { vectorBytes: 16, dtype: "float32" },
  { vectorBytes: 32, dtype: "float64" },
  { vectorBytes: 64, dtype: "float32" },
] as const;

/** Elements of an adjoint's result that a stride lies between are no vectors. */
const OPERATIONS = [
  { operation: "conv", strides: [1, 2, 3, 4] },
  { operation: "convData", strides: [1, 1, 1, 1, 1, 2] },
  { operation: "convFilter", strides: [1, 2, 3, 4] },
] as const;

describe.each(OPERATIONS)("$operation of few channels", ({ operation, strides }) => {
  it.each(WIDTHS)("sums with pixels in the lanes what is to be summed: %j", ({ vectorBytes, dtype }) => {
    let direct = 0;
    fc.assert(
      fc.property(
        convolutions(strides),
        fc.constantFrom(...EPILOGUES),
        fc.boolean(),
        integer(1, 3),
        (made, epilogue, inlined, split) => {
          const graph = convGraph(operation, made, epilogue, inlined);
          const bindings = { ...bindLeaves(graph, 5), seed: 5 };
          const plan = planGraph(graph, { realBytes: dtype === "float32" ? 4 : 8 });
          const net = makeRunnable(plan, { dtype, vectorBytes });
          net.run(bindings, split);
          expect(differenceFrom(interpret(graph, bindings), graph, net)).toBeUndefined();
          if (net.program.kernels.every(({ team, note }) => team && !note.startsWith("pack"))) direct++;
        },
      ),
      { numRuns: 40 },
    );
    expect(direct).toBeGreaterThan(10);
  });

  it("sums the same as WebAssembly", async () => {
    const cases = fc
      .sample(fc.tuple(convolutions(strides), fc.constantFrom(...EPILOGUES), fc.boolean()), {
        numRuns: 8,
        seed: 1,
      })
      .map(([made, epilogue, inlined], i) =>
        caseOf(`graph ${i}`, convGraph(operation, made, epilogue, inlined), undefined, i + 1),
      );
    expect(await runWasmGraphs(cases)).toEqual([]);
  });
});

/**
 * What people give by mistake, and what somebody gives on purpose: damaged nets, solvers and weight files, and sound
 * ones of absurd size. Each is used, or refused with a CortadoError, soon and within the memory at hand. $CORTADO_FUZZ_RUNS sets how many
 * damaged files are tried.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sizeOf } from "../codegen/ir/graph.js";
import { planGraph } from "../codegen/plan/index.js";
import { tsTarget } from "../codegen/targets/index.js";
import { CortadoError, createDiagnostics } from "../proto/errors/index.js";
import { createMessage, encodeMessage } from "../proto/index.js";
import { readState } from "../runtime/solver/state-file.js";
import { encodeWeights, matchWeights, readWeights, type WeightSet } from "../runtime/weights/index.js";
import { knownLayerTypes, type LoweredNet, lowerNet } from "../src/layers/index.js";
import { compile } from "../src/net/compile.js";
import { objectiveGraph } from "../src/net/objective.js";
import { parseNet, parseSolver, selectLayers, wireNet } from "../src/net-text/index.js";
import { checkSolver } from "../src/solvers/check-solver.js";
import { mutatedBytes, mutatedText, mutatedTokens, mutatedValues, seedNets } from "./support/mutate.js";
import { hasOracle, oraclePath } from "./support/oracle.js";
import { lowerFor, optimise, tsSource } from "./support/pipeline.js";
import { usedOrRefused } from "./support/used-or-refused.js";
import { createSlowest, growth } from "./support/work.js";

/** Calls of functions: ten times what the longest of the damaged files makes; a quadratic pass exceeds it. */
const MOST_CALLS = 300_000_000;
const LONG = 3_600_000;
/** How many damaged files are tried; 1,000 take half a minute. */
const RUNS = Number(process.env["CORTADO_FUZZ_RUNS"] ?? 1_200);
/**
 * Files longer than this make the run slow, not better. Those of more than 8,000 characters are a twelfth of all, are more
 * text than the others together, and have no layer type that these have not: the usual run leaves them out.
 */
const LONGEST_TEXT = RUNS > 10_000 ? 30_000 : 8_000;
/** Nets of more values than this are lowered only, not planned. */
const MOST_VALUES = 200_000;

const valuesOf = (lowered: LoweredNet): number =>
  [...lowered.blobs.values(), ...lowered.params].reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Everything that `compile` does before it takes memory, for both phases. */
function throughTheCompiler(text: string): void {
  const definition = parseNet(text);
  const mistakes: CortadoError[] = [];
  for (const phase of ["TRAIN", "TEST"] as const) {
    try {
      const selected = selectLayers(definition, { phase });
      const diagnostics = createDiagnostics();
      const wiring = wireNet(selected, diagnostics);
      const lowered = lowerNet(selected, wiring, { phase, feedShapes: new Map(), diagnostics });
      if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
      if (!lowered) throw new Error("a net was given up without a word");
      if (valuesOf(lowered) > MOST_VALUES) continue;
      const seeds = lowered.outputs;
      const graph = objectiveGraph(lowered, { backward: true, seeds, keep: [] });
      const plan = planGraph(optimise(graph, lowered.builder), { realBytes: 4 });
      tsSource(lowerFor(tsTarget, plan));
    } catch (error) {
      if (!(error instanceof CortadoError)) throw error;
      mistakes.push(error);
    }
  }
  if (mistakes.length > 0) throw mistakes[0];
}

const filesUnder = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .filter((text) => text.length < LONGEST_TEXT);

const fixture = (name: string): string => new URL(name, import.meta.url).pathname;
const nets: readonly string[] = [
  ...seedNets,
  ...filesUnder(fixture("../examples"), ".prototxt").filter((text) => !text.includes("base_lr")),
  ...filesUnder(fixture("fixtures/layers"), ".prototxt"),
  ...(hasOracle() ? filesUnder(oraclePath("corpus"), "original.prototxt") : []),
];
const solvers: readonly string[] = [
  ...filesUnder(fixture("../examples"), "solver.prototxt"),
  ...(hasOracle() ? filesUnder(oraclePath("traces"), "solver.prototxt") : []),
];
/** Names that mean something somewhere: layer types, and blobs of the seeds. */
const names: readonly string[] = [
  ...knownLayerTypes().keys(),
  ...["data", "label", "conv1", "ip", "loss", "", "TRAIN", "no such thing", "__proto__", "constructor"],
];

describe("damaged files are used, or refused in words", () => {
  const share = (part: number): number => Math.ceil(RUNS * part);
  let tried = 0;
  const assertAll = async <T>(arbitrary: fc.Arbitrary<T>, part: number, run: (value: T) => unknown) => {
    const slowest = createSlowest();
    await fc.assert(
      fc.asyncProperty(arbitrary, (value) => slowest.runLater(() => usedOrRefused(() => run(value)))),
      { numRuns: share(part) },
    );
    expect(await slowest.callsLater()).toBeLessThan(MOST_CALLS);
    tried += share(part);
  };

  it("nets with damaged text", { timeout: LONG }, () =>
    assertAll(fc.oneof(mutatedText(nets), mutatedTokens(nets)), 0.25, throughTheCompiler),
  );
  it("nets with other values", { timeout: LONG }, () =>
    assertAll(mutatedValues(nets, names), 0.35, throughTheCompiler),
  );
  it("solvers", { timeout: LONG }, () => {
    const damaged = fc.oneof(mutatedText(solvers), mutatedTokens(solvers), mutatedValues(solvers, names));
    return assertAll(damaged, 0.1, (text) => {
      const diagnostics = createDiagnostics();
      checkSolver(parseSolver(text).solver, diagnostics);
      if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
    });
  });

  const weights: WeightSet = {
    layers: [
      { name: "conv1", type: "Convolution", blobs: [blob([4, 1, 3, 3]), blob([4])] },
      { name: "ip", type: "InnerProduct", blobs: [blob([10, 12])] },
    ],
  };
  const wanted = weights.layers.map(({ name, blobs }) => ({
    layer: name,
    shapes: blobs.map(({ shape }) => shape),
  }));
  it.each([
    ["caffemodel", 0.15],
    ["safetensors", 0.08],
    ["hdf5", 0.02],
  ] as const)("weights: %s", { timeout: LONG }, async (format, part) => {
    const sound = await encodeWeights(weights, format);
    await assertAll(mutatedBytes([sound]), part, async (bytes) => {
      matchWeights(await readWeights(bytes), wanted);
    });
  });

  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cortado-bad-input-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    console.log(`bad input: ${tried} damaged files used or refused in words`);
  });
  it("solver states", { timeout: LONG }, async () => {
    const sound = encodeMessage("SolverState", {
      iter: 60,
      learned_net: "lenet_iter_60.caffemodel",
      current_step: 2,
      history: [
        createMessage("BlobProto", {
          shape: createMessage("BlobShape", { dim: [2, 3] }),
          data: blob([2, 3]).data,
        }),
      ],
    });
    const file = join(folder, "damaged.solverstate");
    await assertAll(mutatedBytes([sound]), 0.05, async (bytes) => {
      writeFileSync(file, bytes);
      await readState(file);
    });
  });
});

const input = (...dims: readonly number[]): string =>
  `layer { name: "in" type: "Input" top: "data" input_param { shape { ${dims.map((d) => `dim: ${d}`).join(" ")} } } }\n`;
const layer = (type: string, body = ""): string =>
  `layer { name: "x" type: "${type}" bottom: "data" top: "out" ${body} }\n`;
const times = (count: number, make: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join("\n");
const below = (i: number): string => (i === 0 ? "data" : `b${i - 1}`);
const conv = (body: string): string =>
  input(1, 1, 8, 8) + layer("Convolution", `convolution_param { num_output: 1 ${body} }`);
const HUGE = 4294967295;

describe("absurd sizes", () => {
  it.each([
    ["more values than an int counts", input(65536, 65536) + layer("ReLU"), "more than 2147483647 values"],
    ["2^124 values", input(2147483647, 2147483647, 2147483647, 2147483647), "more than 2147483647 values"],
    ["a kernel", conv(`kernel_size: ${HUGE}`), "the kernel covers 4294967295 positions"],
    ["padding", conv(`kernel_size: 3 pad: ${HUGE}`), "more than 2147483647 values"],
    ["kernel and padding", conv(`kernel_size: ${HUGE} pad: ${HUGE}`), "more than 2147483647 values"],
    ["dilation", conv(`kernel_size: 3 dilation: ${HUGE}`), "the kernel covers 8589934591 positions"],
    [
      "a pooling kernel",
      input(1, 1, 8, 8) + layer("Pooling", `pooling_param { kernel_size: ${HUGE} }`),
      "does not fit",
    ],
    [
      "outputs",
      input(1, 8) + layer("InnerProduct", `inner_product_param { num_output: ${HUGE} }`),
      "more than 2147483647 values",
    ],
    [
      "positions",
      input(1, 2000000000) + layer("ArgMax", "argmax_param { top_k: 1900000000 }"),
      "at most 1024 positions",
    ],
    [
      "a blob that doubles 60 times",
      input(1, 1) +
        times(
          60,
          (i) =>
            `layer { name: "c${i}" type: "Concat" bottom: "${below(i)}" bottom: "${below(i)}" top: "b${i}" }`,
        ),
      "more than 2147483647 values",
    ],
    [
      "10^12 kept values",
      input(1000000000) +
        times(
          1000,
          (i) =>
            `layer { name: "r${i}" type: "Power" bottom: "data" top: "b${i}" power_param { shift: ${i} } }`,
        ),
      /the net's (blobs|copies|batches) [\d.e+]+ [TP]iB, .* need [\d.e+]+ [TP]iB of memory, and this machine/,
    ],
    [
      "10^11 parameters",
      input(1, 1000) +
        times(
          50,
          (i) =>
            `layer { name: "f${i}" type: "InnerProduct" bottom: "data" top: "b${i}" inner_product_param { num_output: 2000000 weight_filler { type: "xavier" } } }`,
        ),
      /parameters 373 GiB, .* need \d+ GiB of memory, and this machine/,
    ],
    ["open braces", "layer { ".repeat(100_000), 'is a "}" missing'],
  ])("%s: refused", async (_, text, message) => {
    const failure: unknown = await compile(text, { keep: "all" }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(CortadoError);
    expect((failure as CortadoError).message).toMatch(message);
  });
});

describe("odd sizes", () => {
  it.each([
    ["stride", conv(`kernel_size: 3 stride: ${HUGE}`)],
    ["a window of LRN", input(1, 4, 2, 2) + layer("LRN", `lrn_param { local_size: ${HUGE} }`)],
    ["1,000 axes", input(...new Array<number>(1000).fill(1)) + layer("Reduction")],
    ["2,000 bottoms", input(1, 1) + layer("Concat", 'bottom: "data" '.repeat(2000))],
    [
      "concats of concats",
      input(1, 1) +
        times(
          16,
          (i) =>
            `layer { name: "c${i}" type: "Concat" bottom: "${below(i)}" bottom: "${below(i)}" top: "b${i}" }`,
        ),
    ],
    [
      "a function of concats of concats",
      input(1, 1) +
        times(
          16,
          (i) =>
            `layer { name: "c${i}" type: "Concat" bottom: "${below(i)}" bottom: "${below(i)}" top: "b${i}" }`,
        ) +
        'layer { name: "r" type: "ReLU" bottom: "b15" top: "r" }',
    ],
    [
      "products of products",
      input(1) +
        times(
          200,
          (i) =>
            `layer { name: "p${i}" type: "Eltwise" bottom: "${below(i)}" bottom: "${below(i)}" top: "b${i}" eltwise_param { operation: PROD } }`,
        ),
    ],
    [
      "10,000 layers",
      input(1) +
        times(10_000, (i) => `layer { name: "s${i}" type: "Sigmoid" bottom: "${below(i)}" top: "b${i}" }`),
    ],
  ])("%s: compiled", async (_, text) => {
    const net = await compile(`force_backward: true ${text}`, { phase: "TRAIN" });
    const { shape } = net.blobs["data"];
    const outputs = await net.forward({ data: new Float32Array(sizeOf(shape)).fill(0.5) });
    const diffs = Object.entries(outputs).map(([name, y]) => [name, new Float32Array(y.length).fill(1)]);
    const { inputs } = await net.backward(Object.fromEntries(diffs));
    expect([...Object.values(outputs), inputs["data"]].every((x) => x.every(Number.isFinite))).toBe(true);
    expect(net.source.length).toBeLessThan(5_000_000);
    await net.close();
  });

  it.each([
    [
      "layers",
      (many: number) =>
        input(1) +
        times(many, (i) => `layer { name: "s${i}" type: "Sigmoid" bottom: "${below(i)}" top: "b${i}" }`),
    ],
    ["bottoms", (many: number) => input(1, 1) + layer("Concat", 'bottom: "data" '.repeat(many))],
    ["axes", (many: number) => input(...new Array<number>(many).fill(1)) + layer("Reduction")],
    [
      "tops",
      (many: number) =>
        input(1, many) +
        `layer { name: "x" type: "Slice" bottom: "data" ${times(many, (i) => `top: "t${i}"`)} }`,
    ],
    [
      "mistakes",
      (many: number) =>
        input(1) + times(many, (i) => `layer { name: "s${i}" type: "Sigmoide" bottom: "none" top: "b${i}" }`),
    ],
  ] as const)("work grows in proportion to %s", (_, textOf) => {
    const power = growth(50, (many) => {
      const text = `force_backward: true ${textOf(many)}`;
      return () => {
        try {
          throughTheCompiler(text);
        } catch (error) {
          if (!(error instanceof CortadoError)) throw error;
        }
      };
    });
    expect(power).toBeLessThan(1.25);
  });
});

function blob(shape: readonly number[]): { readonly shape: readonly number[]; readonly data: Float32Array } {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)) };
}

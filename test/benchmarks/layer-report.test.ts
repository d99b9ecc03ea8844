import { expect, it } from "vitest";
import {
  kernelWork,
  layerWork,
  type MeasuredPass,
  type Work,
  workTable,
} from "../../benchmarks/layer-report.js";
import { analyse } from "../../src/analyse-net.js";
import { parseNet } from "../../src/index.js";

const speed = {
  threads: 1,
  flops: 100e9,
  read: 10e9,
  copy: 20e9,
  by: "multiply-adds from registers",
} as const;
const work = (what: string, milliseconds: number, flops = 0, bytes = 0): Work => ({
  what,
  milliseconds,
  flops,
  bytes,
  note: "",
});

/** A product, a rectifier in its loops, and a softmax: each launch takes as many milliseconds as its place. */
async function measured(): Promise<MeasuredPass> {
  const net = parseNet(`
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 8 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 16 } }
    layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
    layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`);
  const { program } = await analyse(net, { phase: "TEST", root: "." });
  const launches = program.program.forward;
  return {
    pass: "forward",
    steps: program.plan.steps,
    launches,
    kernels: program.program.kernels,
    milliseconds: launches.map((_, i) => i + 1),
  };
}

it("a layer has the time, operations and bytes of the kernels that are its own, and names those within", async () => {
  const pass = await measured();
  const layers = layerWork(pass);
  expect(layers.map(({ what, note }) => [what, note])).toEqual([
    ["ip, forward", "with relu"],
    ["prob, forward", ""],
  ]);
  const [product] = layers;
  expect(product.milliseconds).toBe(1);
  expect(product.flops).toBeGreaterThanOrEqual(2 * 4 * 8 * 16);
  expect(product.bytes).toBeGreaterThanOrEqual(4 * (4 * 8 + 8 * 16 + 4 * 16));
  const sum = (all: readonly Work[], of: "milliseconds" | "flops" | "bytes"): number =>
    all.reduce((total, one) => total + one[of], 0);
  const kernels = kernelWork(pass);
  expect(kernels.length).toBe(pass.launches.length);
  for (const of of ["milliseconds", "flops", "bytes"] as const)
    expect(sum(layers, of)).toBe(sum(kernels, of));
});

it("a launch over a part of its kernel's iterations has that part of the work", async () => {
  const pass = await measured();
  const [launch] = pass.launches;
  const { extent } = pass.kernels[launch.kernel].parallel;
  expect(extent).toBeGreaterThan(1);
  const [whole] = kernelWork(pass);
  const [one] = kernelWork({ ...pass, launches: [{ ...launch, range: { from: 1, to: 2 } }] });
  expect(one.flops).toBeCloseTo(whole.flops / extent);
  expect(one.bytes).toBeCloseTo(whole.bytes / extent);
});

it("the longest comes first, what is left is one line, and the last line is the sum", () => {
  const lines = workTable([work("a", 1), work("b", 6), work("c", 2), work("d", 1)], undefined, {
    first: "layer",
    most: 2,
  }).split("\n");
  expect(lines.slice(2).map((line) => line.split(" | ").slice(0, 3))).toEqual([
    ["| b", "6.00", "60%"],
    ["| c", "2.00", "20%"],
    ["| 2 more", "2.00", "20%"],
    ["| **all**", "10.0", "100%"],
  ]);
});

it("rates stand beside their share of the machine, and the floor is the longer of both", () => {
  const row = (one: Work): string => workTable([one], speed, { first: "kernel", most: 9 }).split("\n")[2];
  // 1 GFLOP and 10 MB in 20 ms: 50 GFLOP/s of 100, 0.5 GB/s of 20; the peak alone would take 10 ms.
  expect(row(work("a|b", 20, 1e9, 1e7))).toBe("| a\\|b | 20.0 | 100% | 50.0 | 50% | 0.5 | 3% | 10.0 |  |");
  // Memory-bound: 200 MB need 10 ms.
  expect(row(work("c", 20, 1e6, 2e8))).toBe("| c | 20.0 | 100% | 0.1 | 0% | 10.0 | 50% | 10.0 |  |");
});

/**
 * The products of LeNet 64 and of layers of CaffeNet's sizes on `ts`, one thread: milliseconds of CPU time and GFLOP/s of
 * each kernel alone.
 *
 *   npm run bench -- contraction
 *
 * A noisy machine is met by CPU time, and by the least of many runs beside their median; two versions are compared by
 * running this in turns in a checkout of each. CORTADO_CASES: a regular expression of names; default all.
 */
import { createBuilder, type GraphBuilder } from "../codegen/ir/builder.js";
import type { ConvGeometry, Node } from "../codegen/ir/graph.js";
import { tsTarget } from "../codegen/targets/index.js";
import { loadKernels, transpile } from "../codegen/targets/ts/ts-module.js";
import { makeProgram } from "../src/net/programs.js";
import { machine, median, testValues } from "./measure.js";

interface Layer {
  readonly images: number;
  readonly groups?: number;
  /** Of one group. */
  readonly channels: number;
  readonly filters: number;
  /** Of both spatial axes. */
  readonly kernel: number;
  readonly input: number;
  readonly stride?: number;
  readonly pad?: number;
}

const CONVOLUTIONS: Readonly<Record<string, Layer>> = {
  "lenet conv1": { images: 64, channels: 1, filters: 20, kernel: 5, input: 28 },
  "lenet conv2": { images: 64, channels: 20, filters: 50, kernel: 5, input: 12 },
  "caffenet conv1": { images: 1, channels: 3, filters: 96, kernel: 11, input: 227, stride: 4 },
  "caffenet conv2": { images: 1, groups: 2, channels: 48, filters: 128, kernel: 5, input: 27, pad: 2 },
  "caffenet conv3": { images: 1, channels: 256, filters: 384, kernel: 3, input: 13, pad: 1 },
  "upsampling by 2": { images: 2, channels: 21, filters: 21, kernel: 4, input: 40, stride: 2, pad: 1 },
};

const PRODUCTS: Readonly<Record<string, readonly [images: number, inputs: number, outputs: number]>> = {
  "lenet ip1": [64, 800, 500],
  "lenet ip2": [64, 500, 10],
  "caffenet fc7": [16, 4096, 1024],
};

const MILLISECONDS = 1500;

function* cases(): Generator<readonly [name: string, build: (b: GraphBuilder) => Node]> {
  for (const [name, layer] of Object.entries(CONVOLUTIONS)) {
    const { images, groups = 1, channels, filters, kernel, input, stride = 1, pad = 0 } = layer;
    const output = Math.floor((input + 2 * pad - kernel) / stride) + 1;
    const axis = { kernel, input, stride, pad, dilation: 1, output };
    const geometry: ConvGeometry = { groups, spatial: [axis, axis] };
    const x = [images, groups * channels, input, input];
    const w = [groups * filters, channels, kernel, kernel];
    const y = [images, groups * filters, output, output];
    yield [`${name} conv`, (b) => b.conv(b.input("x", x), b.input("w", w), geometry)];
    yield [`${name} convData`, (b) => b.convData(b.input("y", y), b.input("w", w), geometry)];
    yield [`${name} convFilter`, (b) => b.convFilter(b.input("x", x), b.input("y", y), geometry)];
  }
  for (const [name, [m, k, n]] of Object.entries(PRODUCTS)) {
    const [x, w, y] = [
      [1, m, k],
      [1, n, k],
      [1, m, n],
    ];
    yield [`${name} y`, (b) => b.matmul(b.input("x", x), b.input("w", w), false, true)];
    yield [`${name} dx`, (b) => b.matmul(b.input("y", y), b.input("w", w), false, false)];
    yield [`${name} dw`, (b) => b.matmul(b.input("y", y), b.input("x", x), true, false)];
  }
}

/** One run of all of a graph's kernels, and their FLOPs. */
function prepare(build: (b: GraphBuilder) => Node): { readonly run: () => void; readonly flops: number } {
  const builder = createBuilder();
  const graph = { roots: [{ role: "value", blob: "y", node: build(builder) }] } as const;
  const options = { target: tsTarget, dtype: "float32", seed: 1 } as const;
  const { program } = makeProgram(graph, builder, options);
  const kernels = loadKernels(transpile(tsTarget.render(program, "float32").text), "cortado:bench");
  const arena = new ArrayBuffer(program.arenaBytes);
  new Float32Array(arena).set(testValues(program.arenaBytes / 4, 1));
  const launches = program.forward.map(({ kernel, args }) => ({
    kernel,
    views: args.map((argument) => {
      if (argument.storage === "param") throw new Error("a benchmark of inputs alone has no parameters");
      return new Float32Array(arena, argument.byteOffset, argument.elements);
    }),
  }));
  return {
    flops: program.kernels.reduce((sum, { flops }) => sum + flops, 0),
    run() {
      for (const { kernel, views } of launches)
        kernels[kernel](...views, 0, program.kernels[kernel].parallel.extent);
    },
  };
}

const wanted = new RegExp(process.env["CORTADO_CASES"] ?? ".");
console.log(`Products on ts, one thread, CPU time. ${machine()}`);
for (const [name, build] of cases()) {
  if (!wanted.test(name)) continue;
  const { run, flops } = prepare(build);
  run();
  const samples: number[] = [];
  for (const end = performance.now() + MILLISECONDS; performance.now() < end || samples.length < 3; ) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    samples.push((user + system) / 1000);
  }
  const least = Math.min(...samples);
  console.log(
    `${name.padEnd(28)}${least.toFixed(2).padStart(9)} ms least${median(samples).toFixed(2).padStart(9)} median of ${samples.length}, ${(flops / least / 1e6).toFixed(2)} GFLOP/s`,
  );
}

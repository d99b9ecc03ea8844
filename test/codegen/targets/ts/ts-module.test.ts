import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { ts } from "ts-morph";
import { describe, expect, it } from "vitest";
import { createBuilder, type GraphBuilder } from "../../../../codegen/ir/builder.js";
import type { Graph, Node } from "../../../../codegen/ir/graph.js";
import { add, arg, binary, type Scalar, shaped, unary } from "../../../../codegen/ir/scalar.js";
import { planGraph } from "../../../../codegen/plan/index.js";
import { tsTarget } from "../../../../codegen/targets/index.js";
import { checkModule, loadKernels, transpile } from "../../../../codegen/targets/ts/ts-module.js";
import { randomStream } from "../../../../runtime/random/index.js";
import { lowerFor, tsSource } from "../../../support/pipeline.js";
import { build, recipe } from "../../../support/random-graph.js";
import { makeRunnable } from "../../../support/run.js";

const valuesOf = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: `root${i}`, node })),
});

const sourceOf = (graph: Graph, dtype: "float32" | "float64" = "float32"): string => {
  const plan = planGraph(graph, { realBytes: dtype === "float32" ? 4 : 8 });
  return tsSource(lowerFor(tsTarget, plan, { dtype, seed: 7 }), dtype);
};

/** Convolution with bias and ReLU, pooling, inner product: one of each thing LeNet is made of. */
function smallNet(b: GraphBuilder): Graph {
  const spatial = { kernel: 3, stride: 1, pad: 1, dilation: 1, input: 6, output: 6 };
  const conv = b.conv(b.input("data", [2, 1, 6, 6]), b.param(0, [4, 1, 3, 3]), {
    groups: 1,
    spatial: [spatial, spatial],
  });
  const relu = b.map(unary("relu", add(arg(0), arg(1))), [conv, b.param(1, [4, 1, 1])]);
  const axis = { size: 2, stride: 2, pad: 0, windows: 3, extent: 6 };
  const pool = b.windowMax(relu, [
    { axis: 2, ...axis },
    { axis: 3, ...axis },
  ]);
  const ip = b.matmul(b.reshape(pool, [1, 2, 36]), b.param(2, [1, 5, 36]), false, true);
  return valuesOf(b.reshape(ip, [2, 5]));
}

describe("generated modules", () => {
  it("type-check under strict", async () => {
    const recipes = fc.sample(recipe(), { numRuns: 12, seed: 11 });
    const sources = recipes.map((made, i) =>
      sourceOf(build(made, true).graph, i % 2 === 0 ? "float32" : "float64"),
    );
    for (const source of sources.filter((_, i) => i < 12))
      expect(await checkModule(source), source).toEqual([]);
  }, 120_000);

  it("type-check with every helper", async () => {
    const b = createBuilder();
    const [x, y] = [b.input("x", [5]), b.input("y", [5])];
    const all: readonly Scalar[] = [
      ...(
        ["sign", "sigmoid", "softplus", "relu", "floor", "neg", "abs", "exp", "log", "sqrt", "tanh"] as const
      ).map((op) => unary(op, arg(0))),
      shaped("elu", arg(0), 0.5),
      shaped("leakyRelu", arg(0), -0.25),
      ...(["max", "min", "pow", "div", "sub"] as const).map((op) => binary(op, arg(0), arg(1))),
    ];
    const source = sourceOf(
      valuesOf(...all.map((expr) => b.map(expr, [x, y])), b.random(b.input("step", []), 3, [5])),
    );
    expect(await checkModule(source), source).toEqual([]);
    expect(transpile(source)).not.toMatch(/: number|Float32Array,/);
  });

  it("tell of faults", async () => {
    expect(await checkModule('export const kernels: number = "x";\n')).toHaveLength(1);
  });

  it("become the JavaScript that TypeScript itself makes of them", () => {
    fc.assert(
      fc.property(recipe(), (made) => {
        const source = sourceOf(build(made, true).graph);
        const official = ts.transpileModule(source, {
          compilerOptions: {
            target: ts.ScriptTarget.ES2022,
            module: ts.ModuleKind.ESNext,
            removeComments: true,
          },
        }).outputText;
        const plain = (javascript: string): string =>
          ts.transpileModule(javascript, {
            compilerOptions: { target: ts.ScriptTarget.ES2022, removeComments: true, alwaysStrict: false },
          }).outputText;
        expect(plain(transpile(source)).replace("return [", "export const kernels = [")).toBe(
          plain(`"use strict";\n${official}`),
        );
      }),
      { numRuns: 25 },
    );
  });

  it("are the same text for the same net", () => {
    fc.assert(
      fc.property(recipe(), (made) => {
        expect(sourceOf(build(made, true).graph)).toBe(sourceOf(build(made, true).graph));
      }),
      { numRuns: 25 },
    );
  });

  it("share kernels of equal structure", () => {
    const b = createBuilder();
    const layers = [0, 1, 2].map((i) => b.map(unary("tanh", arg(0)), [b.input(`x${i}`, [64])]));
    const plan = planGraph(valuesOf(...layers, b.map(unary("tanh", arg(0)), [b.input("y", [65])])), {
      realBytes: 4,
    });
    const program = lowerFor(tsTarget, plan);
    expect(program.kernels).toHaveLength(2);
    expect(program.forward.map((launch) => launch.kernel)).toEqual([0, 0, 0, 1]);
  });

  const HOSTILE = [
    'x"; process.exit(1); "',
    "x'\n; throw 1; //",
    ["`$", "{process.exit(1)}`"].join(""),
    "*/ throw 1; /*",
    "</script>\u2028throw 1",
    "__proto__",
  ];
  it.each(HOSTILE)("hold nothing of a name: %j", (name) => {
    const make = (given: string): string => {
      const b = createBuilder();
      b.origin = given;
      const x = b.input(given, [3, 4]);
      const y = b.blob(b.map(unary("exp", arg(0)), [x]), given, 0);
      return sourceOf({ roots: [{ role: "value", blob: given, node: b.reduce("sum", y, [0]) }] });
    };
    expect(make(name)).toBe(make("data"));
    const kernels: unknown = runInNewContext(`(function () { ${transpile(make(name))} })()`);
    expect(kernels).toHaveLength(1);
  });

  it("fail with a stack that names the module", () => {
    const [kernel] = loadKernels('"use strict";\nfunction k0() { null.x; }\nreturn [k0];', "cortado:lenet");
    expect(() => {
      try {
        kernel(0, 1);
      } catch (error) {
        throw new Error((error as Error).stack);
      }
    }).toThrow("cortado:lenet:2");
  });
});

describe("random bits", () => {
  it("are those of runtime/random: word n of a stream is element n at step 0", () => {
    const at = (seed: number, stream: number, count: number, step: number): ArrayLike<number> => {
      const b = createBuilder();
      const node = b.random(b.input("step", []), stream, [count]);
      const net = makeRunnable(planGraph(valuesOf(node), { realBytes: 4 }), { dtype: "float32", seed });
      net.run({ inputs: new Map(), params: new Map(), step });
      return net.read(node);
    };
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.maxSafeNat(),
        fc.integer({ min: 1, max: 40 }),
        (seed, stream, count) => {
          const words = randomStream(seed, stream);
          const expected = Float32Array.from({ length: count }, () => words.uniform());
          expect(at(seed, stream, count, 0)).toEqual(expected);
          // A step is the second word of the counter: the stream 2^34 elements further on.
          const later = randomStream(seed, stream, 5 * 2 ** 34);
          expect(at(seed, stream, count, 5)).toEqual(
            Float32Array.from({ length: count }, () => later.uniform()),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("golden text", () => {
  it("of a map over one loop", () => {
    const b = createBuilder();
    const source = sourceOf(valuesOf(b.map(unary("relu", arg(0)), [b.input("x", [4, 3, 5])])));
    expect(source).toMatchInlineSnapshot(`
      "// Generated by Cortado. Each function computes iterations lo <= i < hi of its outermost loop.

      function relu(x: number): number {
        return x > 0 ? x : x - x;
      }

      /** map [4×3×5] → [4×3×5]; parallel over 60 */
      function k0(b0: Float32Array, b1: Float32Array, lo: number, hi: number): void {
        for (let i0 = lo; i0 < hi; i0++) {
          const v0 = b0[i0];
          const v1 = relu(v0);
          b1[i0] = v1;
        }
      }

      export const kernels = [k0];
      "
    `);
  });
  it("of a bias, which keeps the loop over channels", () => {
    const b = createBuilder();
    const source = sourceOf(
      valuesOf(b.map(add(arg(0), arg(1)), [b.input("x", [8, 3, 5, 5]), b.param(0, [3, 1, 1])])),
    );
    expect(source).toMatchInlineSnapshot(`
      "// Generated by Cortado. Each function computes iterations lo <= i < hi of its outermost loop.

      /** map [8×3×5×5] [1×3×1×1] → [8×3×5×5]; parallel over 24 */
      function k0(b0: Float32Array, b1: Float32Array, b2: Float32Array, lo: number, hi: number): void {
        for (let i0 = lo; i0 < hi; i0++) {
          const i1 = (i0 / 3) | 0;
          const i2 = i0 % 3;
          const i3 = (i1 * 75 + i2 * 25) | 0;
          for (let i4 = 0; i4 < 25; i4++) {
            const v0 = b0[i4 + i3];
            const v1 = b1[i2];
            const v2 = v0 + v1;
            b2[i4 + i3] = v2;
          }
        }
      }

      export const kernels = [k0];
      "
    `);
  });
  it("of a matmul with tiles of two widths", () => {
    const b = createBuilder();
    const source = sourceOf(valuesOf(b.matmul(b.input("x", [1, 2, 6]), b.param(0, [1, 2, 6]), false, true)));
    expect(source).toMatchInlineSnapshot(`
      "// Generated by Cortado. Each function computes iterations lo <= i < hi of its outermost loop.

      /** matmul [1×2×6] [1×2×6] → [1×2×2]; parallel over 1 */
      function k0(b0: Float32Array, b1: Float32Array, b2: Float32Array, lo: number, hi: number): void {
        for (let i0 = lo; i0 < hi; i0++) {
          let v0 = 0;
          let v1 = 0;
          let v2 = 0;
          let v3 = 0;
          for (let i1 = 0; i1 < 6; i1++) {
            const v4 = b0[i1];
            const v5 = b0[i1 + 6];
            const v6 = b1[i1];
            const v7 = b1[i1 + 6];
            v0 += v4 * v6;
            v1 += v4 * v7;
            v2 += v5 * v6;
            v3 += v5 * v7;
          }
          b2[0] = v0;
          b2[1] = v1;
          b2[2] = v2;
          b2[3] = v3;
        }
      }

      export const kernels = [k0];
      "
    `);
  });
  it("of a sum over rows", () => {
    const b = createBuilder();
    expect(sourceOf(valuesOf(b.reduce("sum", b.input("x", [4, 3, 5]), [0, 2])))).toMatchInlineSnapshot(`
      "// Generated by Cortado. Each function computes iterations lo <= i < hi of its outermost loop.

      /** sum [4×3×5] → [1×3×1]; parallel over 3 */
      function k0(b0: Float32Array, b1: Float32Array, lo: number, hi: number): void {
        for (let i0 = lo; i0 < hi; i0++) {
          let v0 = 0;
          const i1 = (i0 * 5) | 0;
          for (let i2 = 0; i2 < 4; i2++) {
            const i3 = (i2 * 15 + i1) | 0;
            for (let i4 = 0; i4 < 5; i4++) {
              const v1 = b0[i4 + i3];
              v0 += v1;
            }
          }
          b1[i0] = v0;
        }
      }

      export const kernels = [k0];
      "
    `);
  });
  it("of a small net", async () => {
    await expect(sourceOf(smallNet(createBuilder()))).toMatchFileSnapshot(
      "../../../fixtures/codegen/small-net.ts.txt",
    );
  });
});

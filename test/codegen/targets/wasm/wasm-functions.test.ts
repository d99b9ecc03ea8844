/** Scalar functions and random numbers as WebAssembly: to the bit what their programs of lanes mean, and near what they are. */
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../../../codegen/ir/builder.js";
import {
  BINARY,
  type BinaryFunction,
  type FunctionForm,
  type FunctionText,
  SHAPED,
  type ShapedFunction,
  UNARY,
  type UnaryFunction,
} from "../../../../codegen/ir/ops/scalar-functions.js";
import type { BinaryOp, ShapedOp, UnaryOp } from "../../../../codegen/ir/scalar.js";
import { add, addInt, mul } from "../../../../codegen/kernel/indices.js";
import type { Kernel, Value } from "../../../../codegen/kernel/kernel.js";
import { createWriter, load } from "../../../../codegen/kernel/writer.js";
import { planGraph } from "../../../../codegen/plan/index.js";
import { helperProgram } from "../../../../codegen/targets/wasm/wasm-functions.js";
import { makeRunnable } from "../../../support/run.js";
import { fusedMultiplyAdd, runLaneProgram } from "../../../support/run-lane-program.js";
import { architectures } from "../../../support/wasm-engine.js";
import { runWasmGraphs } from "../../../support/wasm-graphs.js";
import { runAsWasm } from "../../../support/wasm-kernel.js";

const COUNT = 4096;
const ODD = [
  0,
  -0,
  1,
  -1,
  Infinity,
  -Infinity,
  NaN,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  3.4028234663852886e38,
  88.8,
  -104,
];

/** Numbers of all sizes: words evenly apart, so that all last bits come, and what is not ordinary. */
function numbers(step: number, most: number): Float32Array {
  const words = Int32Array.from({ length: COUNT }, (_, i) => Math.imul(i, step));
  const all = new Float32Array(words.buffer).map((x, i) =>
    i % 3 === 0 ? x : (x / 2 ** Math.round(Math.log2(Math.abs(x) || 1))) * (i % most),
  );
  all.set(ODD, 64);
  return all;
}
const X = numbers(0x9e3779b1, 40);
const Y = numbers(0x85ebca77, 5);

/** A kernel of one function of two buffers' elements, in vectors, and of one element of each. */
function kernelOf(value: (a: Value, b: Value) => Value): Kernel {
  const w = createWriter();
  const [x, y, vectors, single] = [0, 1, 2, 3].map(() => w.buffer("real", COUNT));
  const i = w.parallel(COUNT / 4);
  const at = add(mul(i, 4), w.team(4));
  w.store(vectors, at, value(load(x, at), load(y, at)));
  for (let lane = 0; lane < 4; lane++) {
    const own = addInt(mul(i, 4), lane);
    w.store(single, own, value(load(x, own), load(y, own)));
  }
  return w.finish("a function", 0, 0);
}

interface Case {
  readonly value: (a: Value, b: Value) => Value;
  readonly text: FunctionText;
  readonly operands: (a: number, b: number) => readonly number[];
  readonly evaluate: (a: number, b: number) => number;
}

const ALPHAS = [Math.fround(0.3), -2];
const CASES: Readonly<Record<string, Case>> = Object.fromEntries([
  ...Object.entries<UnaryFunction>(UNARY).map(([name, { text, evaluate }]): [string, Case] => [
    name,
    { value: (x) => ({ kind: "unary", op: name as UnaryOp, x }), text, operands: (a) => [a], evaluate },
  ]),
  ...Object.entries<ShapedFunction>(SHAPED).flatMap(([name, { text, evaluate }]) =>
    ALPHAS.map((alpha): [string, Case] => [
      `${name} of ${alpha}`,
      {
        value: (x) => ({ kind: "shaped", op: name as ShapedOp, x, alpha }),
        text,
        operands: (a) => [a, alpha],
        evaluate: (a) => evaluate(a, alpha),
      },
    ]),
  ),
  ...Object.entries<BinaryFunction>(BINARY).map(([name, { text, evaluate }]): [string, Case] => [
    name,
    {
      value: (a, b) => ({ kind: "binary", op: name as BinaryOp, a, b }),
      text,
      operands: (a, b) => [a, b],
      evaluate,
    },
  ]),
]);

/** Functions that are one instruction, rounded once as every number of the language is. */
const isInstruction = (form: FunctionForm): boolean =>
  "prefix" in form || "infix" in form || ("call" in form && ["sqrt", "fabs", "floor"].includes(form.call));

/** What a function gives to the bit. */
function meantBy({ text, operands, evaluate }: Case, fused: boolean): (a: number, b: number) => number {
  const form: FunctionForm = text.lanes ?? text;
  if (isInstruction(form)) return (a, b) => Math.fround(evaluate(a, b));
  const program = helperProgram("helper" in form ? form.helper : "call" in form ? form.call : "", fused);
  return (a, b) => runLaneProgram(program, operands(a, b));
}

const differing = (got: ArrayLike<number>, want: readonly number[]): readonly string[] =>
  want.flatMap((x, i) => (Object.is(got[i], x) ? [] : [`f(${X[i]}, ${Y[i]}) is ${got[i]}, not ${x}`]));

describe.each(architectures)("scalar functions in vectors of %s", (architecture) => {
  it.each(Object.entries(CASES))("%s", async (_, one) => {
    const zeros = [new Float32Array(COUNT), new Float32Array(COUNT)];
    const [, , vectors, single] = await runAsWasm(kernelOf(one.value), [X, Y, ...zeros], architecture);
    const meant = meantBy(one, architecture === "relaxed");
    const want = Array.from(X, (x, i) => meant(x, Y[i]));
    expect(differing(vectors, want).slice(0, 5)).toEqual([]);
    expect(differing(single, want).slice(0, 5)).toEqual([]);
    let near = 0;
    want.forEach((got, i) => {
      const exact = one.evaluate(X[i], Y[i]);
      if (!Number.isFinite(X[i]) || !Number.isFinite(Y[i]) || !(Math.abs(exact) < 1e38)) return;
      near++;
      expect(Math.abs(got - exact), `f(${X[i]}, ${Y[i]})`).toBeLessThanOrEqual(
        1e-6 * Math.abs(exact) + 1e-15,
      );
    });
    expect(near).toBeGreaterThan(COUNT / 4);
  });
});

describe("the meaning of programs of lanes", () => {
  it("has a multiply-add that rounds once", () => {
    // What is exact in float64, what is not, and what lies in the middle of two numbers but for a little.
    expect(fusedMultiplyAdd(1 + 2 ** -12, 1 + 2 ** -12, -1)).toBe(2 ** -11 + 2 ** -24);
    expect(fusedMultiplyAdd(1 + 2 ** -23, 1 + 2 ** -23, 2 ** -70)).toBe(1 + 2 ** -22);
    expect(fusedMultiplyAdd(1 + 2 ** -12, 1 - 2 ** -12, 2 ** 30)).toBe(2 ** 30);
    expect(fusedMultiplyAdd(2 ** 12, 2 ** 12 + 2 ** -11, 2 ** -60)).toBe(2 ** 24 + 2);
    expect(fusedMultiplyAdd(1, 1 + 2 ** -23, 2 ** -24 + 2 ** -47)).toBe(1 + 2 ** -22);
    expect(fusedMultiplyAdd(-1, 1 + 2 ** -23, 2 ** -24 - 2 ** -48)).toBe(-1 - 2 ** -23);
    expect(fusedMultiplyAdd(3e38, 3e38, 1)).toBe(Infinity);
    expect(fusedMultiplyAdd(3e38, 2, -Infinity)).toBe(-Infinity);
  });
});

describe("random numbers", () => {
  it("are those of ts, bit for bit", async () => {
    const b = createBuilder();
    const roots = [5, 2 ** 33 + 1].map((stream, i) => ({
      role: "value" as const,
      blob: `r${i}`,
      node: b.random(b.input("step", []), stream, [3, 401]),
    }));
    const graph = { roots };
    const bindings = { inputs: new Map(), params: new Map(), step: 70_000, seed: 2 ** 45 + 3 };
    const ts = makeRunnable(planGraph(graph, { realBytes: 4 }), { dtype: "float32", seed: bindings.seed });
    ts.run(bindings);
    let compared = 0;
    const check = (node: (typeof roots)[number]["node"], got: ArrayLike<number>): string | undefined => {
      const want = ts.read(node);
      compared += want.length;
      return want.every((x, i) => Object.is(x, got[i])) ? undefined : "other numbers";
    };
    expect(await runWasmGraphs([{ name: "random", graph, bindings, check: check as never }])).toEqual([]);
    expect(compared).toBe(2 * 3 * 401);
  });
});

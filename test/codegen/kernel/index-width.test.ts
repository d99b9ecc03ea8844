/** Where 32 bits hold every index of a kernel, and what both languages write where they do not. */
import { describe, expect, it, test } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { arg, unary } from "../../../codegen/ir/scalar.js";
import { fitsInt32, fitsInt32ByBuffers } from "../../../codegen/kernel/index-width.js";
import { add, div, iload, int, mul, sub, variable } from "../../../codegen/kernel/indices.js";
import type { Index, Kernel, Statement } from "../../../codegen/kernel/kernel.js";
import { constant } from "../../../codegen/kernel/writer.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { renderCuda } from "../../../codegen/targets/cuda/render-cuda.js";
import { cudaTarget, tsTarget } from "../../../codegen/targets/index.js";
import { lowerFor, tsSource } from "../../support/pipeline.js";

const MOST = 2 ** 31 - 1;

const store = (at: Index): Statement => ({ kind: "store", buffer: 0, at, type: "real", value: constant(0) });
const kernel = (body: readonly Statement[], more: Partial<Kernel> = {}): Kernel => ({
  buffers: [{ dtype: "real", elements: 1, access: "write" }],
  scratch: [],
  prologue: [],
  parallel: { variable: 0, extent: 1000 },
  body,
  note: "test",
  flops: 0,
  bytes: 0,
  ...more,
});
/** A variable from 0 to `most`. */
const upTo = (most: number): Index => variable(1, 0, most);
const loads = iload(1, upTo(9));

describe("32-bit indices", () => {
  it.each<readonly [what: string, at: Index, fits: boolean]>([
    ["a sum up to the greatest", add(upTo(MOST - 1), int(1)), true],
    ["a sum beyond it", add(upTo(MOST), int(1)), false],
    ["a product up to 2³¹ − 2", mul(upTo(2 ** 30 - 1), 2), true],
    ["a product that is 2³¹", mul(upTo(2 ** 30), 2), false],
    ["a difference down to the least", sub(int(0), add(upTo(MOST), int(1))), true],
    ["a difference below it", sub(int(-2), upTo(MOST)), false],
    ["a product on the way to a small quotient", div(mul(upTo(2 ** 20), 2 ** 12), 3), false],
    ["a large number", int(2 ** 31), false],
    ["what an index buffer holds", loads, true],
    ["a sum with what it holds, of which nothing is known", add(loads, int(1)), false],
    ["an element of it whose place does not fit", iload(1, add(upTo(MOST), int(1))), false],
  ])("%s", (_, at, fits) => {
    expect(fitsInt32(kernel([store(at)]), 64)).toBe(fits);
    // Wherever it stands.
    const inside: Statement[] = [
      {
        kind: "if",
        condition: { kind: "compare", cmp: "lt", a: at, b: int(7) },
        whenTrue: [],
        otherwise: [],
      },
    ];
    expect(fitsInt32(kernel(inside), 64)).toBe(fits);
    expect(fitsInt32(kernel([], { prologue: [store(at)] }), 64)).toBe(fits);
  });

  it("hold a sum with a loaded index where every buffer is small", () => {
    const over = (elements: number): Kernel =>
      kernel([store(add(loads, int(1)))], { buffers: [{ dtype: "real", elements, access: "write" }] });
    expect(fitsInt32ByBuffers(over(MOST))).toBe(true);
    expect(fitsInt32ByBuffers(over(MOST + 1))).toBe(false);
    expect(fitsInt32ByBuffers(kernel([store(add(upTo(MOST), int(1)))]))).toBe(false);
  });

  it("count the threads of the last block", () => {
    const extended = (extent: number): Kernel => kernel([], { parallel: { variable: 0, extent } });
    expect(fitsInt32(extended(MOST - 256), 256)).toBe(true);
    expect(fitsInt32(extended(MOST - 255), 256)).toBe(false);
  });
});

describe("a map over a transposed view of so many elements", () => {
  const sources = (rows: number, columns: number): readonly [cuda: string, ts: string] => {
    const b = createBuilder();
    const top = b.map(unary("exp", arg(0)), [b.transpose(b.input("x", [rows, columns]), [1, 0])]);
    const plan = planGraph({ roots: [{ role: "value", blob: "y", node: top }] }, { realBytes: 4 });
    const { kernels } = lowerFor(cudaTarget, plan);
    return [kernels.map((one) => renderCuda(one).source).join("\n"), tsSource(lowerFor(tsTarget, plan))];
  };
  test("2²⁰: as 32-bit integers", () => {
    const [cuda, ts] = sources(2 ** 10, 2 ** 10);
    expect(cuda).toContain("const int i0 =");
    expect(cuda).not.toContain("long long");
    expect(ts).toContain("| 0");
  });
  test("2³² and more: as wide as they must be", () => {
    const [cuda, ts] = sources(2 ** 16, 2 ** 16 + 1);
    expect(cuda).toContain("const long long i0 = static_cast<long long>(blockIdx.x) * 256 + threadIdx.x;");
    expect(cuda).not.toMatch(/\bint i\d/);
    expect(ts).not.toContain("| 0");
  });
});

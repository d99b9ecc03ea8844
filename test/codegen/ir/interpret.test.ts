import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import type { Node } from "../../../codegen/ir/graph.js";
import { arg, constant, mul } from "../../../codegen/ir/scalar.js";
import { interpret, uniform } from "../../support/interpret.js";
import { randomGraph } from "../../support/random-graph.js";

const b = createBuilder();
const ramp = (count: number, start = 1): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => start + i);
const inputs = new Map([
  ["line", Float64Array.of(3, 1, 4, 1, 5, 9)],
  ["square", ramp(9)],
  ["pair", ramp(4)],
  ["positions", Float64Array.of(2, 0, 2)],
  ["rows", ramp(6)],
]);
const params = new Map([[0, Float64Array.of(1, 10, 100)]]);
const line = b.input("line", [1, 1, 6]);
const square = b.input("square", [1, 3, 3]);
const pair = b.input("pair", [1, 2, 2]);
const positions = b.input("positions", [3], "index");
const rows = b.input("rows", [3, 2]);
const kernel = b.param(0, [1, 1, 3]);
const strided = {
  groups: 1,
  spatial: [{ kernel: 3, stride: 2, pad: 1, dilation: 1, input: 6, output: 3 }],
};
const dilated = {
  groups: 1,
  spatial: [{ kernel: 3, stride: 1, pad: 0, dilation: 2, input: 6, output: 2 }],
};
const window = [{ axis: 2, size: 3, stride: 2, pad: 1, windows: 4, extent: 6 }];
const plane = [1, 2].map((axis) => ({ axis, size: 2, stride: 1, pad: 0, windows: 2, extent: 3 }));
const three = b.slice(line, 2, 0, 3);

describe("worked by hand", () => {
  test.each<[string, Node, number[]]>([
    ["map", b.map(mul(arg(0), constant(2)), [pair]), [2, 4, 6, 8]],
    ["map to positions", b.map(mul(arg(0), constant(0.7)), [pair], undefined, "index"), [0, 1, 2, 2]],
    ["sum", b.reduce("sum", square, [1]), [12, 15, 18]],
    ["greatest", b.reduce("max", line, [2]), [9]],
    ["its first position", b.reduce("argmax", b.slice(line, 2, 1, 3), [2]), [1]],
    ["product", b.matmul(pair, pair), [7, 10, 15, 22]],
    ["product, left transposed", b.matmul(pair, pair, true), [10, 14, 14, 20]],
    ["product, right transposed", b.matmul(pair, pair, false, true), [5, 11, 11, 25]],
    ["convolution", b.conv(line, kernel, strided), [130, 141, 951]],
    ["convolution, dilated", b.conv(line, kernel, dilated), [543, 911]],
    ["its data gradient", b.convData(three, kernel, strided), [30, 301, 10, 104, 40, 400]],
    ["its filter gradient", b.convFilter(line, three, strided), [1 + 4, 9 + 4 + 20, 3 + 1 + 36]],
    ["greatest of windows", b.windowMax(line, window), [3, 4, 9, 9]],
    ["their positions", b.windowArgmax(line, window), [0, 2, 5, 5]],
    ["sums of windows", b.windowSum(line, window), [4, 6, 15, 9]],
    ["spread", b.windowSpread(b.windowSum(line, window), window), [4, 10, 6, 21, 15, 24]],
    ["positions in a plane", b.windowArgmax(square, plane), [4, 5, 7, 8]],
    ["picked there", b.windowPick(square, b.windowArgmax(square, plane), plane), [5, 6, 8, 9]],
    [
      "scattered there",
      b.windowScatter(pair, b.windowArgmax(square, plane), plane),
      [0, 0, 0, 0, 1, 2, 0, 3, 4],
    ],
    [
      "scattered onto each other",
      b.windowScatter(b.windowMax(line, window), b.windowArgmax(line, window), window),
      [3, 0, 4, 0, 0, 18],
    ],
    ["gathered rows", b.gather(rows, positions), [5, 6, 1, 2, 5, 6]],
    ["scattered rows", b.scatter(rows, positions, 4), [3, 4, 0, 0, 6, 8, 0, 0]],
    ["transposed", b.transpose(b.slice(square, 1, 0, 2), [0, 2, 1]), [1, 4, 2, 5, 3, 6]],
    ["sliced", b.slice(square, 2, 1, 2), [2, 3, 5, 6, 8, 9]],
    ["joined", b.concat([pair, b.slice(square, 1, 0, 2)], 2), [1, 2, 1, 2, 3, 3, 4, 4, 5, 6]],
    ["padded", b.pad(pair, 2, 1, 2), [0, 1, 2, 0, 0, 0, 3, 4, 0, 0]],
    ["constant", b.constant(0.5, [2]), [0.5, 0.5]],
    ["a name", b.stop(b.blob(pair, "x", 0)), [1, 2, 3, 4]],
  ])("%s", (_, node, expected) => {
    expect(Array.from(interpret([node], { inputs, params })(node))).toEqual(expected);
  });

  test("two groups", () => {
    const x = b.reshape(rows, [1, 2, 3]);
    const w = b.constant(2, [2, 1, 2]);
    const geometry = {
      groups: 2,
      spatial: [{ kernel: 2, stride: 1, pad: 0, dilation: 1, input: 3, output: 2 }],
    };
    const node = b.conv(x, w, geometry);
    expect(Array.from(interpret([node], { inputs, params })(node))).toEqual([6, 10, 18, 22]);
  });
});

test("random bits depend on seed, stream, step and element only", () => {
  const step = b.input("step", []);
  const node = b.random(step, 3, [2, 5]);
  const at = (seed: number, value: number): number[] =>
    Array.from(interpret([node], { inputs, params, seed, step: value })(node));
  expect(at(7, 2)).toEqual(Array.from({ length: 10 }, (_, i) => uniform(7, 3, 2, i)));
  expect(at(7, 2)).not.toEqual(at(7, 3));
  expect(at(7, 2)).not.toEqual(at(8, 2));
  const given = interpret([node], { inputs: new Map([["step", Float64Array.of(2)]]), params, seed: 7 });
  expect(Array.from(given(node))).toEqual(at(7, 2));
});

test("what is not bound, or not there, is said", () => {
  const other = b.input("other", [1]);
  expect(() => interpret([other], { inputs, params })).toThrow('no value is bound to input "other"');
  expect(() => interpret([line], { inputs, params })(square)).toThrow("was not evaluated");
  expect(() => interpret([b.gather(pair, positions)], { inputs, params })).toThrow("position 2 of 1");
});

test("every random graph has finite values of moderate size", () => {
  fc.assert(
    fc.property(randomGraph({ backward: true }), ({ graph, bindings }) => {
      const valueAt = interpret(graph, bindings);
      for (const { node } of graph.roots) {
        for (const value of valueAt(node)) expect(Math.abs(value)).toBeLessThan(1e6);
      }
    }),
    { numRuns: 300 },
  );
});

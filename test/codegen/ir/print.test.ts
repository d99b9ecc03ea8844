import { describe, expect, test } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { printGraph, printNode, printScalar } from "../../../codegen/ir/print-graph.js";
import {
  add,
  arg,
  binary,
  constant,
  coord,
  div,
  mul,
  neg,
  type Scalar,
  select,
  shaped,
  sub,
  unary,
} from "../../../codegen/ir/scalar.js";

test("a graph, a node a line, then its roots", () => {
  const b = createBuilder();
  const x = b.input("data", [1, 1, 6, 6]);
  b.origin = "conv1";
  const side = { kernel: 3, stride: 1, pad: 0, dilation: 1, input: 6, output: 4 };
  const conv = b.conv(x, b.param(0, [2, 1, 3, 3]), { groups: 1, spatial: [side, side] });
  b.origin = "relu1";
  const relu = b.map(unary("relu", add(arg(0), arg(1))), [conv, b.param(1, [2, 1, 1])]);
  b.origin = "pool1";
  const window = [2, 3].map((axis) => ({ axis, size: 2, stride: 2, pad: 0, windows: 2, extent: 4 }));
  const mask = b.windowArgmax(relu, window);
  expect(
    printGraph({
      roots: [
        { role: "value", blob: "pool1", node: b.windowPick(relu, mask, window) },
        { role: "gradient", param: 0, node: b.param(0, [2, 1, 3, 3]) },
      ],
    }),
  ).toBe(`%0 = input "data" : [1, 1, 6, 6]
%1 = param 0 : [2, 1, 3, 3]  # conv1
%2 = conv g1 k3s1p0d1:6>4 k3s1p0d1:6>4 (%0, %1) : [1, 2, 4, 4]  # conv1
%3 = param 1 : [2, 1, 1]  # relu1
%4 = reshape (%3) : [1, 2, 1, 1]  # relu1
%5 = map relu(%2 + %4) : [1, 2, 4, 4]  # relu1
%6 = windowArgmax a2k2s2p0:4>2 a3k2s2p0:4>2 (%5) : index [1, 2, 2, 2]  # pool1
%7 = windowPick a2k2s2p0:4>2 a3k2s2p0:4>2 (%5, %6) : [1, 2, 2, 2]  # pool1
value "pool1" = %7
gradient of parameter 0 = %1`);
});

describe("expressions", () => {
  const [x, y, z] = [arg(0), arg(1), arg(2)];
  test.each<[Scalar, string]>([
    [mul(binary("max", x, constant(0)), y), "max($0, 0) * $1"],
    [mul(add(x, y), z), "($0 + $1) * $2"],
    [add(mul(x, y), z), "$0 * $1 + $2"],
    [sub(x, sub(y, z)), "$0 - ($1 - $2)"],
    [sub(sub(x, y), z), "$0 - $1 - $2"],
    [div(x, mul(y, z)), "$0 / ($1 * $2)"],
    [mul(div(x, y), z), "$0 / $1 * $2"],
    [neg(add(x, y)), "-($0 + $1)"],
    [neg(mul(x, y)), "-($0 * $1)"],
    [mul(neg(x), y), "(-$0) * $1"],
    [add(x, neg(y)), "$0 + (-$1)"],
    [mul(x, constant(-0.5)), "$0 * (-0.5)"],
    [mul(constant(-0.5), x), "-0.5 * $0"],
    [add(x, constant(-0)), "$0 + (-0)"],
    [binary("pow", x, constant(-0.75)), "pow($0, -0.75)"],
    [shaped("leakyRelu", x, 0.1), "leakyRelu($0, 0.1)"],
    [select("ge", coord(1), constant(2), x, y), "@1 >= 2 ? $0 : $1"],
    [mul(select("gt", x, y, constant(1), constant(0)), z), "($0 > $1 ? 1 : 0) * $2"],
    [select("lt", x, y, select("eq", x, z, x, y), z), "$0 < $1 ? ($0 == $2 ? $0 : $1) : $2"],
    [mul(x, constant(Infinity)), "$0 * Infinity"],
  ])("%#: %j", (expr, expected) => {
    expect(printScalar(expr)).toBe(expected);
  });
});

test("no name ends a line or hides", () => {
  const b = createBuilder();
  b.origin = 'a\n%9 = "evil"\u2028\u202e\u007f';
  const line = printNode(b.blob(b.input("x\r\n`$` */\u001b[31m", [2]), "b\nc", 3));
  expect(line).toBe('%1 = blob "b\\nc" 3 (%0) : [2]  # a\\u000a%9 = "evil"\\u2028\\u202e\\u007f');
  expect(printNode(b.input("x\r\n\u001b[31m", [2]))).toContain('input "x\\r\\n\\u001b[31m"');
});

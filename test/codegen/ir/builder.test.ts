import { describe, expect, test } from "vitest";
import { broadcastShape, createBuilder } from "../../../codegen/ir/builder.js";
import { type ConvGeometry, type Node, nodesOf } from "../../../codegen/ir/graph.js";
import { add, arg, constant, coord, mul, unary } from "../../../codegen/ir/scalar.js";
import { InternalError } from "../../../proto/errors/index.js";

const geometry: ConvGeometry = {
  groups: 2,
  spatial: [{ kernel: 3, stride: 2, pad: 1, dilation: 1, input: 5, output: 3 }],
};

describe("interning", () => {
  test("the same structure is the same object", () => {
    const b = createBuilder();
    const make = (): Node => {
      const x = b.input("x", [2, 4, 5]);
      const y = b.conv(x, b.param(0, [6, 2, 3]), geometry);
      return b.concat([b.map(unary("relu", arg(0)), [y]), b.slice(y, 1, 0, 2)], 1);
    };
    expect(make()).toBe(make());
  });

  test("numbers that differ in sign of zero, infinity or NaN are different constants; NaN is one", () => {
    const b = createBuilder();
    const values = [0, -0, Infinity, -Infinity, Number.NaN, 1, 1 + Number.EPSILON];
    expect(new Set(values.map((value) => b.constant(value))).size).toBe(values.length);
    expect(b.constant(Number.NaN)).toBe(b.constant(0 / 0));
    const x = b.input("x", [3]);
    const scaled = values.map((value) => b.map(mul(arg(0), constant(value)), [x]));
    expect(new Set(scaled).size).toBe(values.length);
  });

  test("names cannot be taken for structure", () => {
    const b = createBuilder();
    expect(b.input('x"|real|3|', [3])).not.toBe(b.input("x", [3]));
    const x = b.input("x", [3]);
    expect(b.blob(x, "a 1", 0)).not.toBe(b.blob(x, "a", 10));
    expect(b.blob(x, '__proto__"\n', 0)).toBe(b.blob(x, '__proto__"\n', 0));
  });

  test("each attribute, shape, dtype and input counts", () => {
    const b = createBuilder();
    const x = b.input("x", [2, 4, 4]);
    const nodes = [
      x,
      b.input("x", [4, 2, 4]),
      b.input("x", [2, 4, 4], "index"),
      b.matmul(x, x),
      b.matmul(x, x, true, true).inputs[0],
      b.reduce("sum", x, [1]),
      b.reduce("sum", x, [2]),
      b.reduce("max", x, [1]),
      b.slice(x, 1, 0, 2),
      b.slice(x, 1, 1, 2),
      b.pad(x, 1, 1, 0),
      b.pad(x, 1, 0, 1),
      b.random(b.input("step", []), 0, [2]),
      b.random(b.input("step", []), 1, [2]),
    ];
    expect(new Set(nodes).size).toBe(nodes.length - 1);
  });

  test("nodes are frozen and older than what reads them", () => {
    const b = createBuilder();
    const x = b.input("x", [2]);
    const y = b.map(unary("exp", arg(0)), [x]);
    expect(Object.isFrozen(y)).toBe(true);
    expect(nodesOf({ roots: [{ role: "value", blob: "y", node: y }] })).toEqual([x, y]);
  });
});

describe("identities", () => {
  const b = createBuilder();
  const x = b.input("x", [2, 3, 4]);
  test.each<[string, Node, Node]>([
    ["a map of nothing but its operand", b.map(arg(0), [x]), x],
    ["a map of a constant", b.map(add(arg(0), constant(1)), [b.constant(2, [3])]), b.constant(3, [3])],
    ["an operand twice", b.map(add(arg(0), arg(1)), [x, x]), b.map(add(arg(0), arg(0)), [x])],
    ["an operand not read", b.map(arg(1), [b.input("other", [2, 3, 4]), x]), x],
    ["a reduction over axes of one", b.reduce("sum", b.reshape(x, [24, 1]), [1]), b.reshape(x, [24, 1])],
    ["a reshape of a reshape", b.reshape(b.reshape(x, [24]), [2, 3, 4]), x],
    ["a transpose that keeps the order", b.transpose(x, [0, 1, 2]), x],
    ["a whole slice", b.slice(x, 1, 0, 3), x],
    ["a concat of one", b.concat([x], 2), x],
    ["a pad by nothing", b.pad(x, 0, 0, 0), x],
    ["a reshaped constant", b.reshape(b.constant(2, [6]), [2, 3]), b.constant(2, [2, 3])],
  ])("%s", (_, made, expected) => {
    expect(made).toBe(expected);
  });

  test("a conversion is not an identity", () => {
    const position = b.input("p", [3], "index");
    expect(b.map(arg(0), [position])).not.toBe(position);
    expect(b.map(arg(0), [position]).dtype).toBe("real");
  });
});

describe("shapes", () => {
  const b = createBuilder();
  const x = b.input("x", [2, 4, 5]);
  test.each<[string, readonly number[], readonly number[]]>([
    ["broadcast from the right", b.map(add(arg(0), arg(1)), [x, b.input("y", [4, 1])]).shape, [2, 4, 5]],
    ["map to a given shape", b.map(coord(0), [], [3, 2]).shape, [3, 2]],
    ["reduce keeps axes", b.reduce("sum", x, [2, 0]).shape, [1, 4, 1]],
    ["reduce drops axes", b.reduce("sum", x, [2, 0], true).shape, [4]],
    ["product", b.matmul(x, b.input("z", [1, 3, 4]), true, true).shape, [2, 5, 3]],
    ["convolution", b.conv(x, b.param(0, [6, 2, 3]), geometry).shape, [2, 6, 3]],
    [
      "its data gradient",
      b.convData(b.input("g", [2, 6, 3]), b.param(0, [6, 2, 3]), geometry).shape,
      [2, 4, 5],
    ],
    ["its filter gradient", b.convFilter(x, b.input("g", [2, 6, 3]), geometry).shape, [6, 2, 3]],
    ["gather", b.gather(x, b.input("p", [7], "index")).shape, [7, 4, 5]],
    ["scatter", b.scatter(x, b.input("p2", [2], "index"), 9).shape, [9, 4, 5]],
    ["transpose", b.transpose(x, [2, 0, 1]).shape, [5, 2, 4]],
  ])("%s", (_, shape, expected) => {
    expect(shape).toEqual(expected);
  });

  test("broadcastShape", () => {
    expect(broadcastShape([[2, 1, 4], [3, 1], []])).toEqual([2, 3, 4]);
    expect(broadcastShape([])).toEqual([]);
    expect(broadcastShape([[2], [3]])).toBeUndefined();
    expect(broadcastShape([[0], [1]])).toEqual([0]);
  });

  test.each<[string, () => Node]>([
    ["map of shapes that do not broadcast", () => b.map(add(arg(0), arg(1)), [x, b.input("q", [3])])],
    ["map that reads more than it has", () => b.map(arg(1), [x])],
    ["map that reads a coordinate it has not", () => b.map(coord(3), [], [2, 4, 1])],
    ["map to a smaller shape", () => b.map(unary("exp", arg(0)), [x], [2, 4, 1])],
    ["reduce beyond the rank", () => b.reduce("sum", x, [3])],
    ["argmax over two axes", () => b.reduce("argmax", x, [0, 1])],
    ["product of depths that differ", () => b.matmul(x, x)],
    ["product of batches that differ", () => b.matmul(x, b.input("b3", [3, 5, 1]))],
    ["product of vectors", () => b.matmul(b.input("v", [5]), b.input("v", [5]))],
    ["convolution of the wrong channels", () => b.conv(x, b.param(1, [6, 4, 3]), geometry)],
    ["convolution of the wrong kernel", () => b.conv(x, b.param(2, [6, 2, 2]), geometry)],
    [
      "window over the wrong extent",
      () => b.windowSum(x, [{ axis: 1, size: 2, stride: 1, pad: 0, windows: 2, extent: 3 }]),
    ],
    [
      "window over one axis twice",
      () =>
        b.windowSum(
          x,
          [0, 0].map(() => ({ axis: 1, size: 1, stride: 1, pad: 0, windows: 4, extent: 4 })),
        ),
    ],
    ["reshape to another size", () => b.reshape(x, [41])],
    ["transpose by no permutation", () => b.transpose(x, [0, 0, 1])],
    ["slice beyond the end", () => b.slice(x, 1, 3, 2)],
    ["slice along no axis", () => b.slice(x, 3, 0, 1)],
    ["concat of extents that differ", () => b.concat([x, b.input("c", [2, 4, 4])], 1)],
    ["concat of dtypes that differ", () => b.concat([x, b.input("x", [2, 4, 5], "index")], 1)],
    ["concat of nothing", () => b.concat([], 0)],
    ["pad by less than nothing", () => b.pad(x, 0, -1, 0)],
    ["pad along no axis", () => b.pad(x, 3, 1, 0)],
    ["rebuild over another shape", () => b.rebuild(b.blob(x, "x", 0), [b.input("c", [2, 4, 4])])],
  ])("%s is a fault", (_, make) => {
    expect(make).toThrow(InternalError);
  });
});

describe("rebuild", () => {
  test("gives the node itself over the same inputs, and the simpler one over simpler inputs", () => {
    const b = createBuilder();
    const [x, y] = [b.input("x", [3]), b.input("y", [3])];
    b.origin = "layer";
    const sum = b.map(add(arg(0), arg(1)), [x, y]);
    b.origin = "other";
    expect(b.rebuild(sum, [x, y])).toBe(sum);
    expect(b.rebuild(sum, [x, b.constant(0, [3])])).toBe(x);
    expect(b.rebuild(sum, [y, y]).origin).toBe("layer");
    expect(b.origin).toBe("other");
  });
});

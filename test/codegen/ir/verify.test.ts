import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import type { Graph, Node } from "../../../codegen/ir/graph.js";
import { verify } from "../../../codegen/ir/index.js";
import { add, arg, coord, unary } from "../../../codegen/ir/scalar.js";
import { InternalError } from "../../../proto/errors/index.js";
import { randomGraph } from "../../support/random-graph.js";

const of = (node: Node): Graph => ({ roots: [{ role: "value", blob: "out", node }] });
/** A node with something changed, as no builder makes it. */
const broken = (node: Node, changes: Record<string, unknown>): Node => ({ ...node, ...changes }) as Node;

const b = createBuilder();
const x = b.input("x", [2, 4, 6]);
const position = b.input("p", [3], "index");
const [vector, image] = [b.input("v", [6]), b.input("i", [2, 4, 6], "index")];
const exp = b.map(unary("exp", arg(0)), [x]);
const sum = b.map(add(arg(0), arg(1)), [x, b.input("row", [1, 4, 1])]);
const window = [{ axis: 2, size: 2, stride: 2, pad: 0, windows: 3, extent: 6 }];
const pool = b.windowMax(x, window);
const conv = b.conv(x, b.param(0, [2, 4, 1]), {
  groups: 1,
  spatial: [{ kernel: 1, stride: 1, pad: 0, dilation: 1, input: 6, output: 6 }],
});

describe("faults made by hand", () => {
  test.each<[string, Node, RegExp]>([
    ["an input younger than its reader", broken(exp, { inputs: [pool] }), /reads %\d+, which is not older/],
    ["a node that reads itself by id", broken(exp, { id: x.id }), /which is not older/],
    ["two nodes of one id", broken(sum, { inputs: [x, broken(x, { name: "y", inputs: [] })] }), /one id/],
    ["a wrong shape", broken(exp, { shape: [2, 4, 7] }), /does not broadcast to \[2, 4, 7\]/],
    ["a wrong extent", broken(b.reduce("sum", x, [1]), { shape: [2, 2, 6] }), /has shape \[2,2,6\]/],
    ["a negative extent", broken(x, { shape: [-1] }), /has a shape that is none/],
    ["a fraction of an extent", broken(x, { shape: [1.5] }), /has a shape that is none/],
    ["a wrong dtype", broken(pool, { dtype: "index" }), /is index, not real/],
    ["an operand too many is read", broken(exp, { expr: add(arg(0), arg(1)) }), /operand 1 of 1/],
    ["a coordinate beyond the rank", broken(exp, { expr: coord(3) }), /coordinate along axis 3/],
    [
      "an operand of another rank",
      broken(sum, { inputs: [x, b.input("v", [6])] }),
      /not older|rank 1, not 3/,
    ],
    ["an input missing", broken(conv, { inputs: [x] }), /has 1 inputs, not 2/],
    ["an input too many", broken(pool, { inputs: [x, x] }), /has 2 inputs, not 1/],
    ["a filter of another rank", broken(conv, { inputs: [x, vector] }), /convolution of/],
    [
      "a convolution of another geometry",
      broken(conv, { geometry: { groups: 2, spatial: [] } }),
      /convolution of/,
    ],
    ["a window that does not fit", broken(pool, { window: [{ ...window[0], extent: 5 }] }), /does not fit/],
    [
      "a window that covers nothing",
      broken(pool, { window: [{ ...window[0], stride: 3 }] }),
      /covers nothing/,
    ],
    ["a window of padding alone", broken(pool, { window: [{ ...window[0], pad: 2 }] }), /covers nothing/],
    ["a slice beyond its source", broken(b.slice(x, 1, 0, 2), { start: 3 }), /slice 3\+2/],
    ["a pad of negative length", broken(b.pad(x, 1, 1, 1), { before: 3 }), /pad 3, -1/],
    ["no permutation", broken(b.transpose(x, [1, 0, 2]), { perm: [1, 1, 2] }), /transpose/],
    ["positions that are real", broken(b.gather(x, position), { inputs: [x, vector] }), /input 1 is real/],
    ["a product of positions", broken(b.matmul(x, x, true), { inputs: [x, image] }), /input 1 is index/],
  ])("%s", (_, node, message) => {
    expect(() => verify(of(node))).toThrow(message);
    expect(() => verify(of(node))).toThrow(InternalError);
  });

  test("roots", () => {
    const gradient = (param: number, node: Node): Graph => ({
      roots: [{ role: "gradient", param, node }, ...of(conv).roots],
    });
    expect(() => verify(gradient(0, b.input("g", [2, 4, 1])))).not.toThrow();
    expect(() => verify(gradient(0, b.input("g2", [2, 4, 2])))).toThrow(/parameter 0 has shape \[2,4,1\]/);
    expect(() => verify(of(position))).toThrow(/not of real numbers/);
  });

  test("the message shows the node, what it reads and who reads it", () => {
    const bad = broken(pool, { window: [{ ...window[0], extent: 5 }] });
    const reader = broken(b.map(unary("exp", arg(0)), [pool]), { inputs: [bad], origin: "later\nlayer" });
    const message = (() => {
      try {
        verify(of(reader));
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error("no fault found");
    })();
    expect(message.split("\n").slice(1, 4)).toEqual([
      `    %${x.id} = input "x" : [2, 4, 6]`,
      `  > %${pool.id} = windowMax a2k2s2p0:5>3 (%${x.id}) : [2, 4, 3]`,
      `    %${reader.id} = map exp(%${pool.id}) : [2, 4, 3]  # later\\u000alayer`,
    ]);
  });
});

test("what a builder makes has no fault", () => {
  fc.assert(
    fc.property(randomGraph({ backward: true }), ({ graph }) => verify(graph)),
    { numRuns: 200 },
  );
});

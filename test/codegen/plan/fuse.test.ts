import { describe, expect, it } from "vitest";
import { differentiate } from "../../../codegen/autodiff/index.js";
import type { Graph, Node, Root } from "../../../codegen/ir/graph.js";
import { add, arg, constant, coord, mul, select, sub, unary } from "../../../codegen/ir/scalar.js";
import { type Plan, planGraph, type Step } from "../../../codegen/plan/index.js";
import { growth } from "../../support/work.js";
import { conv, createNet, innerProduct, lenet, maxPool, relu, trainedGraph } from "./nets.js";

const values = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i): Root => ({ role: "value", blob: `top${i}`, node })),
});
const plan = (graph: Graph): Plan => planGraph(graph, { realBytes: 4 });
const stepOf = ({ steps }: Plan, node: Node): Step | undefined =>
  steps.find(({ stores }) => stores.includes(node));
const anchors = ({ steps }: Plan): readonly string[] => steps.map(({ anchor }) => anchor.op);

describe("fusion", () => {
  it("computes bias and ReLU in the convolution's loops; its own value is never in memory", () => {
    const net = createNet();
    const top = relu(net, "relu1", conv(net, "conv1", net.b.input("data", [2, 3, 8, 8]), 4, 3));
    const result = plan(values(top));
    expect(anchors(result)).toEqual(["conv"]);
    expect(result.steps[0].stores).toEqual([top]);
    expect(result.placements.has(result.steps[0].anchor)).toBe(false);
    expect(result.steps[0].reads.map((read) => read.op)).toEqual(["input", "param", "reshape"]);
  });

  it("joins convolution, batch-norm's scale, scale, residual sum and ReLU", () => {
    const net = createNet();
    const { b } = net;
    const data = b.input("data", [2, 4, 8, 8]);
    const scaled = b.map(mul(arg(0), arg(1)), [conv(net, "conv1", data, 4, 3, 1), net.param([1, 4, 1, 1])]);
    const top = relu(net, "relu", b.map(add(arg(0), arg(1)), [scaled, data]));
    expect(anchors(plan(values(top)))).toEqual(["conv"]);
  });

  it("takes a residual sum into the later of two convolutions", () => {
    const net = createNet();
    const data = net.b.input("data", [2, 4, 8, 8]);
    const [left, right] = [conv(net, "left", data, 4, 1), conv(net, "right", data, 4, 3, 1)];
    const top = relu(net, "relu", net.b.map(add(arg(0), arg(1)), [left, right]));
    const result = plan(values(top));
    expect(anchors(result)).toEqual(["conv", "conv"]);
    expect(result.steps[1].stores).toEqual([top]);
  });

  it("puts bias and ReLU behind a product, through the reshape from its batch of one", () => {
    const net = createNet();
    const top = relu(net, "relu", innerProduct(net, "ip", net.b.input("data", [4, 3, 2, 2]), 5));
    expect(anchors(plan(values(top)))).toEqual(["matmul"]);
  });

  it("leaves a map alone where a reshape gives its coordinates another meaning", () => {
    const net = createNet();
    const { b } = net;
    const flat = b.reshape(conv(net, "conv", b.input("data", [2, 3, 4, 4]), 2, 3), [2, 8]);
    const perColumn = b.map(add(arg(0), arg(1)), [flat, net.param([1, 8])]);
    expect(anchors(plan(values(perColumn)))).toEqual(["conv", "map"]);
    // Without anything that asks for coordinates, it may.
    expect(anchors(plan(values(relu(net, "relu", flat))))).toEqual(["conv"]);
  });

  it("stores a value that is a root as well, in the same loops", () => {
    const net = createNet();
    const before = conv(net, "conv1", net.b.input("data", [2, 3, 8, 8]), 4, 3);
    const top = relu(net, "relu1", before);
    const result = plan(values(before, top));
    expect(anchors(result)).toEqual(["conv"]);
    expect(result.steps[0].stores).toEqual([before, top]);
  });

  it("forms no cycle: a second reader between a value and its epilogue keeps them apart", () => {
    const net = createNet();
    const { b } = net;
    const x = conv(net, "conv", b.input("data", [1, 2, 4, 4]), 2, 1);
    const other = b.windowSum(x, [{ axis: 1, size: 3, stride: 1, pad: 1, windows: 2, extent: 2 }]);
    const top = b.map(mul(arg(0), arg(1)), [x, other]);
    const result = plan(values(top));
    expect(anchors(result)).toEqual(["conv", "windowSum"]);
    expect(result.steps[1].stores).toEqual([top]);
    expect(stepOf(result, x)).toBe(result.steps[0]);
  });

  it("never computes operands of products and convolutions in place", () => {
    const net = createNet();
    const { b } = net;
    const hidden = b.map(unary("relu", arg(0)), [b.input("data", [1, 2, 6, 6])]);
    const top = conv(net, "conv", hidden, 2, 3);
    expect(anchors(plan(values(top)))).toEqual(["map", "conv"]);
    const turned = b.transpose(b.input("a", [1, 3, 4]), [0, 2, 1]);
    expect(anchors(plan(values(b.matmul(turned, b.input("c", [1, 3, 2])))))).toEqual(["transpose", "matmul"]);
  });

  it("computes squares under LRN's sum and products under a reduction, but no exponential in a window", () => {
    const net = createNet();
    const { b } = net;
    const x = b.input("data", [2, 8, 3, 3]);
    const window = [{ axis: 1, size: 5, stride: 1, pad: 2, windows: 8, extent: 8 }];
    const squares = b.map(mul(arg(0), arg(0)), [x]);
    expect(anchors(plan(values(b.windowSum(squares, window))))).toEqual(["windowSum"]);
    expect(anchors(plan(values(b.reduce("sum", squares, [0, 2, 3]))))).toEqual(["reduce"]);
    const powers = b.map(unary("exp", arg(0)), [x]);
    expect(anchors(plan(values(b.windowSum(powers, window))))).toEqual(["map", "windowSum"]);
    expect(anchors(plan(values(b.reduce("sum", powers, [1]))))).toEqual(["reduce"]);
  });
});

describe("fusion of views, of what both passes read and of long chains", () => {
  it("reads slices, transposes, pads and concats where maps need them, and shares memory for free views", () => {
    const { b } = createNet();
    const x = b.input("x", [4, 6, 2]);
    const half = b.slice(x, 1, 3, 3);
    expect(anchors(plan(values(b.map(unary("exp", arg(0)), [half]))))).toEqual(["map"]);
    const turned = b.map(add(arg(0), arg(1)), [b.transpose(half, [1, 0, 2]), b.input("y", [3, 4, 2])]);
    expect(anchors(plan(values(turned)))).toEqual(["map"]);
    const result = plan(values(b.reshape(b.slice(x, 0, 1, 2), [24])));
    expect(result.steps).toEqual([]);
    const placement = result.placements.get(result.graph.roots[0].node)!;
    expect(placement.offset).toBe(12);
  });

  it("keeps no dropout mask: both passes draw it again", () => {
    const net = createNet();
    const { b } = net;
    const x = innerProduct(net, "ip", b.input("data", [4, 6]), 6);
    const bits = b.random(b.input("step", []), 3, x.shape);
    const mask = b.map(select("ge", arg(0), constant(0.5), constant(2), constant(0)), [bits]);
    const top = b.map(mul(arg(0), arg(1)), [x, mask]);
    const loss = b.reduce("sum", b.map(mul(arg(0), arg(0)), [top]), [0, 1]);
    const result = plan(trainedGraph(net, b.reshape(loss, [])));
    expect(result.placements.has(bits)).toBe(false);
    expect(result.placements.has(mask)).toBe(false);
    const drawn = result.steps.filter(({ inlined }) => inlined.has(bits));
    expect(new Set(drawn.map(({ pass }) => pass))).toEqual(new Set(["forward", "backward"]));
  });

  it("keeps the positions of max pooling, found beside the maxima, and not its input", () => {
    const net = createNet();
    const before = conv(net, "conv", net.b.input("data", [2, 1, 9, 9]), 3, 2);
    const pool = maxPool(net, "pool", before);
    const loss = net.b.reduce("sum", net.b.map(mul(arg(0), arg(0)), [pool]), [0, 1, 2, 3]);
    const result = plan(trainedGraph(net, net.b.reshape(loss, [])));
    const step = stepOf(result, pool)!;
    expect(step.stores.map((node) => node.op)).toEqual(["windowMax", "windowArgmax"]);
    const region = result.regions.find(({ holds }) => holds.includes(before))!;
    expect(region.last).toBe(step.index);
    const positions = result.regions.find(({ dtype }) => dtype === "index")!;
    expect(positions.last).toBeGreaterThanOrEqual(result.firstBackward);
  });

  it("puts no constant in memory unless something reads it that computes nothing in place", () => {
    const { b } = createNet();
    const ones = b.constant(1, [1, 4, 1]);
    const x = b.input("x", [1, 3, 4]);
    expect(anchors(plan(values(b.reduce("sum", ones, [1]))))).toEqual(["reduce"]);
    const result = plan(values(b.map(unary("exp", arg(0)), [b.input("y", [2])]), b.matmul(x, ones)));
    // Filled right before its reader.
    expect(anchors(result)).toEqual(["map", "constant", "matmul"]);
    const root = plan(values(b.constant(3, [2, 2])));
    expect(anchors(root)).toEqual(["constant"]);
  });

  it("cuts long chains into steps whose kernels stay readable", () => {
    const { b } = createNet();
    let x = b.input("x", [8]);
    for (let i = 0; i < 200; i++) x = b.map(unary("tanh", sub(arg(0), coord(0))), [x]);
    const { steps } = plan(values(x));
    expect(steps.length).toBeLessThan(20);
    for (const step of steps) expect(step.inlined.size).toBeLessThanOrEqual(24);
  });

  it("computes a value whose readers all end in one loop nest there, however many they are", () => {
    const { b } = createNet();
    const x = b.input("x", [4, 4]);
    const shared = b.map(unary("tanh", arg(0)), [x]);
    const left = b.map(unary("exp", arg(0)), [shared]);
    const top = b.map(add(arg(0), arg(1)), [left, shared]);
    expect(plan(values(top)).steps.map(({ inlined }) => inlined.size)).toEqual([2]);
  });
});

describe("schedule", () => {
  it("runs forward first, then backward; each gradient of a parameter as soon as it can be had", () => {
    const { graph } = lenet(2);
    const { steps, firstBackward } = plan(graph);
    steps.forEach((step, i) => {
      expect(step.index).toBe(i);
      expect(step.pass).toBe(i < firstBackward ? "forward" : "backward");
    });
    const backward = steps.slice(firstBackward).map(({ anchor }) => `${anchor.op} ${anchor.origin}`);
    expect(backward.indexOf("convFilter conv2")).toBeLessThan(backward.indexOf("convData conv2"));
    expect(backward.indexOf("convData conv2")).toBeLessThan(backward.indexOf("convFilter conv1"));
  });

  it("replaces parameters after the last reader of their old value, so that no copy is needed", () => {
    const { net, graph } = lenet(2);
    const { b } = net;
    const roots = graph.roots.map((root): Root => {
      if (root.role !== "gradient") return root;
      const old = net.params[root.param];
      const node = b.map(sub(arg(0), mul(constant(0.01), arg(1))), [old, root.node]);
      return { role: "update", pass: "backward", param: root.param, node };
    });
    const result = plan({ roots });
    expect(result.copies).toEqual([]);
    expect(result.steps.length).toBe(plan(graph).steps.length);
  });

  it("computes in forward what only backward needs, where that lets go of something larger", () => {
    const { b } = createNet();
    const x = b.map(unary("exp", arg(0)), [b.input("x", [4, 64])]);
    const top = b.reduce("max", x, [1]);
    const norm = b.reduce("sum", x, [1]);
    const diff = b.map(mul(arg(0), arg(1)), [b.input("diff:top", [4, 1]), norm]);
    const graph: Graph = {
      roots: [
        { role: "value", blob: "top", node: top },
        { role: "diff", blob: "x", node: diff },
      ],
    };
    expect(stepOf(plan(graph), norm)?.pass).toBe("forward");
  });

  it("plans a chain of 5,000 layers without recursion, with work in proportion", () => {
    const chain = (layers: number) => {
      const { b } = createNet();
      const w = b.param(0, [4]);
      let top = b.input("x", [4]);
      for (let i = 0; i < layers; i++) top = b.map(unary("tanh", add(arg(0), arg(1))), [top, w]);
      const seeds = [{ node: top, cotangent: b.constant(1, [4]) }];
      const graph: Graph = {
        roots: [
          { role: "value", blob: "top", node: top },
          { role: "gradient", param: 0, node: differentiate(b, { seeds, wanted: [w] }).get(w)! },
        ],
      };
      return () => plan(graph);
    };
    expect(chain(5000)().steps.length).toBeGreaterThan(500);
    expect(growth(150, chain)).toBeLessThan(1.3);
  }, 60_000);
});

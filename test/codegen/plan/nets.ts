import { differentiate } from "../../../codegen/autodiff/index.js";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import type { Graph, Node, Root, WindowAxis } from "../../../codegen/ir/graph.js";
import { add, arg, constant, div, mul, sub, unary } from "../../../codegen/ir/scalar.js";

/** A net in the making: a builder, the parameters so far, and layers that name themselves as origin. */
export interface Net {
  readonly b: GraphBuilder;
  readonly params: Node[];
  param(shape: readonly number[]): Node;
  /** `build` with its nodes named after a layer. */
  layer(name: string, build: (b: GraphBuilder) => Node): Node;
}

export function createNet(): Net {
  const b = createBuilder();
  const params: Node[] = [];
  return {
    b,
    params,
    param(shape) {
      const node = b.param(params.length, shape);
      params.push(node);
      return node;
    },
    layer(name, build) {
      b.origin = name;
      const node = build(b);
      b.origin = "";
      return node;
    },
  };
}

export const conv = (net: Net, name: string, x: Node, outputs: number, kernel: number, pad = 0): Node =>
  net.layer(name, (b) => {
    const w = net.param([outputs, x.shape[1], kernel, kernel]);
    const spatial = [2, 3].map((axis) => ({
      kernel,
      stride: 1,
      pad,
      dilation: 1,
      input: x.shape[axis],
      output: x.shape[axis] + 2 * pad - kernel + 1,
    }));
    const bias = b.reshape(net.param([outputs]), [1, outputs, 1, 1]);
    return b.map(add(arg(0), arg(1)), [b.conv(x, w, { groups: 1, spatial }), bias]);
  });

export const relu = (net: Net, name: string, x: Node): Node =>
  net.layer(name, (b) => b.map(unary("relu", arg(0)), [x]));

export const pooling = (x: Node, size: number, stride: number): readonly WindowAxis[] =>
  [2, 3].map((axis) => ({
    axis,
    size,
    stride,
    pad: 0,
    windows: Math.ceil((x.shape[axis] - size) / stride) + 1,
    extent: x.shape[axis],
  }));

export const maxPool = (net: Net, name: string, x: Node, size = 2, stride = 2): Node =>
  net.layer(name, (b) => b.windowMax(x, pooling(x, size, stride)));

export const innerProduct = (net: Net, name: string, x: Node, outputs: number): Node =>
  net.layer(name, (b) => {
    const rows = x.shape[0];
    const depth = x.shape.slice(1).reduce((product, extent) => product * extent, 1);
    const w = net.param([outputs, depth]);
    const product = b.matmul(b.reshape(x, [1, rows, depth]), b.reshape(w, [1, outputs, depth]), false, true);
    const bias = b.reshape(net.param([outputs]), [1, outputs]);
    return b.map(add(arg(0), arg(1)), [b.reshape(product, [rows, outputs]), bias]);
  });

/** Mean negative log-likelihood of one-hot targets. */
export const softmaxLoss = (net: Net, name: string, x: Node, target: Node): Node =>
  net.layer(name, (b) => {
    const shifted = b.map(sub(arg(0), arg(1)), [x, b.stop(b.reduce("max", x, [1]))]);
    const powers = b.map(unary("exp", arg(0)), [shifted]);
    const probability = b.map(div(arg(0), arg(1)), [powers, b.reduce("sum", powers, [1])]);
    const picked = b.reduce("sum", b.map(mul(unary("log", arg(0)), arg(1)), [probability, target]), [0, 1]);
    return b.reshape(b.map(mul(arg(0), constant(-1 / x.shape[0])), [picked]), []);
  });

/** The net with a loss, and the gradients of all its parameters. */
export function trainedGraph(net: Net, loss: Node, values: Readonly<Record<string, Node>> = {}): Graph {
  const cotangents = differentiate(net.b, {
    seeds: [{ node: loss, cotangent: net.b.constant(1, loss.shape) }],
    wanted: net.params,
  });
  const roots: Root[] = [{ role: "value", blob: "loss", node: loss }];
  for (const [blob, node] of Object.entries(values)) roots.push({ role: "value", blob, node });
  net.params.forEach((param, index) => {
    const node = cotangents.get(param);
    if (node) roots.push({ role: "gradient", param: index, node });
  });
  return { roots };
}

export function lenet(batch: number): {
  readonly net: Net;
  readonly graph: Graph;
  readonly inference: Graph;
} {
  const net = createNet();
  const data = net.b.input("data", [batch, 1, 28, 28]);
  const label = net.b.input("label", [batch, 10]);
  const conv1 = conv(net, "conv1", data, 20, 5);
  const relu1 = relu(net, "relu1", conv1);
  const pool1 = maxPool(net, "pool1", relu1);
  const conv2 = conv(net, "conv2", pool1, 50, 5);
  const pool2 = maxPool(net, "pool2", conv2);
  const ip1 = innerProduct(net, "ip1", pool2, 500);
  const relu2 = relu(net, "relu2", ip1);
  const ip2 = innerProduct(net, "ip2", relu2, 10);
  const loss = softmaxLoss(net, "loss", ip2, label);
  return {
    net,
    graph: trainedGraph(net, loss),
    inference: { roots: [{ role: "value", blob: "ip2", node: ip2 }] },
  };
}

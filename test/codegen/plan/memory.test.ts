import { describe, expect, it } from "vitest";
import type { Graph, Node, Root } from "../../../codegen/ir/graph.js";
import { add, arg, constant, mul, unary } from "../../../codegen/ir/scalar.js";
import { type AliasDecision, type Plan, planGraph } from "../../../codegen/plan/index.js";
import { conv, createNet, innerProduct, lenet, relu, trainedGraph } from "./nets.js";

const values = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i): Root => ({ role: "value", blob: `top${i}`, node })),
});
/** Unfused, so that values lie in memory and in-place is what is seen. */
const plan = (graph: Graph): Plan => planGraph(graph, { realBytes: 4, fuse: false });
const decisionOf = ({ aliases }: Plan, value: Node, over: Node): AliasDecision | undefined =>
  aliases.find((decision) => decision.value === value && decision.over === over);
const regionOf = ({ placements }: Plan, node: Node): unknown => {
  const placement = placements.get(node);
  return placement?.storage === "arena" ? placement.region : placement;
};

describe("in place", () => {
  it("lets ReLU on conv1 take its memory", () => {
    const net = createNet();
    const before = conv(net, "conv1", net.b.input("data", [2, 3, 8, 8]), 4, 3);
    const after = relu(net, "relu1", before);
    const result = plan(values(conv(net, "conv2", after, 2, 3)));
    expect(regionOf(result, after)).toBe(regionOf(result, before));
    expect(decisionOf(result, after, before)).toMatchObject({ made: true });
    expect(decisionOf(result, after, before)!.reason).toMatch(
      /"relu1".* overwrites .*"conv1".*its last reader/,
    );
  });

  it("refuses while a later step reads the old value, and names it", () => {
    const net = createNet();
    const before = conv(net, "conv1", net.b.input("data", [2, 3, 8, 8]), 4, 3);
    const after = relu(net, "relu1", before);
    const side = conv(net, "side", before, 2, 3);
    const result = plan(values(conv(net, "conv2", after, 2, 3), side));
    expect(regionOf(result, after)).not.toBe(regionOf(result, before));
    expect(decisionOf(result, after, before)).toMatchObject({ made: false });
    expect(decisionOf(result, after, before)!.reason).toMatch(
      /refused: conv "side".* reads .*"conv1".* later, in forward/,
    );
  });

  it("refuses where a derivative needs the old value, as the square's does", () => {
    const net = createNet();
    const { b } = net;
    const x = innerProduct(net, "ip", b.input("data", [3, 4]), 5);
    const square = net.layer("square", () => b.map(mul(arg(0), arg(0)), [x]));
    const after = relu(net, "relu", x);
    const loss = b.reduce("sum", b.map(add(arg(0), arg(1)), [square, after]), [0, 1]);
    const result = plan(trainedGraph(net, b.reshape(loss, [])));
    expect(decisionOf(result, after, x)).toMatchObject({ made: false });
    expect(decisionOf(result, after, x)!.reason).toMatch(/later, in backward/);
    // Without backward it is free.
    const inference = plan(values(b.reshape(loss, [])));
    expect(decisionOf(inference, after, x)).toMatchObject({ made: true });
  });

  it("gives a chain conv, scale, shift, ReLU one region", () => {
    const net = createNet();
    const { b } = net;
    const chain = [conv(net, "conv", b.input("data", [2, 3, 6, 6]), 4, 3)];
    chain.push(b.map(mul(arg(0), arg(1)), [chain[0], net.param([1, 4, 1, 1])]));
    chain.push(b.map(add(arg(0), arg(1)), [chain[1], net.param([1, 4, 1, 1])]));
    chain.push(relu(net, "relu", chain[2]));
    const result = plan(values(chain[3]));
    expect(new Set(chain.map((node) => regionOf(result, node))).size).toBe(1);
  });

  it("keeps a residual's source until the sum has read it", () => {
    const net = createNet();
    const { b } = net;
    const source = conv(net, "conv", b.input("data", [1, 2, 4, 4]), 2, 1);
    const branch = relu(net, "relu", source);
    const sum = net.layer("sum", () => b.map(add(arg(0), arg(1)), [source, branch]));
    const result = plan(values(sum));
    expect(decisionOf(result, branch, source)).toMatchObject({ made: false });
    expect(regionOf(result, sum)).toBe(regionOf(result, source));
  });

  it("refuses for inputs, for what callers read, and where other elements are read", () => {
    const { b } = createNet();
    const x = b.input("x", [4, 4]);
    const y = b.map(unary("exp", arg(0)), [x]);
    const z = b.map(unary("tanh", arg(0)), [y]);
    const turned = b.transpose(b.map(unary("neg", arg(0)), [z]), [1, 0]);
    const last = b.map(unary("exp", arg(0)), [turned]);
    const result = plan(values(y, last));
    expect(decisionOf(result, y, x)!.reason).toMatch(/is an input/);
    expect(decisionOf(result, z, y)!.reason).toMatch(/callers may read/);
    expect(decisionOf(result, turned, turned.inputs[0])!.reason).toMatch(/at other elements/);
    expect(decisionOf(result, last, turned)).toMatchObject({ made: true });
  });

  it.each([0, 1])(
    "refuses where the same step reads it at its own place and turned, in either order",
    (first) => {
      const net = createNet();
      const { b } = net;
      const product = b.matmul(b.input("x", [1, 4, 3]), b.input("w", [1, 3, 4]));
      // Each by way of another node, so that neither is seen first for standing nearer.
      const both = [b.map(unary("neg", arg(0)), [product]), b.transpose(product, [0, 2, 1])];
      const sum = b.map(unary("exp", add(arg(0), arg(1))), [both[first], both[1 - first]]);
      const result = planGraph(values(sum), { realBytes: 4 });
      // Neither as the product's epilogue nor over it.
      expect(result.steps.map(({ anchor }) => anchor)).toEqual([product, sum]);
      expect(regionOf(result, sum)).not.toBe(regionOf(result, product));
    },
  );

  it("keeps what backward reads of forward when backward may run again", () => {
    const { graph } = lenet(2);
    const once = planGraph(graph, { realBytes: 4 });
    const often = planGraph(graph, { realBytes: 4, repeatBackward: true });
    expect(often.arenaBytes).toBeGreaterThan(once.arenaBytes);
    for (const { made, step, over } of often.aliases) {
      const writer = often.steps.findIndex(({ stores }) => stores.includes(over));
      if (made && step >= often.firstBackward) expect(writer).toBeGreaterThanOrEqual(often.firstBackward);
    }
  });
});

describe("values that callers hold", () => {
  it("stay to the end, as inputs do", () => {
    const { graph } = lenet(2);
    const result = planGraph(graph, { realBytes: 4 });
    for (const region of result.regions) {
      const held = region.holds.some((node) => node.op === "input");
      if (held) expect([region.first, region.last]).toEqual([-1, result.steps.length - 1]);
    }
    for (const root of graph.roots) {
      const placement = result.placements.get(root.node)!;
      if (placement.storage === "arena") expect(placement.region.last).toBe(result.steps.length - 1);
    }
  });

  it("may be views, inputs or parameters as they are", () => {
    const { b } = createNet();
    const x = b.input("x", [2, 3]);
    const w = b.param(4, [6]);
    const result = plan(values(x, b.reshape(x, [6]), w, b.slice(w, 0, 2, 3)));
    expect(result.steps).toEqual([]);
    expect(result.placements.get(result.graph.roots[3].node)).toEqual({
      storage: "param",
      param: 4,
      offset: 2,
    });
  });
});

describe("updates of parameters", () => {
  const update = (param: number, node: Node, pass: "forward" | "backward" = "forward"): Root => ({
    role: "update",
    pass,
    param,
    node,
  });
  const fused = (roots: readonly Root[]): Plan => planGraph({ roots }, { realBytes: 4 });

  it("are written in place where each element reads its own old value", () => {
    const { b } = createNet();
    const [mean, batchMean] = [b.param(0, [1, 4]), b.reduce("sum", b.input("x", [8, 4]), [0])];
    const next = b.map(add(mul(constant(0.9), arg(0)), arg(1)), [mean, batchMean]);
    const result = fused([update(0, next)]);
    expect(result.copies).toEqual([]);
    expect(result.placements.get(next)).toEqual({ storage: "param", param: 0, offset: 0 });
  });

  it("store momentum and weight in one step", () => {
    const { b } = createNet();
    const [w, h, g] = [b.param(0, [64]), b.param(1, [64]), b.input("gradient", [64])];
    const nextH = b.map(add(mul(constant(0.9), arg(0)), mul(constant(0.1), arg(1))), [h, g]);
    const nextW = b.map(add(arg(0), mul(constant(-1), arg(1))), [w, nextH]);
    const result = fused([update(1, nextH), update(0, nextW)]);
    expect(result.steps.map(({ stores }) => stores)).toEqual([[nextH, nextW]]);
    expect(result.copies).toEqual([]);
  });

  it("are copied at the end of their pass where the old value is read later or elsewhere", () => {
    const { b } = createNet();
    const old = b.param(0, [4, 4]);
    const turned = b.map(mul(constant(2), arg(0)), [b.transpose(old, [1, 0])]);
    expect(fused([update(0, turned)]).copies).toEqual([{ pass: "forward", from: turned, param: 0 }]);

    const next = b.map(unary("exp", arg(0)), [old]);
    const later = b.reduce(
      "sum",
      b.map(mul(arg(0), arg(1)), [b.map(unary("tanh", arg(0)), [next]), old]),
      [0],
    );
    const result = planGraph(
      { roots: [update(0, next), { role: "value", blob: "later", node: later }] },
      { realBytes: 4, fuse: false },
    );
    expect(result.copies).toEqual([{ pass: "forward", from: next, param: 0 }]);
    // What is copied lives to the end of its pass.
    const region = result.regions.find(({ holds }) => holds.includes(next))!;
    expect(region.last).toBe(result.firstBackward - 1);
    expect(region.holds.at(-1)).toBe(next);
  });

  it("are copied when the new value is wanted by name, or sharing is off", () => {
    const { b } = createNet();
    const next = b.map(unary("exp", arg(0)), [b.param(0, [4])]);
    const roots: readonly Root[] = [update(0, next), { role: "value", blob: "next", node: next }];
    expect(fused(roots).copies).toHaveLength(1);
    expect(planGraph({ roots: [update(0, next)] }, { realBytes: 4, alias: false }).copies).toHaveLength(1);
  });

  it("copy a parameter out before it is replaced, and refuse to make two change places", () => {
    const { b } = createNet();
    const [first, second] = [b.param(0, [4]), b.param(1, [4])];
    const next = b.map(unary("exp", arg(0)), [first]);
    expect(fused([update(0, next), update(1, first)]).copies.map(({ param }) => param)).toEqual([1, 0]);
    expect(fused([update(0, first)]).copies).toEqual([]);
    expect(() => fused([update(0, second), update(1, first)])).toThrow(/change places/);
  });

  it("let backward read, computed in forward, what it needs of the old value; refuse the rest", () => {
    const { b } = createNet();
    const old = b.param(0, [4]);
    const next = b.map(unary("exp", arg(0)), [old]);
    const kept = b.map(unary("tanh", arg(0)), [old]);
    const diff = b.input("diff:x", [4]);
    const right = b.map(mul(arg(0), arg(1)), [diff, kept]);
    const result = fused([update(0, next), { role: "diff", blob: "x", node: right }]);
    expect(result.steps.find(({ stores }) => stores.includes(kept))?.pass).toBe("forward");
    const wrong = b.map(mul(arg(0), arg(1)), [diff, old]);
    expect(() => fused([update(0, next), { role: "diff", blob: "x", node: wrong }])).toThrow(
      /backward reads parameter 0/,
    );
  });
});

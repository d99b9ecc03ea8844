/** Wrong derivatives: each entry of the tables, broken in a few ways. */
import {
  type Change,
  type Pullback,
  RULES,
  type Rules,
  SCALAR_RULES,
} from "../../../codegen/autodiff/index.js";
import type { GraphBuilder } from "../../../codegen/ir/builder.js";
import type { ConvGeometry, Node, NodeOf, Op, WindowAxis } from "../../../codegen/ir/graph.js";
import { PRIMITIVES } from "../../../codegen/ir/ops/index.js";
import {
  add,
  binary as apply,
  arg,
  select as choose,
  constant,
  mul,
  neg,
  type Scalar,
  unaryFunction,
} from "../../../codegen/ir/scalar.js";

/** One entry of the tables, broken in one way. */
export interface Mutant {
  /** The entry: an operation, or a scalar function. */
  readonly entry: string;
  readonly change: string;
  readonly rules: Rules;
}

type Break = (f: (g: Node) => Node, b: GraphBuilder, node: Node) => Pullback;

const scaled = (b: GraphBuilder, x: Node, factor: number): Node =>
  b.map(mul(arg(0), constant(factor)), [x], x.shape);

/** What can be done to any pullback. */
const ANY: Readonly<Record<string, Break>> = {
  "wrong sign": (f, b) => (g) => scaled(b, f(g), -1),
  "factor 2": (f, b) => (g) => scaled(b, f(g), 2),
  "nothing passed on": () => undefined,
};

function withNode<K extends Op>(op: K, rule: Rules["nodes"][K]): Rules {
  return { ...RULES, nodes: { ...RULES.nodes, [op]: rule } };
}

/** The rule of an operation with the pullback of one input broken. */
function breakInput(op: Op, input: number, how: Break): Rules {
  const rule = RULES.nodes[op] as (
    b: GraphBuilder,
    node: Node,
    s: typeof SCALAR_RULES,
  ) => readonly Pullback[];
  const broken = (b: GraphBuilder, node: Node, scalars: typeof SCALAR_RULES): readonly Pullback[] =>
    rule(b, node, scalars).map((pullback, i) =>
      i === input && pullback ? how(pullback, b, node) : pullback,
    );
  return withNode(op, broken as never);
}

/** How many inputs of an operation can carry a gradient; those without any have none to break. */
function gradientInputs(op: Op): number {
  const { operands, vjp } = PRIMITIVES[op];
  if (!vjp) return 0;
  if (op === "reduce") return 1;
  return typeof operands === "function" ? 2 : operands.filter((type) => type !== "index").length;
}
const OPS = Object.keys(PRIMITIVES) as Op[];

const shifted = (window: readonly WindowAxis[]): readonly WindowAxis[] =>
  window.map((axis, i) => (i === 0 ? { ...axis, pad: axis.pad + 1 } : axis));
const shorter = (window: readonly WindowAxis[]): readonly WindowAxis[] =>
  window.map((axis, i) => (i === 0 ? { ...axis, size: axis.size - 1 } : axis));
const shiftedConv = (geometry: ConvGeometry): ConvGeometry => ({
  ...geometry,
  spatial: geometry.spatial.map((axis, i) => (i === 0 ? { ...axis, pad: axis.pad + 1 } : axis)),
});

/** One element along an axis in place of the sum over it. */
const firstOf = (b: GraphBuilder, x: Node, axes: readonly number[]): Node =>
  axes.reduce((rest, axis) => b.slice(rest, axis, 0, 1), x);
const broadcast = (like: Node, to: Node): readonly number[] =>
  to.shape.flatMap((extent, axis) => (like.shape[axis] === 1 && extent !== 1 ? [axis] : []));

/** Faults that only one operation can have. */
function ownNodeFaults(): readonly Mutant[] {
  const fault = <K extends Op>(
    entry: K,
    change: string,
    rule: (b: GraphBuilder, node: NodeOf<K>) => readonly Pullback[],
  ) => ({
    entry,
    change,
    rules: withNode(entry, ((b: GraphBuilder, node: NodeOf<K>) => rule(b, node)) as never),
  });
  return [
    {
      entry: "map",
      change: "broadcast sum dropped",
      rules: withNode("map", (b, node, scalars) =>
        RULES.nodes.map(b, node, scalars).map((pullback, i) => {
          const axes = broadcast(node.inputs[i], node);
          if (!pullback || axes.length === 0) return pullback;
          return (g) => {
            const one = firstOf(b, g, axes);
            // A cotangent that is the same everywhere but for the first row: the sum sees that row alone.
            const only = axes.reduce((x, axis) => b.pad(x, axis, 0, g.shape[axis] - 1), one);
            return pullback(only);
          };
        }),
      ),
    },
    fault("reduce", "sum: divided by the count", (b, node) => {
      const [x] = node.inputs;
      const usual = RULES.nodes.reduce(b, node, SCALAR_RULES);
      if (node.kind !== "sum") return usual;
      const count = node.axes.reduce((product, axis) => product * x.shape[axis], 1);
      return usual.map((pullback) => pullback && ((g) => scaled(b, pullback(g), 1 / count)));
    }),
    fault("reduce", "max: to every element", (b, node) => {
      const [x] = node.inputs;
      if (node.kind !== "max") return RULES.nodes.reduce(b, node, SCALAR_RULES);
      return [(g) => b.map(arg(0), [g], x.shape)];
    }),
    fault("reduce", "max: to the last of equals", (b, node) => {
      const [x] = node.inputs;
      if (node.kind !== "max") return RULES.nodes.reduce(b, node, SCALAR_RULES);
      const equal = choose("eq", arg(0), arg(1), arg(2), constant(0));
      return [(g) => b.map(equal, [x, node, g], x.shape)];
    }),
    fault("matmul", "left: other operand not transposed", (b, { inputs: [x, y], transA, transB }) => [
      (g) => b.reshape(transA ? b.matmul(y, g, transB, true) : b.matmul(g, y, false, transB), x.shape),
      (g) => RULES.nodes.matmul(b, matmulOf(b, x, y, transA, transB), SCALAR_RULES)[1]!(g),
    ]),
    fault("matmul", "right: left operand not transposed", (b, { inputs: [x, y], transA, transB }) => [
      (g) => RULES.nodes.matmul(b, matmulOf(b, x, y, transA, transB), SCALAR_RULES)[0]!(g),
      (g) => b.reshape(transB ? b.matmul(g, x, true, !transA) : b.matmul(x, g, transA, false), y.shape),
    ]),
    ...(["conv", "convData", "convFilter"] as const).map((op) => ({
      entry: op,
      change: "off by one in its padding",
      rules: withNode(op, ((b: GraphBuilder, node: NodeOf<typeof op>, scalars: typeof SCALAR_RULES) => {
        const wrong = { ...node, geometry: shiftedConv(node.geometry) } as NodeOf<typeof op>;
        return (RULES.nodes[op] as (b: GraphBuilder, n: Node, s: typeof SCALAR_RULES) => readonly Pullback[])(
          b,
          wrong,
          scalars,
        );
      }) as never),
    })),
    ...(["windowMax", "windowScatter", "windowPick", "windowSum", "windowSpread"] as const).flatMap((op) =>
      Object.entries({ "window moved by one": shifted, "window shorter by one": shorter }).map(
        ([change, move]) => ({
          entry: op,
          change,
          rules: withNode(op, ((b: GraphBuilder, node: NodeOf<typeof op>, scalars: typeof SCALAR_RULES) => {
            const wrong = { ...node, window: move(node.window) } as NodeOf<typeof op>;
            return (
              RULES.nodes[op] as (b: GraphBuilder, n: Node, s: typeof SCALAR_RULES) => readonly Pullback[]
            )(b, wrong, scalars);
          }) as never),
        }),
      ),
    ),
    fault("gather", "to the row of the position's own number", (b, { inputs: [table, position] }) => [
      (g) => b.pad(g, 0, 0, table.shape[0] - position.shape[0]),
      undefined,
    ]),
    fault("scatter", "the first rows in place of those at the positions", (b, { inputs: [rows] }) => [
      (g) => b.slice(g, 0, 0, rows.shape[0]),
      undefined,
    ]),
    fault("reshape", "elements in another order", (b, { inputs: [x] }) => [
      (g) =>
        b.reshape(
          b.transpose(
            g,
            g.shape.map((_, i) => g.shape.length - 1 - i),
          ),
          x.shape,
        ),
    ]),
    fault("transpose", "the same permutation, not its inverse", (b, { inputs: [x], perm }) => [
      (g) => b.reshape(b.transpose(g, perm), x.shape),
    ]),
    fault("slice", "off by one", (b, { inputs: [x], axis, start, shape }) => [
      (g) => {
        const after = x.shape[axis] - start - shape[axis];
        return after > 0 ? b.pad(g, axis, start + 1, after - 1) : b.pad(g, axis, start - 1, after + 1);
      },
    ]),
    fault("concat", "parts in the opposite order", (b, { inputs, axis }) => {
      let end = inputs.reduce((sum, part) => sum + part.shape[axis], 0);
      return inputs.map((part) => {
        end -= part.shape[axis];
        const from = end;
        return (g) => b.slice(g, axis, from, part.shape[axis]);
      });
    }),
    fault("pad", "off by one", (b, { inputs: [x], axis, before, shape }) => [
      (g) =>
        b.slice(g, axis, before > 0 ? before - 1 : Math.min(1, shape[axis] - x.shape[axis]), x.shape[axis]),
    ]),
  ];
}

const matmulOf = (b: GraphBuilder, x: Node, y: Node, transA: boolean, transB: boolean) =>
  b.matmul(x, y, transA, transB) as NodeOf<"matmul">;

/** Every entry of the vector-Jacobian products. */
export function nodeMutants(): readonly Mutant[] {
  const general = OPS.flatMap((op) =>
    Array.from({ length: gradientInputs(op) }, (_, input) =>
      Object.entries(ANY).map(([change, how]): Mutant => {
        const which = gradientInputs(op) > 1 ? `input ${input}: ` : "";
        return { entry: op, change: `${which}${change}`, rules: breakInput(op, input, how) };
      }),
    ).flat(),
  );
  return [...general, ...ownNodeFaults()];
}

/** Operations whose inputs carry no gradient: there is nothing to break. */
export const withoutGradient: readonly string[] = OPS.filter((op) => gradientInputs(op) === 0);

const changed = (change: Change, how: (d: Scalar) => Scalar): Change =>
  change && (change.relative ? { relative: true, k: how(change.k) } : { relative: false, d: how(change.d) });

const SCALAR_FAULTS: Readonly<Record<string, (change: Change) => Change>> = {
  "wrong sign": (change) => changed(change, neg),
  "factor 2": (change) => changed(change, (d) => mul(constant(2), d)),
  nothing: () => undefined,
  "plus 1": (change) => changed(change, (d) => add(d, constant(1))),
};

const withScalars = (scalars: Partial<Rules["scalars"]>): Rules => ({
  ...RULES,
  scalars: { ...SCALAR_RULES, ...scalars },
});

/** Every scalar derivative. A function without one is given one, of 1. */
export function scalarMutants(): readonly Mutant[] {
  const mutants: Mutant[] = [];
  const { unary, shaped, binary, select } = SCALAR_RULES;
  for (const op of Object.keys(unary) as (keyof typeof unary)[]) {
    const put = (change: string, rule: (typeof unary)[typeof op]): void =>
      void mutants.push({ entry: op, change, rules: withScalars({ unary: { ...unary, [op]: rule } }) });
    if (!unaryFunction(op).derivative) {
      put("a derivative of 1", ({ inner }) => ({ relative: false, d: inner }));
      continue;
    }
    for (const [change, fault] of Object.entries(SCALAR_FAULTS)) put(change, (of) => fault(unary[op](of)));
    put("inner derivative dropped", (of) =>
      unary[op]({ ...of, inner: constant(1), dx: { relative: false, d: constant(1) } }),
    );
  }
  for (const op of Object.keys(shaped) as (keyof typeof shaped)[]) {
    const put = (change: string, rule: (typeof shaped)[typeof op]): void =>
      void mutants.push({ entry: op, change, rules: withScalars({ shaped: { ...shaped, [op]: rule } }) });
    for (const [change, fault] of Object.entries(SCALAR_FAULTS)) put(change, (of) => fault(shaped[op](of)));
    put("inner derivative dropped", (of) => shaped[op]({ ...of, inner: constant(1) }));
    put("alpha dropped", (of) => shaped[op]({ ...of, isWhole: false, alpha: 1 }));
  }
  for (const op of Object.keys(binary) as (keyof typeof binary)[]) {
    const put = (change: string, rule: (typeof binary)[typeof op]): void =>
      void mutants.push({ entry: op, change, rules: withScalars({ binary: { ...binary, [op]: rule } }) });
    for (const [change, fault] of Object.entries(SCALAR_FAULTS)) put(change, (of) => fault(binary[op](of)));
    put("left term dropped", (of) =>
      of.db ? binary[op]({ ...of, ca: undefined, da: undefined }) : undefined,
    );
    put("right term dropped", (of) =>
      of.da ? binary[op]({ ...of, cb: undefined, db: undefined }) : undefined,
    );
    put("operands exchanged", (of) =>
      binary[op]({ ...of, e: apply(op, of.b, of.a), a: of.b, b: of.a, isWhole: false }),
    );
  }
  const putSelect = (change: string, rule: typeof select): void =>
    void mutants.push({ entry: "select", change, rules: withScalars({ select: rule }) });
  for (const [change, fault] of Object.entries(SCALAR_FAULTS))
    putSelect(change, (e, then, otherwise) => fault(select(e, then, otherwise)));
  putSelect("sides exchanged", (e, then, otherwise) => select(e, otherwise, then));
  putSelect("one side dropped", (e, then) => select(e, then, undefined));
  return mutants;
}

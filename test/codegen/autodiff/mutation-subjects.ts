/** Small layers that have one primitive or one scalar function each: what a mutant of its rule is looked for on. */
import type { GraphBuilder } from "../../../codegen/ir/builder.js";
import type { ConvGeometry, Node, Op, Shape, WindowAxis } from "../../../codegen/ir/graph.js";
import { BINARY, SHAPED, UNARY } from "../../../codegen/ir/ops/scalar-functions.js";
import {
  add,
  arg,
  type BinaryOp,
  binary,
  constant,
  div,
  mul,
  type Scalar,
  type ShapedOp,
  select,
  shaped,
  type UnaryOp,
  unary,
} from "../../../codegen/ir/scalar.js";
import { defineLayer, type LayerType, type Values } from "../../../src/layers/index.js";

const REAL: Values = { kind: "real", min: -2, max: 2 };
const POSITIVE: Values = { kind: "real", min: 0.3, max: 1.9 };
const OFF_ZERO: Values = { kind: "real", min: -2, max: 2, away: [0], distance: 0.05 };
/** One and a half times of it is below 1. */
const BELOW_ONE: Values = { kind: "real", min: 0.1, max: 0.6 };
const DISTINCT: Values = { kind: "distinct", gap: 0.05 };

let made = 0;

function layer(
  shapes: readonly Shape[],
  lower: (b: GraphBuilder, ...bottoms: readonly Node[]) => Node,
  values: readonly Values[] = shapes.map(() => REAL),
): LayerType {
  return defineLayer({
    type: `Subject${made++}`,
    summary: "A layer of one operation.",
    bottoms: { exact: shapes.length },
    tops: { exact: 1 },
    lower: ({ builder, bottoms }) => [lower(builder, ...bottoms)],
    domain: { shapes: () => shapes, values: () => values },
  });
}

const map =
  (expr: Scalar) =>
  (b: GraphBuilder, ...operands: readonly Node[]): Node =>
    b.map(expr, operands);

const CONV: ConvGeometry = {
  groups: 1,
  spatial: [
    { kernel: 3, stride: 1, pad: 1, dilation: 1, input: 5, output: 5 },
    { kernel: 2, stride: 2, pad: 0, dilation: 1, input: 4, output: 2 },
  ],
};
const X: Shape = [2, 2, 5, 4];
const W: Shape = [3, 2, 3, 2];
const Y: Shape = [2, 3, 5, 2];

const WINDOW: readonly WindowAxis[] = [{ axis: 1, size: 3, stride: 2, pad: 1, windows: 3, extent: 5 }];
const PLAIN: Shape = [2, 5];
const WINDOWED: Shape = [2, 3];
const toIndex = (b: GraphBuilder, x: Node): Node => b.map(arg(0), [x], x.shape, "index");
const LABEL: Values = { kind: "label", below: 4 };

/** By primitive, those that carry a gradient. */
export const nodeSubjects: { readonly [K in Op]?: readonly LayerType[] } = {
  blob: [layer([[2, 3]], map(unary("neg", arg(0))))],
  instead: [layer([[2, 3]], (b, x) => b.instead(b.stop(x), x))],
  map: [
    layer(
      [
        [3, 4],
        [1, 4],
      ],
      map(add(mul(arg(0), arg(1)), mul(arg(1), arg(1)))),
    ),
  ],
  reduce: [
    layer([[3, 4]], (b, x) => b.reduce("sum", x, [1])),
    layer([[3, 4, 2]], (b, x) => b.reduce("max", x, [0, 2]), [DISTINCT]),
  ],
  matmul: [
    layer(
      [
        [2, 3, 3],
        [2, 3, 3],
      ],
      (b, x, y) => b.matmul(x, y),
    ),
    layer(
      [
        [2, 3, 3],
        [2, 3, 3],
      ],
      (b, x, y) => b.matmul(x, y, true, true),
    ),
    layer(
      [
        [1, 3, 2],
        [4, 2, 3],
      ],
      (b, x, y) => b.matmul(x, y),
    ),
  ],
  conv: [layer([X, W], (b, x, w) => b.conv(x, w, CONV))],
  convData: [layer([Y, W], (b, y, w) => b.convData(y, w, CONV))],
  convFilter: [layer([X, Y], (b, x, y) => b.convFilter(x, y, CONV))],
  windowMax: [layer([PLAIN], (b, x) => b.windowMax(x, WINDOW), [DISTINCT])],
  windowScatter: [
    layer([WINDOWED, PLAIN], (b, y, x) => b.windowScatter(y, b.windowArgmax(x, WINDOW), WINDOW), [
      REAL,
      DISTINCT,
    ]),
  ],
  windowPick: [
    layer([PLAIN, PLAIN], (b, y, x) => b.windowPick(y, b.windowArgmax(x, WINDOW), WINDOW), [REAL, DISTINCT]),
  ],
  windowSum: [layer([PLAIN], (b, x) => b.windowSum(x, WINDOW))],
  windowSpread: [layer([WINDOWED], (b, y) => b.windowSpread(y, WINDOW))],
  gather: [layer([[4, 2], [3]], (b, table, at) => b.gather(table, toIndex(b, at)), [REAL, LABEL])],
  scatter: [layer([[3, 2], [3]], (b, rows, at) => b.scatter(rows, toIndex(b, at), 4), [REAL, LABEL])],
  reshape: [layer([[2, 3]], (b, x) => b.reshape(x, [3, 2]))],
  transpose: [layer([[2, 3, 4]], (b, x) => b.transpose(x, [1, 2, 0]))],
  slice: [layer([[2, 4]], (b, x) => b.slice(x, 1, 1, 2))],
  concat: [
    layer(
      [
        [2, 2],
        [2, 2],
      ],
      (b, x, y) => b.concat([x, y], 1),
    ),
  ],
  pad: [layer([[2, 2]], (b, x) => b.pad(x, 1, 1, 1))],
};

/** A function as the whole expression, which may read its own value, and inside another one. */
function bothWays(of: (x: Scalar) => Scalar, values: Values): readonly LayerType[] {
  const inside = add(of(mul(constant(1.5), arg(0))), mul(arg(0), arg(0)));
  return [layer([[3, 4]], map(of(arg(0))), [values]), layer([[3, 4]], map(inside), [values])];
}

/** Where a function is not smooth on all of `REAL`. */
const UNARY_VALUES: { readonly [K in UnaryOp]?: Values } = {
  abs: OFF_ZERO,
  sign: OFF_ZERO,
  log: POSITIVE,
  sqrt: POSITIVE,
  relu: OFF_ZERO,
  floor: BELOW_ONE,
};
const UNARIES = Object.keys(UNARY) as UnaryOp[];
const SHAPEDS = Object.keys(SHAPED) as ShapedOp[];
const BINARIES = Object.keys(BINARY) as BinaryOp[];

function binarySubjects(op: BinaryOp): readonly LayerType[] {
  const pair = (expr: Scalar): LayerType =>
    layer(
      [
        [3, 4],
        [3, 4],
      ],
      map(expr),
      [POSITIVE, POSITIVE],
    );
  const alone = (expr: Scalar): LayerType => layer([[3, 4]], map(expr), [POSITIVE]);
  const [x, y] = [arg(0), arg(1)];
  const exp = (e: Scalar): Scalar => unary("exp", e);
  return [
    pair(binary(op, x, y)),
    pair(binary(op, mul(constant(1.5), x), mul(constant(0.5), y))),
    pair(mul(binary(op, add(x, y), mul(x, constant(2))), y)),
    // Those that change relatively, with their own values as factors.
    pair(binary(op, exp(x), exp(y))),
    alone(binary(op, constant(1), add(x, constant(0.25)))),
    alone(binary(op, x, constant(-1.5))),
    alone(binary(op, mul(x, x), constant(3))),
    alone(binary(op, constant(1.25), exp(x))),
    alone(binary(op, exp(x), constant(1.25))),
  ];
}

/** By scalar function. */
export const scalarSubjects: ReadonlyMap<string, readonly LayerType[]> = new Map([
  ...UNARIES.map((op) => [op, bothWays((x) => unary(op, x), UNARY_VALUES[op] ?? REAL)] as const),
  ...SHAPEDS.map(
    (op) => [op, [0.3, -0.3].flatMap((alpha) => bothWays((x) => shaped(op, x, alpha), OFF_ZERO))] as const,
  ),
  ...BINARIES.map((op) => [op, binarySubjects(op)] as const),
  [
    "select",
    [
      layer(
        [
          [3, 4],
          [3, 4],
        ],
        map(select("gt", arg(0), constant(0), mul(arg(0), arg(0)), div(arg(1), constant(3)))),
        [OFF_ZERO, REAL],
      ),
    ],
  ] as const,
]);

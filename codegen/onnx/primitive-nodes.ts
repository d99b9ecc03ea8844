import type { Node, NodeOf, Op, Shape } from "../ir/graph.js";
import { constant, type Scalar, select } from "../ir/scalar.js";
import { addAt, filled, type GraphWriter } from "./graph-writer.js";
import type { ElementType, Value } from "./onnx-graph.js";
import { type Reading, readConv, readConvData, readConvFilter, readMatmul } from "./product-nodes.js";
import { writeMap } from "./scalar-nodes.js";
import { padded, reshaped, sliced } from "./view-nodes.js";
import {
  type Searched,
  writeMean,
  writePick,
  writeScatter,
  writeSearch,
  writeSpread,
} from "./window-nodes.js";

/** What primitives are written with, beside the writer. */
export interface PrimitiveContext {
  readonly writer: GraphWriter;
  readonly searched: Searched;
  /** Whether somebody asks for where the greatest of a window lies. */
  wantsPosition(node: NodeOf<"windowMax" | "windowArgmax">): boolean;
}

type Given = "input" | "param" | "constant" | "blob" | "stop" | "instead";
type Primitive<K extends Op> = (context: PrimitiveContext, node: NodeOf<K>) => Reading;

export const typeOf = ({ dtype }: Node): ElementType => (dtype === "index" ? "int64" : "float");

/** A node whose operands are read as they are. */
const plain =
  <K extends Op>(
    write: (context: PrimitiveContext, node: NodeOf<K>, values: readonly Value[]) => Value,
  ): Primitive<K> =>
  (context, node) => ({ reads: node.inputs, write: (values) => write(context, node, values) });

/** The first extent stays and all others become one: that has an operator of its own, whatever the first is. */
const isFlatten = (from: Shape, { shape: to }: Node): boolean =>
  to.length === 2 && from.length > 2 && from[0] === to[0] && to[1] > 1;

/** The version of the operators from which on the axes of a maximum are a value. */
const MAX_OVER_VALUES = 18;

/** Reductions pass over NaN, ONNX's do not: of what is NaN because a layer says so it becomes −∞, which none prefers. */
function passedOver({ builder }: GraphWriter, node: Node): Node {
  if (node.op !== "map" || node.dtype !== "real") return node;
  const without = (x: Scalar): Scalar => {
    if (x.kind === "select") return select(x.cmp, x.left, x.right, without(x.then), without(x.otherwise));
    return x.kind === "const" && Number.isNaN(x.value) ? constant(Number.NEGATIVE_INFINITY) : x;
  };
  return builder.map(without(node.expr), node.inputs, node.shape);
}

/** Each primitive as operators. */
const WRITERS: { readonly [K in Exclude<Op, Given>]: Primitive<K> } = {
  map: plain(({ writer }, node, values) => writeMap(writer, node, values)),
  reshape: plain(({ writer }, node, [x]) =>
    isFlatten(x.shape, node)
      ? writer.add("Flatten", [x], node.shape, { axis: 1 }, x.type)
      : reshaped(writer, x, node.shape),
  ),
  transpose: plain(({ writer }, { perm, shape }, [x]) =>
    writer.add("Transpose", [x], shape, { perm }, x.type),
  ),
  slice: plain(({ writer }, { axis, start, shape }, [x]) =>
    sliced(
      writer,
      x,
      shape.map((_, i) => (i === axis ? start : 0)),
      shape,
    ),
  ),
  concat: plain(({ writer }, node, values) =>
    writer.add("Concat", values, node.shape, { axis: node.axis }, typeOf(node)),
  ),
  pad: plain(({ writer }, { axis, before, shape, inputs: [of] }, [x]) => {
    const along = (count: number): readonly number[] => shape.map((_, i) => (i === axis ? count : 0));
    return padded(writer, x, along(before), along(shape[axis] - before - of.shape[axis]));
  }),
  reduce({ writer }, { kind, axes, shape, inputs: [of] }) {
    if (kind === "sum")
      return { reads: [of], write: ([x]) => writer.add("ReduceSum", [x, writer.integers(axes)], shape) };
    return {
      reads: [passedOver(writer, of)],
      write([x]) {
        if (kind === "argmax") return writer.add("ArgMax", [x], shape, { axis: axes[0] }, "int64");
        return writer.opset < MAX_OVER_VALUES
          ? writer.add("ReduceMax", [x], shape, { axes })
          : writer.add("ReduceMax", [x, writer.integers(axes)], shape);
      },
    };
  },
  matmul: ({ writer }, node) => readMatmul(writer, node),
  conv: ({ writer }, node) => readConv(writer, node),
  convData: ({ writer }, node) => readConvData(writer, node),
  convFilter: ({ writer }, node) => readConvFilter(writer, node),
  gather: plain(({ writer }, { shape }, [table, position]) =>
    writer.add("Gather", [table, position], shape, { axis: 0 }, table.type),
  ),
  scatter: plain(({ writer }, { shape, inputs: [rows] }, [values, position]) => {
    const zeros = filled(writer, 0, shape);
    const places = reshaped(writer, position, [rows.shape[0], 1]);
    return addAt(writer, "ScatterND", [zeros, places, values], shape);
  }),
  windowMax: plain(({ writer, searched, wantsPosition }, node, [x]) =>
    writeSearch(writer, node, x, wantsPosition(node), searched),
  ),
  windowArgmax: plain(({ writer, searched }, node, [x]) => writeSearch(writer, node, x, true, searched)),
  windowScatter: plain(({ writer }, node, [y, position]) => writeScatter(writer, node, y, position)),
  windowPick: plain(({ writer }, node, [x, position]) => writePick(writer, node, x, position)),
  windowSum: plain(({ writer }, node, [x]) => {
    const { mean, size } = writeMean(writer, node, x);
    return writer.add("Mul", [mean, writer.scalar(size)], node.shape);
  }),
  windowSpread: plain(({ writer }, node, [y]) => writeSpread(writer, node, y)),
  random: plain(({ writer }, { shape }) => writer.fail("it draws random numbers", shape)),
};

/** The operators of a primitive. */
export function readPrimitive(context: PrimitiveContext, node: NodeOf<Exclude<Op, Given>>): Reading {
  // Each writer is for the nodes of its own name.
  const write = WRITERS[node.op] as Primitive<Exclude<Op, Given>>;
  return write(context, node);
}

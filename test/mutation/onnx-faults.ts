/** Graphs as ONNX files: operators, and what is rounded. */
import { type Fault, faultsIn } from "./fault.js";

const DRAWN = ["test/codegen/onnx/random-graphs.test.ts"];
const LAYERS = ["test/oracle/onnx-layers.test.ts"];
const LEVELS = ["test/codegen/onnx/quantisation.test.ts"];
const ROUNDED = ["test/codegen/onnx/quantised-graphs.test.ts"];
const INT8 = ["test/src/export/int8.test.ts"];

export const ONNX_FAULTS: readonly Fault[] = [
  ...faultsIn(
    "codegen/onnx/window-nodes.ts",
    [...LAYERS, ...DRAWN, "test/codegen/onnx/windows.test.ts"],
    ["(windows - 1) * stride + size - pad - extent", "(windows - 1) * stride + size - pad - extent - 1"],
    ["Math.max(0, Math.floor(-beyond(axis) / axis.stride))", "0"],
    ['writer.add("Mod", [flat, writer.integers(plane)]', 'writer.add("Div", [flat, writer.integers(plane)]'],
    ["const missing = axes.map((axis) => Math.max(0, -beyond(axis)));", "const missing = axes.map(() => 0);"],
  ),
  ...faultsIn(
    "codegen/onnx/product-nodes.ts",
    [...LAYERS, ...DRAWN],
    [
      "strides: spatial.map(({ stride }) => stride),\n  pads",
      "strides: spatial.map(({ dilation }) => dilation),\n  pads",
    ],
    ["input - ((output - 1) * stride - 2 * pad", "input - ((output - 1) * stride - pad"],
    ["...(transB && { transB: 1 }),", "...(transA && { transB: 1 }),"],
  ),
  ...faultsIn(
    "codegen/onnx/scalar-nodes.ts",
    [...LAYERS, ...DRAWN],
    ['gt: "Greater",', 'gt: "GreaterOrEqual",'],
    ['x.cmp === "ne" ? apply("Not"', 'x.cmp === "lt" ? apply("Not"'],
    ["[right.value, then.right.value] : undefined", "[then.right.value, right.value] : undefined"],
  ),
  ...faultsIn(
    "codegen/onnx/recognise.ts",
    LAYERS,
    ["alpha: rate * size", "alpha: rate"],
    ['binary("div", constant(size), divisor)', 'binary("div", divisor, constant(size))'],
    ["fill(i === 0 ? 1 : 0)", "fill(0)"],
  ),
  ...faultsIn(
    "codegen/onnx/fold-convolutions.ts",
    ["test/oracle/onnx-nets.test.ts"],
    ["rest: times(a.rest, b.rest) }\n", "rest: a.rest }\n"],
    ["arg(leaf.index - 1)", "arg(leaf.index)"],
  ),
  ...faultsIn(
    "codegen/onnx/quantisation.ts",
    [...LEVELS, ...ROUNDED],
    ["add(div(x, scale), constant(0.5))", "div(x, scale)"],
    ["Math.round(low / scale)", "Math.ceil(low / scale)"],
    ["Math.min(0, range.least), Math.max(0, range.greatest)", "range.least, range.greatest"],
    ['select("gt", arg(0), constant(0), scale, constant(1))', "scale"],
  ),
  ...faultsIn(
    "codegen/onnx/quantisation-nodes.ts",
    [...ROUNDED, ...INT8],
    ["writer.level(-least,", "writer.level(0,"],
    ["{ axis: scale.axis }", "{ axis: 0 }"],
  ),
  ...faultsIn(
    "codegen/onnx/quantise-products.ts",
    [...ROUNDED, ...INT8],
    ['node.op === "conv" || node.transB ? 0 : 1', 'node.op === "conv" || node.transB ? 1 : 0'],
    ["!products.ends.has(value) && ", ""],
    ["if (all.length === 0) return false;", "if (all.length === 0) return true;"],
  ),
  ...faultsIn(
    "src/export/value-ranges.ts",
    ["test/src/export/value-ranges.test.ts"],
    ["(high - CLASSES + 1) * width", "(high - CLASSES) * width"],
  ),
  ...faultsIn(
    "src/export/quantise-net.ts",
    INT8,
    ["one === layer ? 1 : 0", "one === layer ? 0 : 1"],
    ["losses[i] <= tolerance", "losses[i] >= tolerance"],
  ),
  ...faultsIn(
    "src/export/changing-batch.ts",
    ["test/src/export/changing-batch.test.ts", ...INT8],
    ["other !== times * otherRows", "other === times * otherRows"],
  ),
];

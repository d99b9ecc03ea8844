import type { DType, Node, Shape } from "./graph.js";
import { numberKey, scalarKey } from "./scalar.js";

/** An exact key of a node's operation, attributes and inputs: equal keys, equal values. */
export function nodeKey(node: Node, dtype: DType, shape: Shape, inputs: readonly Node[]): string {
  return `${node.op}|${attributesKey(node)}|${dtype}|${shape.join(",")}|${inputs.map((x) => x.id).join(",")}`;
}

/** The attributes of a node as text, exact and readable: part of the intern key and of the printer's line. */
export function attributesKey(node: Node): string {
  switch (node.op) {
    case "input":
      return JSON.stringify(node.name);
    case "param":
      return String(node.index);
    case "constant":
      return numberKey(node.value);
    case "map":
      return scalarKey(node.expr);
    case "reduce":
      return `${node.kind} ${node.axes.join(",")}`;
    case "matmul":
      return `${node.transA ? "T" : "N"}${node.transB ? "T" : "N"}`;
    case "conv":
    case "convData":
    case "convFilter":
      return `g${node.geometry.groups} ${node.geometry.spatial
        .map((s) => `k${s.kernel}s${s.stride}p${s.pad}d${s.dilation}:${s.input}>${s.output}`)
        .join(" ")}`;
    case "windowMax":
    case "windowArgmax":
    case "windowScatter":
    case "windowPick":
    case "windowSum":
    case "windowSpread":
      return node.window
        .map((w) => `a${w.axis}k${w.size}s${w.stride}p${w.pad}:${w.extent}>${w.windows}`)
        .join(" ");
    case "transpose":
      return node.perm.join(",");
    case "slice":
      return `${node.axis} ${node.start}`;
    case "concat":
      return String(node.axis);
    case "pad":
      return `${node.axis} ${node.before}`;
    case "random":
      return String(node.stream);
    case "blob":
      return `${JSON.stringify(node.blob)} ${node.version}`;
    case "gather":
    case "scatter":
    case "reshape":
    case "stop":
      return "";
    default:
      return node satisfies never;
  }
}

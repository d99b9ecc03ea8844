import { InternalError } from "../../proto/errors/index.js";
import { createBuilder, type GraphBuilder } from "./builder.js";
import { type Graph, type Node, nodesOf, sameShape } from "./graph.js";
import { printNode, printRoot } from "./print-graph.js";
import { argsOf, coordsOf } from "./scalar.js";

/**
 * Checks that a graph keeps the rules of codegen/ir/graph.ts: ids ascend along inputs and are unique, every shape and
 * dtype is what the node's operation infers from its inputs, operands have the ranks and dtypes they must, and
 * roots are of the shapes they are written to.
 *
 * @throws InternalError that names the fault and prints the node with its inputs and its readers
 */
export function verify(graph: Graph): void {
  const nodes = nodesOf(graph);
  const byId = new Map<number, Node>();
  const scratch = createBuilder();
  for (const node of nodes) {
    const fault = duplicate(byId.get(node.id)) ?? faultOf(node, scratch);
    if (fault) throw new InternalError(`${fault}\n${neighbourhood(node, nodes)}`);
    byId.set(node.id, node);
  }
  const params = new Map(nodes.flatMap((node) => (node.op === "param" ? [[node.index, node.shape]] : [])));
  for (const root of graph.roots) {
    const fault = faultOfRoot(root, params);
    if (fault) throw new InternalError(`${fault}\n${printRoot(root)}\n${neighbourhood(root.node, nodes)}`);
  }

  function duplicate(other: Node | undefined): string | undefined {
    return other && `two nodes have one id: ${printNode(other)}`;
  }
}

function faultOfRoot(
  root: Graph["roots"][number],
  params: ReadonlyMap<number, readonly number[]>,
): string | undefined {
  if (root.node.dtype !== "real") return "a root is not of real numbers";
  if (root.role !== "update" && root.role !== "gradient") return undefined;
  const shape = params.get(root.param);
  return shape && !sameShape(shape, root.node.shape)
    ? `parameter ${root.param} has shape [${shape}], its ${root.role} [${root.node.shape}]`
    : undefined;
}

function faultOf(node: Node, scratch: GraphBuilder): string | undefined {
  const late = node.inputs.find((x) => x.id >= node.id);
  if (late) return `%${node.id} reads %${late.id}, which is not older`;
  if (node.shape.some((extent) => !Number.isInteger(extent) || extent < 0))
    return `%${node.id} has a shape that is none: [${node.shape}]`;
  const arity = ARITY[node.op];
  if (arity !== undefined && node.inputs.length !== arity)
    return `%${node.id} ${node.op} has ${node.inputs.length} inputs, not ${arity}`;
  const wrong = node.inputs.findIndex((x, i) => {
    const dtype = inputDType(node, i);
    return dtype !== undefined && x.dtype !== dtype;
  });
  if (wrong !== -1) return `%${node.id} ${node.op}: input ${wrong} is ${node.inputs[wrong].dtype}`;
  const special = faultOfAttributes(node);
  if (special) return `%${node.id} ${node.op}: ${special}`;
  try {
    const inferred = infer(node, scratch);
    if (!sameShape(inferred.shape, node.shape))
      return `%${node.id} ${node.op} has shape [${node.shape}], but its inputs make [${inferred.shape}]`;
    if (inferred.dtype !== node.dtype)
      return `%${node.id} ${node.op} is ${node.dtype}, not ${inferred.dtype}`;
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    return `%${node.id} ${node.op}: ${error.message.split("\n")[0]}`;
  }
  return undefined;
}

/** How many inputs an operation has; undefined where that varies. */
const ARITY: { readonly [K in Node["op"]]: number | undefined } = {
  input: 0,
  param: 0,
  constant: 0,
  map: undefined,
  reduce: 1,
  matmul: 2,
  conv: 2,
  convData: 2,
  convFilter: 2,
  windowMax: 1,
  windowArgmax: 1,
  windowScatter: 2,
  windowPick: 2,
  windowSum: 1,
  windowSpread: 1,
  gather: 2,
  scatter: 2,
  reshape: 1,
  transpose: 1,
  slice: 1,
  concat: undefined,
  pad: 1,
  random: 1,
  blob: 1,
  stop: 1,
};

/** The dtype an input must have; undefined where either will do. */
function inputDType(node: Node, input: number): "real" | "index" | undefined {
  switch (node.op) {
    case "matmul":
    case "conv":
    case "convData":
    case "convFilter":
    case "windowMax":
    case "windowArgmax":
    case "windowSum":
    case "windowSpread":
    case "random":
      return "real";
    case "windowScatter":
    case "windowPick":
    case "scatter":
      return input === 0 ? "real" : "index";
    case "gather":
      return input === 1 ? "index" : undefined;
    case "reduce":
      return node.kind === "argmax" ? undefined : "real";
    case "concat":
      return node.dtype;
    case "map":
    case "reshape":
    case "transpose":
    case "slice":
    case "pad":
    case "blob":
    case "stop":
    case "input":
    case "param":
    case "constant":
      return undefined;
    default:
      return node satisfies never;
  }
}

/** What inference would not notice. */
function faultOfAttributes(node: Node): string | undefined {
  switch (node.op) {
    case "map": {
      const beyond = argsOf(node.expr).find((index) => index >= node.inputs.length);
      if (beyond !== undefined) return `operand ${beyond} of ${node.inputs.length} is read`;
      const outside = coordsOf(node.expr).find((axis) => axis >= node.shape.length);
      if (outside !== undefined) return `the coordinate along axis ${outside} of [${node.shape}] is read`;
      const ranked = node.inputs.find((x) => x.shape.length !== node.shape.length);
      return ranked && `operand %${ranked.id} has rank ${ranked.shape.length}, not ${node.shape.length}`;
    }
    case "windowMax":
    case "windowArgmax": {
      const empty = node.window.find((w) => {
        const last = (w.windows - 1) * w.stride - w.pad;
        return w.windows > 0 && (w.size <= w.pad || last >= w.extent);
      });
      return empty && `a window along axis ${empty.axis} covers nothing`;
    }
    case "random":
      return node.inputs[0].shape.length === 0 ? undefined : "the step counter is not a scalar";
    default:
      return undefined;
  }
}

/** The node made anew by a builder that checks its inputs. */
function infer(node: Node, b: GraphBuilder): Node {
  const [x, y] = node.inputs;
  switch (node.op) {
    case "input":
      return b.input(node.name, node.shape, node.dtype);
    case "param":
      return b.param(node.index, node.shape);
    case "constant":
      return b.constant(node.value, node.shape);
    case "map":
      return b.map(node.expr, node.inputs, node.shape, node.dtype);
    case "reduce":
      return b.reduce(node.kind, x, node.axes);
    case "matmul":
      return b.matmul(x, y, node.transA, node.transB);
    case "conv":
      return b.conv(x, y, node.geometry);
    case "convData":
      return b.convData(x, y, node.geometry);
    case "convFilter":
      return b.convFilter(x, y, node.geometry);
    case "windowMax":
      return b.windowMax(x, node.window);
    case "windowArgmax":
      return b.windowArgmax(x, node.window);
    case "windowScatter":
      return b.windowScatter(x, y, node.window);
    case "windowPick":
      return b.windowPick(x, y, node.window);
    case "windowSum":
      return b.windowSum(x, node.window);
    case "windowSpread":
      return b.windowSpread(x, node.window);
    case "gather":
      return b.gather(x, y);
    case "scatter":
      return b.scatter(x, y, node.shape[0]);
    case "reshape":
      return b.reshape(x, node.shape);
    case "transpose":
      return b.transpose(x, node.perm);
    case "slice":
      return b.slice(x, node.axis, node.start, node.shape[node.axis]);
    case "concat":
      return b.concat(node.inputs, node.axis);
    case "pad":
      return b.pad(x, node.axis, node.before, node.shape[node.axis] - x.shape[node.axis] - node.before);
    case "random":
      return b.random(x, node.stream, node.shape);
    case "blob":
      return b.blob(x, node.blob, node.version);
    case "stop":
      return b.stop(x);
    default:
      return node satisfies never;
  }
}

/** Lines shown of a node's readers. */
const MOST_READERS = 5;

/** A node's inputs, the node, and who reads it. */
function neighbourhood(node: Node, nodes: readonly Node[]): string {
  const readers = nodes.filter((other) => other.inputs.includes(node));
  return [
    ...[...new Set(node.inputs)].map((x) => `    ${printNode(x)}`),
    `  > ${printNode(node)}`,
    ...readers.slice(0, MOST_READERS).map((reader) => `    ${printNode(reader)}`),
    ...(readers.length > MOST_READERS ? [`    … and ${readers.length - MOST_READERS} more readers`] : []),
  ].join("\n");
}

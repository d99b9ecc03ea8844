import { InternalError } from "../../proto/errors/index.js";
import { type Graph, type Node, nodesOf, type Op, sameShape } from "./graph.js";
import { attributesOf, primitive } from "./ops/index.js";
import { printNode, printRoot } from "./print-graph.js";

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
  for (const node of nodes) {
    const fault = duplicate(byId.get(node.id)) ?? faultOf(node);
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

/** What is wrong with a node, looked at with its inputs alone. */
export function faultOf(node: Node): string | undefined {
  const late = node.inputs.find((x) => x.id >= node.id);
  if (late) return `%${node.id} reads %${late.id}, which is not older`;
  if (node.shape.some((extent) => !Number.isInteger(extent) || extent < 0))
    return `%${node.id} has a shape that is none: [${node.shape}]`;
  const { operands, infer, fault } = primitive<Op>(node.op);
  const types = typeof operands === "function" ? operands(node) : operands;
  if (node.inputs.length !== types.length)
    return `%${node.id} ${node.op} has ${node.inputs.length} inputs, not ${types.length}`;
  const wrong = node.inputs.findIndex((x, i) => types[i] !== "any" && x.dtype !== types[i]);
  if (wrong !== -1) return `%${node.id} ${node.op}: input ${wrong} is ${node.inputs[wrong].dtype}`;
  const special = faultOfAttributes(node) ?? fault?.(node);
  if (special) return `%${node.id} ${node.op}: ${special}`;
  try {
    const { shape, dtype = "real" } = infer(node);
    if (!sameShape(shape, node.shape))
      return `%${node.id} ${node.op} has shape [${node.shape}], but its inputs make [${shape}]`;
    if (dtype !== node.dtype) return `%${node.id} ${node.op} is ${node.dtype}, not ${dtype}`;
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    return `%${node.id} ${node.op}: ${error.message.split("\n")[0]}`;
  }
  return undefined;
}

/** An attribute that is not of its kind. */
function faultOfAttributes(node: Node): string | undefined {
  const values = node as Node & Readonly<Record<string, unknown>>;
  const broken = attributesOf(node.op).find(([name, { valid }]) => valid?.(values[name]) === false);
  return broken && `${broken[0]} cannot be ${JSON.stringify(values[broken[0]])}`;
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

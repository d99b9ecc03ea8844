import type { Contraction } from "../../../codegen/contraction/contraction.js";
import { contractionOf, productLowerings } from "../../../codegen/contraction/contraction-of.js";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import type { ConvGeometry, Graph, Node } from "../../../codegen/ir/graph.js";
import { add, arg, unary } from "../../../codegen/ir/scalar.js";
import type { Lowering } from "../../../codegen/lower/lowering.js";
import { lowerScheduled } from "../../../codegen/targets/cuda/lower-contraction.js";
import { candidates, type Schedule } from "../../../codegen/targets/cuda/schedule-cost.js";
import type { EmulatedGraph } from "../../support/emulate.js";
import { bindLeaves } from "../../support/graph-values.js";

export type Operation = "matmul" | "conv" | "convData" | "convFilter";

/** Lowers all four operations by what `choose` takes of the schedules there are. */
export function scheduledBy(
  choose: (schedules: readonly Schedule[], contraction: Contraction) => Schedule,
): Readonly<Record<Operation, Lowering>> {
  return productLowerings((context) => {
    const contraction = contractionOf(context);
    const schedules = candidates(context.target.gpu!, contraction).map(({ schedule }) => schedule);
    return lowerScheduled(context, contraction, choose(schedules, contraction));
  });
}

export interface Axis {
  readonly kernel: number;
  readonly input: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly dilation?: number;
}
export interface ConvCase {
  readonly images?: number;
  readonly groups?: number;
  readonly channels?: number;
  readonly filters?: number;
  readonly axes: readonly Axis[];
  readonly algorithm?: ConvGeometry["algorithm"];
}

export const geometryOf = ({ groups = 1, axes, algorithm }: ConvCase): ConvGeometry => ({
  groups,
  ...(algorithm && { algorithm }),
  spatial: axes.map(({ kernel, input, stride = 1, pad = 0, dilation = 1 }) => ({
    kernel,
    input,
    stride,
    pad,
    dilation,
    output: Math.floor((input + 2 * pad - (dilation * (kernel - 1) + 1)) / stride) + 1,
  })),
});

/** What follows the operation: nothing, bias and ReLU fused, or both the plain result and the ReLU stored. */
export type Epilogue = "none" | "relu" | "two stores";

export function finish(b: GraphBuilder, node: Node, epilogue: Epilogue, axis = 1): readonly Node[] {
  if (epilogue === "none") return [node];
  const bias = b.param(9, [node.shape[axis], ...node.shape.slice(axis + 1).map(() => 1)]);
  const relu = b.map(unary("relu", add(arg(0), arg(1))), [node, bias]);
  return epilogue === "relu" ? [relu] : [node, relu];
}

export const graphOf = (build: (b: GraphBuilder) => readonly Node[]): Graph => {
  const b = createBuilder();
  return { roots: build(b).map((node, i) => ({ role: "value", blob: `y${i}`, node })) };
};

/** An operand as it is, or computed where it is read. */
export const operand = (b: GraphBuilder, node: Node, inlined: boolean): Node =>
  inlined ? b.map(add(arg(0), arg(0)), [node]) : node;

export function convGraph(
  operation: Exclude<Operation, "matmul">,
  made: ConvCase,
  epilogue: Epilogue = "none",
  inlined = false,
): Graph {
  const { images = 2, groups = 1, channels = 3, filters = 4 } = made;
  const geometry = geometryOf(made);
  const { spatial } = geometry;
  const x = [images, groups * channels, ...spatial.map((s) => s.input)];
  const w = [groups * filters, channels, ...spatial.map((s) => s.kernel)];
  const y = [images, groups * filters, ...spatial.map((s) => s.output)];
  return graphOf((b) => {
    const leaf = (name: string, shape: readonly number[]): Node => operand(b, b.input(name, shape), inlined);
    switch (operation) {
      case "conv":
        return finish(b, b.conv(leaf("x", x), b.param(0, w), geometry), epilogue);
      case "convData":
        return finish(b, b.convData(leaf("y", y), b.param(0, w), geometry), epilogue);
      case "convFilter":
        return finish(b, b.convFilter(leaf("x", x), leaf("y", y), geometry), epilogue);
      default:
        return operation satisfies never;
    }
  });
}

export interface MatmulCase {
  readonly batch?: readonly [a: number, b: number];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly trans?: readonly [a: boolean, b: boolean];
}

export function matmulGraph(
  { batch: [na, nb] = [1, 1], m, n, k, trans: [ta, tb] = [false, false] }: MatmulCase,
  epilogue: Epilogue = "none",
  inlined = false,
): Graph {
  return graphOf((b) => {
    const left = operand(b, b.input("a", ta ? [na, k, m] : [na, m, k]), inlined);
    const right = b.param(0, tb ? [nb, n, k] : [nb, k, n]);
    return finish(b, b.matmul(left, right, ta, tb), epilogue, 2);
  });
}

/** The same work in a backward pass, as of a net that trains: nothing is kept from one pass to the next. */
export const inBackward = ({ roots }: Graph): Graph => ({
  roots: roots.map(({ node }, i) => ({ role: "diff", blob: `y${i}`, node })),
});

export const caseOf = (
  name: string,
  graph: Graph,
  lowerings?: EmulatedGraph["lowerings"],
  seed = 7,
): EmulatedGraph => ({ name, graph, bindings: { ...bindLeaves(graph, seed), seed }, lowerings });

/** Extents, outermost first; `[]` is a scalar. Row-major (C order) wherever a tensor lies in memory. */
export type Shape = readonly number[];

/** `real`: float32 or float64, one for the whole net. `index`: int32, for positions (argmax, gather). */
export type DType = "real" | "index";

/** One windowed axis of a window primitive: window o covers inputs o·stride − pad … + size − 1, clipped. */
export interface WindowAxis {
  readonly axis: number;
  readonly size: number;
  readonly stride: number;
  /** Positions before the input's start that the first window covers. */
  readonly pad: number;
  /** Extent of the windowed side (how many windows). */
  readonly windows: number;
  /** Extent of the plain side. */
  readonly extent: number;
}

/** Convolution over trailing spatial axes: x [N, C, …in], w [O, C/groups, …kernel], y [N, O, …out]. */
export interface ConvGeometry {
  readonly groups: number;
  /** How it is computed, where a pass of a target has chosen; absent: as a sum of products. */
  readonly algorithm?: "winograd";
  /** One entry per spatial axis. */
  readonly spatial: readonly {
    readonly kernel: number;
    readonly stride: number;
    readonly pad: number;
    readonly dilation: number;
    readonly input: number;
    readonly output: number;
  }[];
}

interface NodeBase {
  /** Counts up in order of creation, so inputs always have smaller ids: sorting by id is a topological order. */
  readonly id: number;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly inputs: readonly Node[];
  /** The layer that asked for it first: for prints only, no meaning. */
  readonly origin: string;
}

export type ReduceKind = "sum" | "max" | "argmax";

/** The attributes of a primitive, and how a builder makes a node of it. */
export interface Signature<Attributes, Make> {
  readonly attributes: Readonly<Attributes>;
  readonly make: Make;
}

export type NoAttributes = Readonly<Record<never, never>>;

/**
 * The primitives. Here are those without operands; each other one adds its entry beside its record in `codegen/ir/ops/`,
 * and the table of records (`ops/index.ts`) must have them all and no more: the union of nodes is closed.
 */
export interface Primitives {
  readonly input: Signature<{ readonly name: string }, (name: string, shape: Shape, dtype?: DType) => Node>;
  readonly param: Signature<{ readonly index: number }, (index: number, shape: Shape) => Node>;
  /** Every element is `value`. */
  readonly constant: Signature<{ readonly value: number }, (value: number, shape?: Shape) => Node>;
}

export type Op = keyof Primitives;
export type Attributes<K extends Op> = Primitives[K]["attributes"];

/**
 * A node of the graph: an SSA tensor. Immutable and interned by its builder: the same operation on the same
 * inputs is the same object. The union is closed; every table over it is exhaustive.
 */
export type Node = { readonly [K in Op]: NodeBase & { readonly op: K } & Attributes<K> }[Op];
export type NodeOf<K extends Op> = Extract<Node, { op: K }>;

/** What a graph is computed for. A root's node must be in memory when its pass (forward or backward) ends. */
export type Root =
  /** The last value of a blob: after forward. */
  | { readonly role: "value"; readonly blob: string; readonly node: Node }
  /** A parameter's next value, written to parameter `param` when `pass` ends: BatchNorm's statistics after forward, a solver's update after backward. */
  | {
      readonly role: "update";
      readonly pass: "forward" | "backward";
      readonly param: number;
      readonly node: Node;
    }
  /** A blob's diff: after backward. */
  | { readonly role: "diff"; readonly blob: string; readonly node: Node }
  /** A parameter's gradient: after backward. */
  | { readonly role: "gradient"; readonly param: number; readonly node: Node }
  /** What depends on parameters alone and is read in many passes (packed weights): computed once when they have changed. */
  | { readonly role: "prepared"; readonly node: Node };

/** The passes of a net, in the order of their steps: `prepare` runs when parameters have changed, before the others. */
export const NET_PASSES = ["prepare", "forward", "backward"] as const;
export type NetPass = (typeof NET_PASSES)[number];

/** For sorting: earlier passes first. */
export const comparePasses = (a: { readonly pass: NetPass }, b: { readonly pass: NetPass }): number =>
  NET_PASSES.indexOf(a.pass) - NET_PASSES.indexOf(b.pass);

/** The pass a root belongs to. */
export function passOf(root: Root): NetPass {
  switch (root.role) {
    case "prepared":
      return "prepare";
    case "value":
      return "forward";
    case "update":
      return root.pass;
    case "diff":
    case "gradient":
      return "backward";
    default:
      return root satisfies never;
  }
}

/** Forward and backward in one value. What nothing asks for is not in it. */
export interface Graph {
  readonly roots: readonly Root[];
}

/** Every node the roots need, in topological order (ascending id). */
export function nodesOf(graph: Graph): readonly Node[] {
  const seen = new Set<Node>();
  const pending: Node[] = graph.roots.map((root) => root.node);
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) pending.push(input);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Number of elements. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis]);

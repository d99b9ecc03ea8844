import type { Scalar } from "./scalar.js";

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

/**
 * A node of the graph: an SSA tensor. Immutable and interned by its builder: the same operation on the same
 * inputs is the same object. The union is closed; every table over it is exhaustive.
 */
export type Node = NodeBase &
  (
    | { readonly op: "input"; readonly name: string }
    | { readonly op: "param"; readonly index: number }
    /** Every element is `value`. */
    | { readonly op: "constant"; readonly value: number }
    /** `expr` at each coordinate; operands have the map's rank, each extent equal to the map's or 1. An `index` map drops the fraction. */
    | { readonly op: "map"; readonly expr: Scalar }
    /** Over `axes` (ascending), which stay with extent 1. `argmax` is the first position of the greatest along the single axis. */
    | { readonly op: "reduce"; readonly kind: ReduceKind; readonly axes: readonly number[] }
    /** Batched: a [B, M, K] (or [B, K, M] if transA), b [B, K, N] (or [B, N, K] if transB), result [B, M, N]. A batch of 1 is broadcast. */
    | { readonly op: "matmul"; readonly transA: boolean; readonly transB: boolean }
    /** (x, w) → y: cross-correlation, as Caffe's Convolution. */
    | { readonly op: "conv"; readonly geometry: ConvGeometry }
    /** (y, w) → x: adjoint of `conv` in x; Caffe's Deconvolution. */
    | { readonly op: "convData"; readonly geometry: ConvGeometry }
    /** (x, y) → w: adjoint of `conv` in w. */
    | { readonly op: "convFilter"; readonly geometry: ConvGeometry }
    /** Greatest in each clipped window, none of which is empty; the first in row-major order on a tie. */
    | { readonly op: "windowMax"; readonly window: readonly WindowAxis[] }
    /** Its position: row-major over the windowed axes of the plain side. */
    | { readonly op: "windowArgmax"; readonly window: readonly WindowAxis[] }
    /** (y, position) → x: adjoint of picking `position` in each window. */
    | { readonly op: "windowScatter"; readonly window: readonly WindowAxis[] }
    /** (x, position) → y: the element at `position` of each window's plane; `windowScatter`'s adjoint. */
    | { readonly op: "windowPick"; readonly window: readonly WindowAxis[] }
    /** Sum of each clipped window. */
    | { readonly op: "windowSum"; readonly window: readonly WindowAxis[] }
    /** y → x: adjoint of `windowSum`: the sum over the windows that cover an element. */
    | { readonly op: "windowSpread"; readonly window: readonly WindowAxis[] }
    /** (table [R, …rest], position [P]) → [P, …rest]; positions are checked by whoever feeds them. */
    | { readonly op: "gather" }
    /** (rows [P, …rest], position [P]) → [R, …rest]: adjoint of `gather` in its table. */
    | { readonly op: "scatter" }
    | { readonly op: "reshape" }
    /** Output axis i is input axis perm[i]. */
    | { readonly op: "transpose"; readonly perm: readonly number[] }
    /** `shape[axis]` elements along `axis` from `start`. */
    | { readonly op: "slice"; readonly axis: number; readonly start: number }
    | { readonly op: "concat"; readonly axis: number }
    /** Zeros before (and after, up to the shape) along `axis`: adjoint of `slice`. */
    | { readonly op: "pad"; readonly axis: number; readonly before: number }
    /**
     * Uniform in [0, 1), 24 bits; input: the step counter, an input of shape []. Element i is the upper 24 bits of
     * word i mod 4 of the Philox 4x32-10 block with counter (⌊i / 4⌋, step, stream low, stream high) and the seed as key.
     */
    | { readonly op: "random"; readonly stream: number }
    /** A blob's value by name: identity; its cotangent is what Caffe calls the blob's diff. Erased by a pass. */
    | { readonly op: "blob"; readonly blob: string; readonly version: number }
    /** Identity whose cotangent is nothing: where Caffe does not propagate down. Erased by a pass. */
    | { readonly op: "stop" }
  );

export type ReduceKind = "sum" | "max" | "argmax";

export type Op = Node["op"];
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

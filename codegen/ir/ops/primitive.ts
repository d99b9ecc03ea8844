import type { Attributes, DType, Node, NodeOf, Op, Primitives, Shape } from "../graph.js";
import type { ScalarRules } from "../scalar-derivative.js";
import type { AttributeKind } from "./attributes.js";

type Makers = { readonly [K in Op]: Primitives[K]["make"] };

/**
 * Makes nodes, a method for each primitive: infers shapes, interns (the same operation on the same inputs is the same
 * node), and folds what is trivially the identity. A shape that does not fit is an InternalError: layers check their
 * inputs first and tell the user in the user's terms.
 */
export interface GraphBuilder extends Makers {
  /** What new nodes name as their origin, for prints: a layer's name. */
  origin: string;
  /** The same node over other inputs: itself when nothing changes. Used by passes that rewrite a graph. */
  rebuild(node: Node, inputs: readonly Node[]): Node;
}

/** The node of an operation, made or found; `wanted` is what its rule of shapes cannot infer. */
export type MakeNode = <K extends Op>(
  op: K,
  attributes: Attributes<K>,
  inputs: readonly Node[],
  wanted?: { readonly shape: Shape; readonly dtype?: DType },
) => Node;

/** A node before its shape and dtype are known: those that are wanted, or claimed. */
export type Draft<K extends Op> = Attributes<K> & {
  readonly inputs: readonly Node[];
  readonly shape: Shape;
  readonly dtype: DType;
};

/** From the cotangent of a node's value, its part of the cotangent of one input. Undefined: the input gets nothing. */
export type Pullback = ((cotangent: Node) => Node) | undefined;

/** The dtype that an operand must have. */
export type OperandType = DType | "any";

/** All that is known of a primitive, but for how each target computes it. */
export interface Primitive<K extends Op> {
  /** The kind of each attribute, in the order of keys, prints and the builder's arguments. */
  readonly attributes: { readonly [N in keyof Attributes<K>]: AttributeKind<Attributes<K>[N]> };
  /** One for each operand; a function where that varies. */
  readonly operands: readonly OperandType[] | ((node: Draft<K>) => readonly OperandType[]);
  /**
   * The shape, and the dtype where it is not `real`, that operands and attributes make. What they leave open is
   * what `shape` and `dtype` of the draft say.
   *
   * @throws InternalError where they do not fit
   */
  infer(draft: Draft<K>): { readonly shape: Shape; readonly dtype?: DType };
  /** What else is wrong with a node, that only the verifier asks. */
  fault?(node: NodeOf<K>): string | undefined;
  /** The builder's method. Default: operands, then attributes. */
  make?(b: GraphBuilder, node: MakeNode): Primitives[K]["make"];
  /** The node over other inputs. Default: with the same attributes, over inputs of the same shapes only. */
  rebuild?(b: GraphBuilder, node: NodeOf<K>, inputs: readonly Node[]): Node;

  /** The vector-Jacobian product, as graph: one pullback per input. Absent: no input gets anything. */
  vjp?(b: GraphBuilder, node: NodeOf<K>, scalars: ScalarRules): readonly Pullback[];
  /** Floating-point operations: a multiply-add counts 2, any other scalar operation 1. Absent: none. */
  flops?(node: NodeOf<K>): number;

  /**
   * How its elements come about. `given`: by who runs the graph, or written out as a number. `element`: each from its
   * operands' elements, anywhere. `view`: elements of its operands, in other places. `loops`: in loops of its own.
   */
  readonly kind: "given" | "element" | "view" | "loops";
  /**
   * Of a view: how many elements into its source it starts, if its elements lie there in order and without gaps: a
   * placement, no work. Undefined where it is work.
   */
  offset?(node: NodeOf<K>): number | undefined;
  /** Of a view: it moves or cuts coordinates along an axis. */
  readonly shifts?: true;
  /** Of a view: its elements are chosen under a condition, where a value has no local of its own. */
  readonly guards?: true;
  /**
   * Which operands may be expressions instead of memory: where each element is read a few times at most. Products and
   * convolutions read them many times, gather and scatter at positions known late. Absent: none.
   */
  readonly expressions?: "all" | "first";
  /**
   * Whether maps may follow it in its own loops, element by element. Not after `scatter`, which adds into memory; not
   * after views, which inline themselves.
   */
  readonly epilogue?: true;
  /** It takes no memory to make again: never, or as far as its operands do not. */
  readonly generated?: "always" | "of generated";
  /** Whether it needs nothing but the flat position of an element: no coordinate, no operand broadcast in part. */
  isFlat?(node: NodeOf<K>): boolean;
  /** Operations that it, inlined, adds to a loop body: a view counts for the indices it takes. Absent: none. */
  operations?(node: NodeOf<K>): number;
  /** How often all together it reads elements of one operand. Absent: once for each of its elements. */
  reads?(node: NodeOf<K>): number;
}

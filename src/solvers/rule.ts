import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node } from "../../codegen/ir/graph.js";
import type { RuleScalar, ScalarConstants } from "../../runtime/solver/rule-scalars.js";

/** Constants of a rule, each rounded to float32 as the schema's fields are. */
export interface RuleConstants extends ScalarConstants {
  /** Adam's β₁; AdaDelta's decay. */
  readonly momentum: number;
  /** Adam's β₂. */
  readonly momentum2: number;
  /** Keeps a quotient finite: ε. */
  readonly delta: number;
  readonly rmsDecay: number;
}

/** One parameter in front of its update. */
export interface RuleOperands {
  readonly weight: Node;
  /** Clipped, normalised and regularised already; the weight's shape. */
  readonly gradient: Node;
  /** As many as the rule has slots; the weight's shape. */
  readonly history: readonly Node[];
  /** The iteration's learning rate times the parameter's lr_mult; shape []. */
  readonly rate: Node;
  /** The rule's own scalars of this iteration, by name; shape []. */
  readonly scalars: Readonly<Record<RuleScalar, Node>>;
  readonly constants: RuleConstants;
}

/**
 * A solver's update of one parameter, as graph: compiled into the backward pass it fuses with the gradient and
 * runs on every target.
 */
export interface UpdateRule {
  /** Tensors of history per parameter: those of Caffe's `history_`, in its order. */
  readonly slots: number;
  /** What each iteration feeds beside the rate. */
  readonly scalars: readonly RuleScalar[];
  /** Fields that the rule refuses, as Caffe does, each with the reason. */
  readonly refuses: (
    constants: RuleConstants,
  ) => readonly { readonly field: string; readonly reason: string }[];
  /** What is taken from the weight, and the next history. */
  update(b: GraphBuilder, operands: RuleOperands): { readonly step: Node; readonly history: readonly Node[] };
}

/** No field is refused. */
export const refusesNothing = (): readonly never[] => [];

/** Rules that scale by a history of squares have no place for a momentum. */
export const refusesMomentum =
  (type: string) =>
  ({ momentum }: RuleConstants): readonly { field: string; reason: string }[] =>
    momentum === 0 ? [] : [{ field: "momentum", reason: `momentum cannot be used with ${type}` }];

import type { GraphBuilder } from "../../codegen/ir/builder.js";
import { type Node, type Root, sizeOf } from "../../codegen/ir/graph.js";
import { add, arg, constant, div, mul, type Scalar, select, sub, unary } from "../../codegen/ir/scalar.js";
import { InternalError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import { RULE_SCALARS, type RuleScalar } from "../../runtime/solver/rule-scalars.js";
import { adadelta } from "./adadelta.js";
import { adagrad } from "./adagrad.js";
import { adam } from "./adam.js";
import { nesterov } from "./nesterov.js";
import { rmsprop } from "./rmsprop.js";
import type { RuleConstants, UpdateRule } from "./rule.js";
import { sgd } from "./sgd.js";
import { float } from "./update-scalars.js";

/** The solvers of Caffe, by the name that a `solver.prototxt` gives. */
export const RULES = {
  SGD: sgd,
  Nesterov: nesterov,
  AdaGrad: adagrad,
  RMSProp: rmsprop,
  AdaDelta: adadelta,
  Adam: adam,
} as const satisfies Readonly<Record<string, UpdateRule>>;

export type SolverType = keyof typeof RULES;

export const SOLVER_TYPES = Object.keys(RULES) as readonly SolverType[];

/** Whether there is a solver of this name. */
export const isSolverType = (name: string): name is SolverType => Object.hasOwn(RULES, name);

/** The rule of a checked solver (`checkSolver` refuses unknown types with a hint). */
export function ruleOf(solver: Pick<SolverParameter, "type">): UpdateRule {
  if (!isSolverType(solver.type)) throw new InternalError(`solver type ${solver.type} was not checked`);
  return RULES[solver.type];
}

/** The fields that a rule reads as constants. */
export const constantsOf = (
  solver: Pick<SolverParameter, "momentum" | "momentum2" | "delta" | "rms_decay">,
): RuleConstants => ({
  momentum: Math.fround(solver.momentum),
  momentum2: Math.fround(solver.momentum2),
  delta: Math.fround(solver.delta),
  rmsDecay: Math.fround(solver.rms_decay),
});

/** The graph input, of shape [], that carries a scalar of the solver: "rate", "first", or one of the rule's. */
export const scalarInput = (name: string): string => `solver:${name}`;

/** The rule's own scalars at an iteration (from 0), by name. */
export function ruleScalars(solver: UpdateSettings, iteration: number): Readonly<Record<string, number>> {
  const constants = constantsOf(solver);
  return Object.fromEntries(
    ruleOf(solver).scalars.map((name) => [name, RULE_SCALARS[name](iteration, constants)]),
  );
}

/** A learnable parameter in front of its update. */
export interface Learnable {
  /** The parameter's node. */
  readonly node: Node;
  /** Its gradient, or the accumulator of several; undefined where no loss reaches it: Caffe's diff is 0 there. */
  readonly gradient: Node | undefined;
  readonly lrMult: number;
  readonly decayMult: number;
  /** One `param` node for each slot of the rule. */
  readonly history: readonly Node[];
}

/** What the updates read of a solver: numbers and words. */
export const UPDATE_SETTINGS = [
  "type",
  "momentum",
  "momentum2",
  "delta",
  "rms_decay",
  "clip_gradients",
  "iter_size",
  "weight_decay",
  "regularization_type",
] as const satisfies readonly (keyof SolverParameter)[];

export type UpdateSettings = Pick<SolverParameter, (typeof UPDATE_SETTINGS)[number]>;

/**
 * Builds Caffe's ApplyUpdate: the global norm of all gradients is clipped, each is divided by iter_size and
 * regularised, the rule moves it, and the weight takes the step. Returns the `update` roots of weights and
 * histories, all of the backward pass.
 *
 * A parameter with lr_mult 0 keeps its weight and its history (but its gradient, if there is one, counts in the
 * norm, as in Caffe). A parameter without a gradient still decays.
 *
 * @param onStep told what is taken from each weight that moves
 */
export function appendUpdates(
  b: GraphBuilder,
  learnables: readonly Learnable[],
  solver: UpdateSettings,
  onStep?: (learnable: number, step: Node) => void,
): readonly Root[] {
  const before = b.origin;
  b.origin = "solver";
  try {
    const rule = ruleOf(solver);
    const constants = constantsOf(solver);
    const rate = b.input(scalarInput("rate"), []);
    const scalars = Object.fromEntries(
      rule.scalars.map((name) => [name, b.input(scalarInput(name), [])]),
    ) as Record<RuleScalar, Node>;
    const clip = clipFactor(
      b,
      learnables.flatMap(({ gradient }) => gradient ?? []),
      solver.clip_gradients,
    );
    return learnables.flatMap((learnable, i): readonly Root[] => {
      const { node, history, lrMult } = learnable;
      if (lrMult === 0) return [];
      const next = rule.update(b, {
        weight: node,
        gradient: regularised(b, learnable, clip, solver),
        history,
        rate: b.map(mul(arg(0), float(lrMult)), [rate]),
        scalars,
        constants,
      });
      onStep?.(i, next.step);
      const weight = b.map(sub(arg(0), arg(1)), [node, next.step]);
      return [updateOf(node, weight), ...history.map((slot, at) => updateOf(slot, next.history[at]))];
    });
  } finally {
    b.origin = before;
  }
}

/**
 * For iter_size > 1: the roots that add a batch's gradients to their accumulators (`param` nodes). The input
 * "first" is not 0 on an iteration's first batch, which starts the sums anew: nothing has to be cleared, and an
 * iteration that was cut short leaves nothing behind. The updates then are a graph of their own:
 * `appendUpdates` with the accumulators as gradients.
 */
export function appendAccumulation(
  b: GraphBuilder,
  pairs: readonly { readonly gradient: Node; readonly accumulator: Node }[],
): readonly Root[] {
  const before = b.origin;
  b.origin = "solver";
  try {
    const first = b.input(scalarInput("first"), []);
    const sum = select("ne", arg(2), constant(0), arg(0), add(arg(0), arg(1)));
    return pairs.map(({ gradient, accumulator }) =>
      updateOf(accumulator, b.map(sum, [gradient, accumulator, first])),
    );
  } finally {
    b.origin = before;
  }
}

function updateOf(parameter: Node, node: Node): Root {
  if (parameter.op !== "param") throw new InternalError(`an update of ${parameter.op}, not of a parameter`);
  return { role: "update", pass: "backward", param: parameter.index, node };
}

/** What every gradient is multiplied by: clip / norm where the norm is greater. Undefined without clipping. */
function clipFactor(b: GraphBuilder, gradients: readonly Node[], clip: number): Node | undefined {
  if (clip < 0 || gradients.length === 0) return undefined;
  const squares = gradients.map((gradient) => {
    const flat = b.reshape(gradient, [sizeOf(gradient.shape)]);
    return b.reduce("sum", b.map(mul(arg(0), arg(0)), [flat]), [0]);
  });
  const norm = b.map(unary("sqrt", arg(0)), [b.reduce("sum", b.concat(squares, 0), [0], true)]);
  return b.map(select("gt", arg(0), float(clip), div(float(clip), arg(0)), constant(1)), [norm]);
}

/** The gradient as the rule sees it: clipped, then normalised, then regularised. */
function regularised(
  b: GraphBuilder,
  { node, gradient, decayMult }: Learnable,
  clip: Node | undefined,
  solver: UpdateSettings,
): Node {
  const operands = [gradient ?? b.constant(0, node.shape), node];
  let value: Scalar = arg(0);
  if (clip && gradient) value = mul(value, arg(operands.push(clip) - 1));
  if (solver.iter_size > 1) value = mul(value, float(1 / solver.iter_size));
  const decay = Math.fround(Math.fround(solver.weight_decay) * Math.fround(decayMult));
  if (decay !== 0) {
    const pull = solver.regularization_type === "L1" ? unary("sign", arg(1)) : arg(1);
    value = add(value, mul(float(decay), pull));
  }
  return b.map(value, operands, node.shape);
}

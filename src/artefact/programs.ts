import { type Graph, type Node, type Root, sizeOf } from "../../codegen/ir/graph.js";
import type { TargetDescription } from "../../codegen/ir/target-description.js";
import type { Argument, Program } from "../../codegen/kernel/kernel.js";
import { lowerPlan } from "../../codegen/lower/lower-plan.js";
import { runPasses } from "../../codegen/passes/index.js";
import { planGraph } from "../../codegen/plan/index.js";
import { CortadoError, userError } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import type { SolverParameter } from "../../proto/index.js";
import { quoted } from "../../proto/words/names.js";
import type { LoweredNet } from "../layers/index.js";
import { locate } from "../net/load-program.js";
import {
  differentiateNet,
  forwardRoots,
  hasGradient,
  type Objective,
  objectiveGraph,
} from "../net/objective.js";
import { appendAccumulation, appendUpdates, ruleOf } from "../solvers/index.js";

/** A program and where the values of its graph lie. */
export interface PlacedProgram {
  readonly program: Program;
  /** By the graph's name of the input. */
  readonly inputs: ReadonlyMap<string, Argument>;
  readonly roots: readonly { readonly root: Root; readonly place: Argument }[];
}

export interface ProgramOptions {
  readonly seed: number;
  readonly target: TargetDescription;
}

/** Graph → passes → plan → program, and where its inputs and roots lie. */
function place(
  graph: Graph,
  { builder }: LoweredNet,
  { seed, target }: ProgramOptions,
  repeatBackward: boolean,
): PlacedProgram {
  const optimised = runPasses(graph, builder);
  const plan = planGraph(optimised, { realBytes: 4, repeatBackward });
  const program = lowerPlan(plan, { dtype: "float32", target, seed });
  const inputs = new Map<string, Argument>();
  for (const node of plan.placements.keys())
    if (node.op === "input") inputs.set(node.name, locate(plan, node, "float32"));
  return {
    program,
    inputs,
    roots: optimised.roots.flatMap((root) =>
      root.role === "update" ? [] : [{ root, place: locate(plan, root.node, "float32") }],
    ),
  };
}

/** The program of forward and, where the objective has it, backward. */
export const netProgram = (
  lowered: LoweredNet,
  objective: Objective,
  options: ProgramOptions,
): PlacedProgram => place(objectiveGraph(lowered, objective), lowered, options, true);

/**
 * What backward of a built net starts from: see `BuildOptions.backward`.
 *
 * @throws CortadoError for names that the net does not have, and where nothing can be differentiated
 */
export function backwardSeeds(
  lowered: LoweredNet,
  backward: boolean | readonly string[] | undefined,
): readonly string[] | undefined {
  if (backward === undefined || backward === false) return undefined;
  if (lowered.wanted.params.length + lowered.wanted.inputs.length === 0)
    throw userError(
      "the net has nothing to differentiate: no parameter with lr_mult above 0 and no force_backward",
    );
  if (backward === true) return hasGradient(lowered) ? [] : lowered.outputs;
  const unknown = backward.filter((blob) => !lowered.blobs.has(blob));
  if (unknown.length > 0)
    throw new CortadoError(
      unknown.map((blob) => ({
        severity: "error",
        message: `backward names ${quoted(blob)}, a blob that the net does not have`,
        hint: didYouMean(blob, lowered.blobs.keys()),
      })),
    );
  return [...new Set(backward)];
}

/** The programs of a training step, and the states beside the parameters. */
export interface TrainingPrograms {
  /** Forward, and backward with the update; or with several batches a step: adding up gradients, then the update. */
  readonly programs: readonly PlacedProgram[];
  /** States in Caffe's order: slot 0 of every parameter, then slot 1 … */
  readonly history: readonly { readonly param: number; readonly shape: readonly number[] }[];
  /** Elements of every state, by index after the net's own parameters. */
  readonly states: readonly number[];
}

/** A solver's rule compiled into backward, as `compileTraining` does. `lowered` is this program's own. */
export function trainingPrograms(
  lowered: LoweredNet,
  keep: readonly string[],
  solver: SolverParameter,
  options: ProgramOptions,
): TrainingPrograms {
  const { builder, params } = lowered;
  const states: number[] = [];
  const addState = (shape: readonly number[]): Extract<Node, { op: "param" }> => {
    const index = params.length + states.push(sizeOf(shape)) - 1;
    return builder.param(index, shape) as Extract<Node, { op: "param" }>;
  };
  const own = params.flatMap((param, index) => (param.kind === "carried" ? [] : [{ ...param, index }]));
  const slots = Array.from({ length: ruleOf(solver).slots }, () => own.map(({ shape }) => addState(shape)));
  const objective: Objective = {
    backward: true,
    seeds: [],
    keep: [...new Set([...keep, ...lowered.losses.map(({ blob }) => blob)])],
  };
  const { gradients } = differentiateNet(lowered, objective);
  const updates = (gradientOf: (param: number) => Node | undefined): readonly Root[] =>
    appendUpdates(
      builder,
      own.map((param, i) => ({
        node: param.node,
        gradient: gradientOf(param.index),
        lrMult: param.lrMult,
        decayMult: param.decayMult,
        history: slots.map((slot) => slot[i]),
      })),
      solver,
    );
  const forward = forwardRoots(lowered, objective);
  const history = slots.flatMap((slot) => slot.map(({ index, shape }) => ({ param: index, shape })));
  const make = (roots: readonly Root[]): PlacedProgram => place({ roots }, lowered, options, false);
  if (solver.iter_size <= 1)
    return { programs: [make([...forward, ...updates((i) => gradients.get(i))])], history, states };
  const accumulators = new Map([...gradients.keys()].map((i) => [i, addState(params[i].shape)]));
  const pairs = [...gradients].map(([i, gradient]) => ({ gradient, accumulator: accumulators.get(i)! }));
  const programs = [
    make([...forward, ...appendAccumulation(builder, pairs)]),
    make(updates((i) => accumulators.get(i))),
  ];
  return { programs, history, states };
}

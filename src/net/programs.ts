import type { Rules } from "../../codegen/autodiff/index.js";
import type { GraphBuilder } from "../../codegen/ir/builder.js";
import { type Graph, type Node, type Root, sizeOf } from "../../codegen/ir/graph.js";
import { printGraph } from "../../codegen/ir/print-graph.js";
import type { Argument, Program } from "../../codegen/kernel/kernel.js";
import {
  locate,
  type PipelineOptions,
  planIn,
  programOf,
  renderKernel,
  runPipeline,
  type Stage,
  startCompilation,
} from "../../codegen/pipeline.js";
import type { Plan } from "../../codegen/plan/plan.js";
import { tsTarget } from "../../codegen/targets/index.js";
import type { SolverParameter } from "../../proto/index.js";
import { quoted } from "../../proto/words/names.js";
import type { ParamTable } from "../../runtime/net/tables.js";
import type { LoweredNet } from "../layers/index.js";
import { appendAccumulation, appendUpdates, ruleOf, UPDATE_SETTINGS } from "../solvers/index.js";
import { differentiateNet, forwardRoots, type Objective, objectiveGraph, takenName } from "./objective.js";

/** One program of a net: everything that is known before memory is taken. */
export interface NetProgram {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly program: Program;
  /** Where an input's value is to be written; an input that nothing in the graph reads is missing. */
  readonly inputs: ReadonlyMap<string, Argument>;
  /** Where a pass leaves what callers read; updates lie in their parameters. */
  readonly roots: readonly {
    readonly root: Exclude<Root, { role: "update" | "prepared" }>;
    readonly place: Argument;
  }[];
  /** Blobs whose diff the caller gives; absent where there is no backward, or a step's. */
  readonly seeds?: readonly string[];
}

/** What a net's programs are compiled with. */
export type ProgramOptions = Omit<PipelineOptions, "repeatBackward">;

/** A graph of a net through the pipeline, up to its kernels. */
export function makeProgram(graph: Graph, builder: GraphBuilder, options: PipelineOptions): NetProgram {
  const compilation = runPipeline(startCompilation(graph, builder, options), { until: "kernels" });
  const plan = planIn(compilation);
  const inputs = new Map<string, Argument>();
  for (const node of plan.placements.keys())
    if (node.op === "input") inputs.set(node.name, locate(compilation, node));
  return {
    graph: compilation.graph,
    plan,
    program: programOf(compilation),
    inputs,
    roots: compilation.graph.roots.flatMap((root) =>
      root.role === "update" || root.role === "prepared"
        ? []
        : [{ root, place: locate(compilation, root.node) }],
    ),
  };
}

/** A graph after the passes of all targets and none of a target's own: for who writes graphs and no kernels. */
export const passedGraph = (graph: Graph, builder: GraphBuilder): Graph =>
  runPipeline(startCompilation(graph, builder, { target: tsTarget, dtype: "float32", seed: 0 }), {
    until: "graph",
  }).graph;

/** What a program is made of, and all that determines it. */
export interface ProgramRequest extends Pick<NetProgram, "seeds"> {
  /** Before the first stage; made when first asked for. */
  readonly graph: () => Graph;
  /** What determines the graph beside the lowered net; absent where more does. */
  readonly from?: unknown;
  readonly options: PipelineOptions;
}

/** Made when first asked for, and kept. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** @param builder the one that made the graph */
export const makeRequested = (
  { graph, options, seeds }: ProgramRequest,
  builder: GraphBuilder,
): NetProgram => ({ ...makeProgram(graph(), builder, options), seeds });

/** Of the program of forward and, where the objective has it, of backward: see `netProgram`. */
export const netRequest = (
  lowered: LoweredNet,
  objective: Objective,
  options: ProgramOptions,
  rules?: Rules,
): ProgramRequest => ({
  graph: once(() => objectiveGraph(lowered, objective, rules)),
  // Who watches sees which layer asked for a value, too.
  from: rules || objective.watch ? undefined : objective,
  options: { ...options, repeatBackward: true },
  seeds: objective.backward ? objective.seeds : undefined,
});

/**
 * The program of forward and, where the objective has it, of backward, which may run again and again.
 *
 * @param rules other derivatives than Cortado's own, for tests
 */
export const netProgram = (
  lowered: LoweredNet,
  objective: Objective,
  options: ProgramOptions,
  rules?: Rules,
): NetProgram => makeRequested(netRequest(lowered, objective, options, rules), lowered.builder);

/** A stage of the pipeline that has been run. */
export interface TracedStage extends Pick<Stage, "name" | "kind" | "about"> {
  readonly milliseconds: number;
  /** What it made, for people. */
  readonly print: () => string;
}

/** A program and all that was made on the way to its source. */
export interface TracedProgram {
  /** Before the first stage. */
  readonly graph: Graph;
  readonly plan: Plan;
  readonly program: Program;
  /** The graph of the objective first, then those of `stagesOf` the target. */
  readonly stages: readonly TracedStage[];
  /** The text of one kernel alone. */
  readonly kernelText: (kernel: number) => string;
}

/** As `netProgram`, up to source, each stage timed, printable and verified. */
export function traceProgram(
  lowered: LoweredNet,
  objective: Objective,
  options: ProgramOptions,
): TracedProgram {
  const before = performance.now();
  const request = netRequest(lowered, objective, options);
  const graph = request.graph();
  const stages: TracedStage[] = [
    {
      name: "objective",
      kind: "graph",
      about: "the layers as primitives, and their derivative, in one graph",
      milliseconds: performance.now() - before,
      print: () => printGraph(graph),
    },
  ];
  const made = runPipeline(startCompilation(graph, lowered.builder, request.options), {
    verify: true,
    trace({ name, kind, about, print }, one, milliseconds) {
      stages.push({ name, kind, about, milliseconds, print: () => print(one) });
    },
  });
  return {
    graph,
    plan: planIn(made),
    program: programOf(made),
    stages,
    kernelText: (kernel) => renderKernel(made, kernel),
  };
}

/** The programs of a training step, or what they are made of, and the states beside the parameters. */
export interface Training<Part> {
  /** Forward, and backward with the update; or with several batches a step: with adding up gradients. */
  readonly step: Part;
  /** The update of several batches' gradients. */
  readonly update?: Part;
  /** The update's states in Caffe's order, their indices behind the net's own: slot 0 of every learnable parameter, then slot 1 … */
  readonly history: readonly ParamTable[];
  /** Elements of every state, by index after the net's own parameters. */
  readonly states: readonly number[];
}

export type TrainingPrograms = Training<NetProgram>;

/** What of a training step is readable: blobs' values and diffs, parameters' steps by index. */
export interface StepObjective extends Pick<Objective, "keep" | "watch"> {
  readonly keptDiffs?: readonly number[];
}

/**
 * A solver's rule compiled into backward. With iter_size 1 an iteration is one program, whose gradients fuse with their
 * updates; with more, one program adds up gradients and a second applies them.
 *
 * @param objective what of the net is readable; the values of its losses are
 */
export function trainingPrograms(
  lowered: LoweredNet,
  objective: StepObjective,
  solver: SolverParameter,
  options: ProgramOptions,
): TrainingPrograms {
  const { step, update, ...states } = trainingRequests(lowered, objective, solver, options);
  const made = { ...states, step: makeRequested(step, lowered.builder) };
  return update ? { ...made, update: makeRequested(update, lowered.builder) } : made;
}

/** What `trainingPrograms` are made of. */
export function trainingRequests(
  lowered: LoweredNet,
  { keep, watch, keptDiffs = [] }: StepObjective,
  solver: SolverParameter,
  options: ProgramOptions,
): Training<ProgramRequest> {
  const { builder, params } = lowered;
  const states: number[] = [];
  const addState = (shape: readonly number[]): { readonly index: number; readonly node: Node } => {
    const index = params.length + states.push(sizeOf(shape)) - 1;
    return { index, node: builder.param(index, shape) };
  };
  const own = params.flatMap((param, index) => (param.kind === "carried" ? [] : [{ ...param, index }]));
  const slots = Array.from({ length: ruleOf(solver).slots }, () =>
    own.map(({ shape, lrMult, decayMult }) => ({ ...addState(shape), shape, lrMult, decayMult })),
  );
  const objective: Objective = {
    backward: true,
    seeds: [],
    watch,
    keep: [...new Set([...keep, ...lowered.losses.map(({ blob }) => blob)])],
  };
  const differentiated = once(() => differentiateNet(lowered, objective));
  const updates = (gradientOf: ReadonlyMap<number, Node>): readonly Root[] => {
    const taken: Root[] = [];
    const updated = appendUpdates(
      builder,
      own.map((param, i) => ({
        node: param.node,
        gradient: gradientOf.get(param.index),
        lrMult: param.lrMult,
        decayMult: param.decayMult,
        history: slots.map((slot) => slot[i].node),
      })),
      solver,
      (i, node) => {
        const { index } = own[i];
        if (keptDiffs.includes(index)) taken.push({ role: "diff", blob: takenName(lowered, index), node });
      },
    );
    return [...updated, ...taken];
  };
  const forward = (): readonly Root[] => {
    const { gradients, diffs, watched } = differentiated();
    return [
      ...forwardRoots(lowered, objective),
      ...watched,
      ...keep.flatMap((blob): Root[] => {
        const node = diffs.get(blob);
        return node ? [{ role: "diff", blob, node }] : [];
      }),
      ...(watch ? [...gradients].map(([param, node]): Root => ({ role: "gradient", param, node })) : []),
    ];
  };
  const history = slots.flatMap((slot) =>
    slot.map(({ index, node: _, ...info }) => ({ param: index, ...info })),
  );
  const settings = UPDATE_SETTINGS.map((setting) => solver[setting]);
  const request = (part: "step" | "update", roots: () => readonly Root[]): ProgramRequest => ({
    graph: once(() => ({ roots: roots() })),
    from: watch ? undefined : [part, objective, keep, keptDiffs, settings],
    options,
  });
  const stepOf = (more: () => readonly Root[]) => request("step", () => [...forward(), ...more()]);
  if (solver.iter_size <= 1)
    return { step: stepOf(() => updates(differentiated().gradients)), history, states };
  const sums = [...differentiated().gradients].map(([param, gradient]) => {
    return { param, gradient, accumulator: addState(params[param].shape).node };
  });
  const summed = new Map(sums.map(({ param, accumulator }) => [param, accumulator]));
  return {
    step: stepOf(() => appendAccumulation(builder, sums)),
    update: request("update", () => updates(summed)),
    history,
    states,
  };
}

/** The layers that steps of a plan compute, quoted, in the order of their nodes. */
export function layersOf({ steps }: Plan, indices: readonly number[]): string {
  const nodes = indices.flatMap((index) => [...steps[index].inlined, ...steps[index].stores]);
  const origins = nodes.sort((a, b) => a.id - b.id).map(({ origin }) => origin);
  return [...new Set(origins)]
    .filter((origin) => origin !== "")
    .map(quoted)
    .join(", ");
}

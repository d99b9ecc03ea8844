import { InternalError } from "../proto/errors/index.js";
import type { GraphBuilder } from "./ir/builder.js";
import type { Graph, Node } from "./ir/graph.js";
import { printGraph } from "./ir/print-graph.js";
import { type RealType, realBytes } from "./ir/real.js";
import type { TargetDescription } from "./ir/target-description.js";
import { verify as verifyGraph } from "./ir/verify.js";
import type { Argument, Program } from "./kernel/kernel.js";
import { printProgram } from "./kernel/print-kernel.js";
import { lowerPlan, placeOf } from "./lower/lower-plan.js";
import { PASSES } from "./passes/index.js";
import { PLAN_PHASES, type Plan, type PlanDraft, planOf } from "./plan/index.js";
import { verifyPlan } from "./plan/verify-plan.js";
import type { Rendered, Target } from "./targets/target.js";

/** By name of a target's pass: whether it runs. */
export type PassChoices = Readonly<Record<string, boolean>>;

/** What a graph is compiled with. */
export interface PipelineOptions {
  readonly target: Target;
  /** The target's, of the device that will run it. Default: the target's own choice. */
  readonly description?: TargetDescription;
  readonly dtype: RealType;
  /** Of the random bits: any safe integer. */
  readonly seed: number;
  /** Passes of targets by name: those that are `false` are left out. Default: all run. */
  readonly passes?: PassChoices;
  /** Keep what backward reads, so that it can run more than once after one forward. Default false. */
  readonly repeatBackward?: boolean;
}

/** A graph on its way to source: what the stages so far have made of it. Immutable. */
export interface Compilation {
  readonly builder: GraphBuilder;
  readonly options: PipelineOptions & { readonly description: TargetDescription };
  readonly graph: Graph;
  readonly draft?: PlanDraft;
  readonly plan?: Plan;
  readonly program?: Program;
  readonly rendered?: Rendered;
}

const STAGE_KINDS = ["graph", "plan", "kernels", "source"] as const;
export type StageKind = (typeof STAGE_KINDS)[number];

export interface Stage {
  readonly name: string;
  /** What the stage makes or changes. */
  readonly kind: StageKind;
  /** What it does, in a few words. */
  readonly about: string;
  readonly run: (compilation: Compilation) => Compilation;
  /** What it made of a compilation that has come so far, for people. */
  readonly print: (made: Compilation) => string;
}

/** All stages from graph to source for a target, in order, without those of its passes that are not wanted. */
export const stagesOf = (target: Target, wanted: PassChoices = {}): readonly Stage[] => [
  ...[...PASSES, ...target.passes.filter(({ name }) => wanted[name] !== false)].map(
    ({ name, about, run }): Stage => ({
      name,
      kind: "graph",
      about,
      run: (one) => ({ ...one, graph: run(one.graph, one.builder, one.options.description) }),
      print: ({ graph }) => printGraph(graph),
    }),
  ),
  ...PLAN_PHASES.map(
    ({ name, about, run, print }): Stage => ({
      name,
      kind: "plan",
      about,
      run: (one) => ({ ...one, draft: run(one.draft ?? startPlan(one)) }),
      print: (made) => print(made.draft ?? startPlan(made)),
    }),
  ),
  {
    name: "kernels",
    kind: "kernels",
    about: "each step as loop nests, and where every launch works",
    run(one) {
      const { options, draft } = one;
      const plan = planOf(draft ?? startPlan(one));
      const { lowerings, groupSteps } = target;
      const { dtype, description, seed } = options;
      const program = lowerPlan(plan, { dtype, description, lowerings, groupSteps, seed });
      return { ...one, plan, program };
    },
    print: (made) => printProgram(programOf(made)),
  },
  ...target.kernelPasses.map(
    ({ name, about, run }): Stage => ({
      name,
      kind: "kernels",
      about,
      run(one) {
        const program = programOf(one);
        const kernels = program.kernels.map((kernel) => run(kernel, one.options.description));
        return { ...one, program: { ...program, kernels } };
      },
      print: (made) => printProgram(programOf(made)),
    }),
  ),
  {
    name: "source",
    kind: "source",
    about: "kernels as text",
    run: (one) => {
      const { dtype, description } = one.options;
      return { ...one, rendered: target.render(programOf(one), dtype, description) };
    },
    print: (made) => renderedOf(made).text,
  },
];

const startPlan = ({ graph, options }: Compilation): PlanDraft => {
  const { dtype, repeatBackward } = options;
  return { graph, options: { realBytes: realBytes(dtype), repeatBackward } };
};

export interface RunOptions {
  /** The last kind of stage to run. Default "source". */
  readonly until?: StageKind;
  /** Called after each stage with what it made (the same compilation's parts where it changed nothing) and its time. */
  readonly trace?: (stage: Stage, made: Compilation, milliseconds: number) => void;
  /** Verifies the graph before the first stage and after each that changes it, and the plan. Default false. */
  readonly verify?: boolean;
}

/** A graph, and what it will be compiled with. `builder` is the one that made it. */
export const startCompilation = (
  graph: Graph,
  builder: GraphBuilder,
  options: PipelineOptions,
): Compilation => ({
  builder,
  graph,
  options: { ...options, description: options.description ?? options.target.describe() },
});

/**
 * Runs the stages: the one place where a graph becomes source. Pure: the same graph gives the same source.
 *
 * @throws InternalError when `verify` finds a fault
 */
export function runPipeline(start: Compilation, options: RunOptions = {}): Compilation {
  const { until = "source", trace, verify = false } = options;
  const last = STAGE_KINDS.indexOf(until);
  if (verify) verifyGraph(start.graph);
  let current = start;
  for (const stage of stagesOf(start.options.target, start.options.passes)) {
    if (STAGE_KINDS.indexOf(stage.kind) > last) break;
    const before = performance.now();
    const next = stage.run(current);
    trace?.(stage, next, performance.now() - before);
    if (verify && next.graph !== current.graph) verifyGraph(next.graph);
    if (verify && next.draft?.layout && !current.draft?.layout) verifyPlan(planOf(next.draft));
    current = next;
  }
  return current;
}

/** The plan of a compilation that has come as far as kernels. */
export function planIn({ plan }: Compilation): Plan {
  if (!plan) throw new InternalError("a compilation without a plan");
  return plan;
}

/** The kernels of a compilation that has come so far. */
export function programOf({ program }: Compilation): Program {
  if (!program) throw new InternalError("a compilation without kernels");
  return program;
}

/** The source of a compilation that has come so far. */
function renderedOf({ rendered }: Compilation): Rendered {
  if (!rendered) throw new InternalError("a compilation without source");
  return rendered;
}

/** Where a value lies once there are kernels, as an argument that an executor can read and write. */
export const locate = (compilation: Compilation, node: Node): Argument =>
  placeOf(planIn(compilation), node, realBytes(compilation.options.dtype));

/** One kernel of a program alone, as its target writes it, without what stands in front of all. */
export function renderKernel(made: Compilation, kernel: number): string {
  const { target, dtype, description } = made.options;
  const program = programOf(made);
  const one = { ...program, kernels: [program.kernels[kernel]] };
  const { text, units, preamble } = target.render(one, dtype, description);
  return preamble === undefined ? text : units[0].source;
}

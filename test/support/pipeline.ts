/** Parts of the pipeline alone, for tests that look at one of them. */
import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Graph } from "../../codegen/ir/graph.js";
import type { RealType } from "../../codegen/ir/real.js";
import type { TargetDescription } from "../../codegen/ir/target-description.js";
import type { Program } from "../../codegen/kernel/kernel.js";
import { lowerPlan } from "../../codegen/lower/lower-plan.js";
import type { Lowerings } from "../../codegen/lower/lowering.js";
import { type RunOptions, runPipeline, startCompilation } from "../../codegen/pipeline.js";
import type { Plan } from "../../codegen/plan/index.js";
import { type Target, tsTarget } from "../../codegen/targets/index.js";

/** A graph after the passes that every target has, verified between them. */
export const optimise = (
  graph: Graph,
  builder: GraphBuilder,
  options: Omit<RunOptions, "until"> = {},
): Graph =>
  runPipeline(startCompilation(graph, builder, { target: tsTarget, dtype: "float32", seed: 1 }), {
    verify: true,
    ...options,
    until: "graph",
  }).graph;

/** The kernels of a plan for a target. */
export function lowerFor(
  { lowerings, groupSteps, describe, kernelPasses }: Target,
  plan: Plan,
  options: {
    readonly dtype?: RealType;
    readonly seed?: number;
    readonly description?: TargetDescription;
    readonly group?: boolean;
    readonly instead?: Partial<Lowerings>;
  } = {},
): Program {
  const { dtype = "float32", seed = 1, description = describe(), group = true, instead } = options;
  const program = lowerPlan(plan, {
    dtype,
    seed,
    description,
    lowerings: { ...lowerings, ...instead },
    groupSteps: group ? groupSteps : undefined,
  });
  const kernels = program.kernels.map((kernel) =>
    kernelPasses.reduce((made, pass) => pass.run(made, description), kernel),
  );
  return { ...program, kernels };
}

/** A program as the `ts` target writes it. */
export const tsSource = (program: Program, dtype: RealType = "float32"): string =>
  tsTarget.render(program, dtype).text;

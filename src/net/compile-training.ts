import { type Graph, type Node, type Root, sizeOf } from "../../codegen/ir/graph.js";
import type { SolverParameter } from "../../proto/index.js";
import type { Blobs, Param } from "../../runtime/net-types.js";
import { appendAccumulation, appendUpdates, ruleOf, scalarInput } from "../solvers/index.js";
import type { TrainingNet } from "./compiled-net.js";
import type { BeforeUpdate } from "./debug-info.js";
import type { NetInternals } from "./internals.js";
import { checkFit, type Planned } from "./load-program.js";
import { paramOver } from "./net-params.js";
import { differentiateNet, forwardRoots, type Objective } from "./objective.js";
import type { Runner } from "./runner.js";
import { requireStaticShapes } from "./static-shapes.js";

/** What a net gains when a solver's rule is compiled into its backward pass. */
export type Training = Pick<TrainingNet, "step" | "history"> & {
  readonly runner: Runner;
};

/** How programs come to be. */
export interface ProgramMaker {
  plan(graph: Graph): Planned;
  load(planned: Planned): Promise<Runner>;
}

/**
 * Compiles a solver's update rule with a net's backward pass. With iter_size 1 an iteration is one program, whose
 * gradients fuse with their updates; with more, one program adds up gradients and a second applies them.
 * Whoever gives `load` closes what it made.
 */
export async function createTraining(
  internals: NetInternals,
  solver: SolverParameter,
  { plan, load }: ProgramMaker,
): Promise<Training> {
  const { lowered, params, session, hold, inspector } = internals;
  requireStaticShapes(lowered, "training");
  const { builder } = lowered;
  const { store } = params;
  const rule = ruleOf(solver);
  const own = lowered.params.flatMap((param, index) =>
    param.kind === "carried" ? [] : [{ ...param, index }],
  );

  /** One more parameter of each shape, beside the net's own; its memory comes when all is planned. */
  const states: number[] = [];
  const addState = (shape: readonly number[]): Node => {
    const index = store.memories.length + states.push(sizeOf(shape)) - 1;
    return builder.param(index, shape);
  };
  const slots = Array.from({ length: rule.slots }, () => own.map(({ shape }) => addState(shape)));
  const objective: Objective = {
    backward: true,
    seeds: [],
    watch: inspector !== undefined,
    keep: [...new Set([...internals.keep, ...lowered.losses.map(({ blob }) => blob)])],
  };
  const { gradients, watched } = differentiateNet(lowered, objective);
  const learnables = (gradientOf: (param: number) => Node | undefined) =>
    own.map((param, i) => ({
      node: param.node,
      gradient: gradientOf(param.index),
      lrMult: param.lrMult,
      decayMult: param.decayMult,
      history: slots.map((slot) => slot[i]),
    }));

  const forward = [
    ...forwardRoots(lowered, objective),
    ...watched,
    ...(inspector ? [...gradients].map(([param, node]): Root => ({ role: "gradient", param, node })) : []),
  ];
  const planned: Planned[] = [];
  if (solver.iter_size <= 1) {
    const updates = appendUpdates(
      builder,
      learnables((i) => gradients.get(i)),
      solver,
    );
    planned.push(plan({ roots: [...forward, ...updates] }));
  } else {
    const accumulators = new Map([...gradients.keys()].map((i) => [i, addState(lowered.params[i].shape)]));
    const pairs = [...gradients].map(([i, gradient]) => ({ gradient, accumulator: accumulators.get(i)! }));
    planned.push(plan({ roots: [...forward, ...appendAccumulation(builder, pairs)] }));
    const updates = appendUpdates(
      builder,
      learnables((i) => accumulators.get(i)),
      solver,
    );
    planned.push(plan({ roots: updates }));
  }
  const { device } = hold;
  checkFit(
    device,
    planned,
    states.reduce((sum, elements) => sum + elements, 0),
    store.dtype,
  );
  for (const elements of states) store.memories.push(device.allocate(elements));
  const runner = await load(planned[0]);
  const apply = planned[1] && (await load(planned[1]));

  const setScalars = async (target: Runner, scalars: Readonly<Record<string, number>>): Promise<void> => {
    for (const [name, value] of Object.entries(scalars)) await target.write(scalarInput(name), value);
  };
  const lossOf = async (): Promise<number> => {
    const values = await Promise.all(lowered.losses.map(({ blob }) => runner.read("value", blob)));
    let loss = 0;
    for (const [i, { weight }] of lowered.losses.entries()) {
      let sum = 0;
      for (const value of values[i]!) sum += value;
      loss += weight * sum;
    }
    return loss;
  };

  return {
    runner,
    step: (scalars, inputs, log) =>
      session.inTurn(async () => {
        const batches = Math.max(1, solver.iter_size);
        let loss = 0;
        let outputs: Blobs | undefined;
        let before: BeforeUpdate | undefined;
        for (let batch = 0; batch < batches; batch++) {
          await session.feed(runner, inputs);
          await setScalars(runner, { ...scalars, first: batch === 0 ? 1 : 0 });
          await runner.forward();
          await inspector?.forward(runner, log);
          // Everything is read here, so that nothing waits for the backward pass of a device that runs on its own.
          const [batchLoss, batchOutputs] = await Promise.all([
            lossOf(),
            batch === batches - 1 ? session.outputsOf(runner) : undefined,
            session.check(runner),
          ]);
          await session.save(runner);
          loss += batchLoss;
          outputs = batchOutputs;
          // With one program, the pass that computes gradients applies them too.
          if (log && !apply) before = await inspector?.info?.beforeUpdate();
          await runner.backward();
          await inspector?.backward(runner, log, before);
        }
        if (apply) {
          if (log) before = await inspector?.info?.beforeUpdate();
          await setScalars(apply, scalars);
          await apply.backward();
        }
        if (log && before) await inspector?.info?.update(before, log);
        return { loss: loss / batches, outputs: outputs! };
      }),
    history: slots.flatMap((slot) =>
      slot.map(
        (node, i): Param => paramOver(own[i], store.memories[(node as Extract<Node, { op: "param" }>).index]),
      ),
    ),
  };
}

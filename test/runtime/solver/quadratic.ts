import { createMessage, type SolverParameter } from "../../../proto/index.js";
import type { Param } from "../../../runtime/net-types.js";
import type { SnapshotFiles, SolverEvent } from "../../../runtime/solver/events.js";
import type { Solver, SolverParts, SolverPosition } from "../../../runtime/solver/solver.js";
import { createLoop } from "../../../runtime/solver/solver.js";
import type { CompiledNet, TrainingNet } from "../../../src/net/compiled-net.js";
import { ruleScalars } from "../../../src/solvers/index.js";

/** The bowl's centre. */
const CENTRE = [1, -2, 0.5];
const SHAPE = [CENTRE.length];

const paramOver = (values: Float32Array): Param => ({
  shape: SHAPE,
  lrMult: 1,
  decayMult: 1,
  read: async () => values.slice(),
  write: async (data) => values.set(data),
});

function netOver(values: Float32Array, training: boolean): CompiledNet {
  const loss = () => 0.5 * values.reduce((sum, w, i) => sum + (w - CENTRE[i]) ** 2, 0);
  const record = <T>(name: string, value: T): Record<string, T> => {
    const made: Record<string, T> = Object.create(null);
    made[name] = value;
    return made;
  };
  return {
    forward: async () => {
      const outputs = record("loss", Float32Array.of(loss()));
      if (!training) outputs["scores"] = Float32Array.from(values);
      return outputs;
    },
    backward: async () => ({ inputs: {}, params: {} }),
    read: async () => values,
    readDiff: async () => values,
    layers: [{ name: "data", type: "Data", bottoms: [], tops: ["data"], needsBackward: false, params: [] }],
    blobs: record("data", { shape: [8, 1] }),
    inputs: [],
    outputs: training ? ["loss"] : ["scores", "loss"],
    lossWeights: record("loss", 1),
    params: record("bowl", [paramOver(values)]),
    close: async () => {},
  } as unknown as CompiledNet;
}

/** A net in training without a compiler: half the squared distance of three weights from a centre, by SGD. */
export function quadratic(
  own: Partial<SolverParameter> = {},
  more: Partial<SolverParts<TrainingNet, CompiledNet>> = {},
) {
  const solver = createMessage("SolverParameter", {
    lr_policy: "fixed",
    base_lr: 0.1,
    momentum: 0.5,
    max_iter: 10,
    ...own,
  });
  const weights = Float32Array.of(5, 5, 5);
  const velocity = new Float32Array(3);
  const scalars: Readonly<Record<string, number>>[] = [];
  const saved = new Map<
    string,
    { position: SolverPosition; weights: Float32Array; velocity: Float32Array }
  >();
  const events: SolverEvent[] = [];
  let clock = 0;
  const plain = netOver(weights, true);
  const net: TrainingNet = {
    ...plain,
    history: [paramOver(velocity)],
    async step(given) {
      scalars.push(given);
      clock += 0.25;
      const outputs = await plain.forward();
      for (const [i, w] of weights.entries()) {
        velocity[i] = given["rate"] * (w - CENTRE[i]) + solver.momentum * velocity[i];
        weights[i] -= velocity[i];
      }
      return { loss: outputs["loss"][0], outputs };
    },
  };
  const save = async (position: SolverPosition): Promise<SnapshotFiles> => {
    const state = `bowl_iter_${position.iteration}.solverstate`;
    saved.set(state, { position, weights: weights.slice(), velocity: velocity.slice() });
    return { iteration: position.iteration, model: `bowl_iter_${position.iteration}.caffemodel`, state };
  };
  const load = async (file: unknown): Promise<SolverPosition> => {
    const found = saved.get(String(file));
    if (!found) throw new Error(`no ${file}`);
    weights.set(found.weights);
    velocity.set(found.velocity);
    return found.position;
  };
  const loop: Solver<TrainingNet, CompiledNet> = createLoop({
    solver,
    net,
    netName: "Bowl",
    ruleScalars: (iteration) => ruleScalars(solver, iteration),
    testNets: solver.test_iter.map(() => netOver(weights, false)),
    save,
    load,
    onEvent: (event) => events.push(event),
    now: () => clock,
    ...more,
  });
  return { loop, solver, net, weights, velocity, scalars, saved, events };
}

import type { Blobs, RunningNet } from "../net-types.js";
import type { BatchRequest, SolverParts, SolverPosition } from "./parts.js";
import { learningRate } from "./policy.js";
import { createSmoother, createThroughput } from "./smoothing.js";
import type { Snapshots } from "./snapshots.js";
import { outputValues } from "./testing.js";

/** Where a run stands: the loop moves it on, and whoever holds the solver may stop it. */
export interface RunState {
  position: SolverPosition;
  stopped: boolean;
}

/** What the iterations need beside the parts. */
export interface Surroundings {
  readonly state: RunState;
  readonly snapshots: Snapshots;
  readonly testAll: () => Promise<void>;
}

/** The batch for a request; undefined where data layers feed the net. */
export async function batchOf({ inputs }: SolverParts, request: BatchRequest): Promise<Blobs | undefined> {
  return typeof inputs === "function" ? inputs(request) : inputs;
}

/** Every `interval` iterations; an interval of 0 is never. */
export const isDue = ({ iteration }: SolverPosition, interval: number): boolean =>
  interval > 0 && iteration % interval === 0;

/** Updates up to an iteration or a stop. The smoother is for one more loss. */
export type Iterate = (last: number) => Promise<{ smooth: (loss: number) => number; loss?: number }>;

/** Caffe's iterations: tests, an update, what is displayed, a snapshot. */
export function createIterations(parts: SolverParts, { state, snapshots, testAll }: Surroundings): Iterate {
  const { solver, net, onEvent = () => {}, now = () => performance.now() / 1000 } = parts;
  const images = batchSize(net) * solver.iter_size;
  const throughput = createThroughput();
  const due = (interval: number): boolean => isDue(state.position, interval);
  let shownAt = { seconds: 0, iteration: 0 };
  let allFinite = true;

  function warnOnce(loss: number): void {
    if (Number.isFinite(loss) || !allFinite) return;
    allFinite = false;
    onEvent({
      kind: "warning",
      iteration: state.position.iteration,
      message: `the loss is ${loss}: training has diverged; a smaller base_lr or clip_gradients may help`,
    });
  }

  /** One step of the net at a rate. */
  async function update(rate: number): Promise<{ loss: number; outputs: Blobs; imagesPerSecond: number }> {
    const { iteration } = state.position;
    const scalars = { ...parts.ruleScalars(iteration), rate };
    const inputs = await batchOf(parts, { phase: "TRAIN", net: 0, batch: iteration });
    const before = now();
    // As in Caffe: debug_info is of the iterations that are displayed.
    const lines: string[] = [];
    const log = parts.debugInfo && due(solver.display) ? (line: string) => void lines.push(line) : undefined;
    const { loss, outputs } = await net.step(scalars, inputs, log);
    if (lines.length > 0) onEvent({ kind: "debug", iteration, lines });
    const imagesPerSecond = throughput(images, now() - before);
    warnOnce(loss);
    return { loss, outputs, imagesPerSecond };
  }

  function display(loss: number, rate: number, outputs: Blobs): void {
    const { iteration } = state.position;
    const seconds = now() - shownAt.seconds;
    onEvent({
      kind: "display",
      iteration,
      loss,
      rate,
      iterationsPerSecond: (iteration - shownAt.iteration) / (seconds || 1),
      seconds,
      every: solver.display,
      outputs: outputValues(net, outputs),
    });
    shownAt = { seconds: now(), iteration };
  }

  return async (last) => {
    const smooth = createSmoother(solver.average_loss);
    let smoothed: number | undefined;
    shownAt = { seconds: now(), iteration: state.position.iteration };
    while (state.position.iteration < last) {
      const { iteration } = state.position;
      if (due(solver.test_interval) && (iteration > 0 || solver.test_initialization)) {
        await testAll();
        if (state.stopped) break;
      }
      const { rate, currentStep } = learningRate(solver, iteration, state.position.currentStep);
      const { loss, outputs, imagesPerSecond } = await update(rate);
      smoothed = smooth(loss);
      if (due(solver.display)) display(smoothed, rate, outputs);
      if (solver.lr_policy === "multistep" && currentStep !== state.position.currentStep)
        onEvent({ kind: "rateStep", iteration, step: currentStep });
      state.position = { iteration: iteration + 1, currentStep };
      onEvent({
        kind: "progress",
        iteration,
        maxIteration: solver.max_iter,
        loss,
        smoothedLoss: smoothed,
        rate,
        imagesPerSecond,
      });
      if (due(solver.snapshot) || snapshots.asked) await snapshots.write(state.position);
      if (state.stopped) break;
    }
    return { smooth, loss: smoothed };
  };
}

/** Images in a batch: the first extent of the first blob that nothing feeds. */
function batchSize(net: RunningNet): number {
  const source = net.layers.find(({ bottoms, tops }) => bottoms.length === 0 && tops.length > 0);
  const blob = source?.tops[0] ?? net.inputs[0];
  return (blob === undefined ? undefined : net.blobs[blob]?.shape[0]) ?? 1;
}

import { argumentsOf, integer, optional } from "../../proto/arguments/argument-rules.js";
import { userError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import type { RunningNet, Trainable } from "../net-types.js";
import type { SnapshotContent, SnapshotFiles, TestResult } from "./events.js";
import { batchOf, createIterations, isDue, type RunState } from "./iterations.js";
import type { SolverParts } from "./parts.js";
import { snapshotSource } from "./snapshot-source.js";
import { createSnapshots } from "./snapshots.js";
import { outputValues, runTest, weightedLoss } from "./testing.js";

export type { BatchRequest, BatchSource, SolverParts, SolverPosition } from "./parts.js";

/** How a run ended. */
export interface SolverOutcome {
  /** Updates made since the beginning of training. */
  readonly iteration: number;
  /** Ended by `stop`. */
  readonly stopped: boolean;
  /** The smoothed loss of the last update; undefined when there was none. */
  readonly loss: number | undefined;
  /** The last result of each test net; a net that was not tested is missing. */
  readonly tests: readonly TestResult[];
  /** The snapshot written last. */
  readonly snapshot: SnapshotFiles | undefined;
}

/** A net in training. Its functions are closures: they can be taken apart from it. One runs at a time. */
export interface Solver<
  Train extends RunningNet & Trainable = RunningNet & Trainable,
  Test extends RunningNet = RunningNet,
> {
  readonly net: Train;
  readonly testNets: readonly Test[];
  readonly parameters: SolverParameter;
  /** Updates made. */
  readonly iteration: number;
  /** Trains up to max_iter, with the tests, displays and snapshots that the solver asks for. */
  solve(): Promise<SolverOutcome>;
  /** Makes `count` updates, with tests, displays and snapshots where they are due on the way. */
  step(count: number): Promise<SolverOutcome>;
  /** Tests all test nets, or one. */
  test(net?: number): Promise<readonly TestResult[]>;
  /** Writes a snapshot; while a run is on, after its current iteration. */
  snapshot(): Promise<SnapshotFiles>;
  /** Goes on from a `.solverstate`, or from the `content` of a snapshot made in a browser. */
  restore(from: string | URL | SnapshotContent): Promise<void>;
  /** Ends a run after its current iteration; `solve` then writes its last snapshot. */
  stop(): void;
  /** Closes all nets. */
  close(): Promise<void>;
}

const STEP = argumentsOf("step", { count: integer(0) });
const TEST = argumentsOf("test", { net: optional(integer(0)) });
const RESTORE = argumentsOf("restore", { from: snapshotSource });

/** Caffe's training loop around compiled nets. */
export function createLoop<Train extends RunningNet & Trainable, Test extends RunningNet>(
  parts: SolverParts<Train, Test>,
): Solver<Train, Test> {
  const { solver, net, testNets, onEvent = () => {} } = parts;
  const tests: (TestResult | undefined)[] = testNets.map(() => undefined);
  const state: RunState = { position: { iteration: 0, currentStep: 0 }, stopped: false };
  const snapshots = createSnapshots(parts);
  const iterate = createIterations(parts, { state, snapshots, testAll });
  const due = (interval: number): boolean => isDue(state.position, interval);
  let running = false;

  async function exclusively<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (running)
      throw userError(`the solver is running already: ${what} cannot start`, "await the call before it");
    running = true;
    state.stopped = false;
    try {
      return await run();
    } finally {
      running = false;
      snapshots.end();
    }
  }

  /** False when a stop interrupted it. */
  async function testOne(index: number): Promise<boolean> {
    const { iteration } = state.position;
    onEvent({ kind: "testing", iteration, net: index });
    const found = await runTest(
      testNets[index],
      solver.test_iter[index],
      async () => {
        // As in Caffe: one that is asked for need not wait for the end of a long test.
        if (snapshots.asked) await snapshots.write(state.position);
        return state.stopped;
      },
      (batch) => batchOf(parts, { phase: "TEST", net: index, batch }),
    );
    if (!found) {
      onEvent({ kind: "testInterrupted", iteration, net: index });
      return false;
    }
    const result: TestResult = { iteration, net: index, ...found };
    tests[index] = result;
    onEvent({ kind: "test", showLoss: solver.test_compute_loss, ...result });
    return true;
  }

  async function testAll(): Promise<void> {
    for (const index of testNets.keys()) if (!(await testOne(index))) return;
  }

  const outcome = (loss: number | undefined): SolverOutcome => ({
    iteration: state.position.iteration,
    stopped: state.stopped,
    loss,
    tests: tests.filter((result) => result !== undefined),
    snapshot: snapshots.last,
  });

  async function solve(): Promise<SolverOutcome> {
    if (solver.snapshot_after_train) await parts.checkWritable?.();
    onEvent({
      kind: "start",
      net: parts.netName,
      policy: solver.lr_policy,
      iteration: state.position.iteration,
      maxIteration: solver.max_iter,
    });
    const { smooth, loss } = await iterate(solver.max_iter);
    const { iteration } = state.position;
    const written = snapshots.last?.iteration === iteration;
    if (solver.snapshot_after_train && !written && !due(solver.snapshot))
      await snapshots.write(state.position);
    if (!state.stopped) {
      // One more forward pass, for the loss of the weights that the last update left.
      if (due(solver.display)) {
        const inputs = await batchOf(parts, { phase: "TRAIN", net: 0, batch: iteration });
        const final = weightedLoss(outputValues(net, await net.forward(inputs)));
        onEvent({ kind: "finalLoss", iteration, loss: smooth(final) });
      }
      if (due(solver.test_interval)) await testAll();
    }
    onEvent({ kind: "done", iteration, stopped: state.stopped });
    return outcome(loss);
  }

  return {
    net,
    testNets,
    parameters: solver,
    get iteration() {
      return state.position.iteration;
    },
    solve: () => exclusively("solve", solve),
    async step(given) {
      const { count } = STEP(given);
      return exclusively("step", async () => outcome((await iterate(state.position.iteration + count)).loss));
    },
    async test(given) {
      const { net: index } = TEST(given);
      if (index !== undefined && !testNets[index])
        throw userError(`there is no test net #${index}: there are ${testNets.length}`);
      return exclusively("test", async () => {
        if (index === undefined) await testAll();
        else await testOne(index);
        return tests.filter(
          (result) => result !== undefined && (index === undefined || result.net === index),
        ) as readonly TestResult[];
      });
    },
    snapshot: () =>
      running ? snapshots.ask() : exclusively("snapshot", () => snapshots.write(state.position)),
    async restore(given) {
      const { from } = RESTORE(given);
      return exclusively("restore", async () => {
        state.position = await parts.load(from);
        const file = typeof from === "string" ? from : undefined;
        onEvent({ kind: "restore", file, iteration: state.position.iteration });
      });
    },
    stop() {
      state.stopped = true;
    },
    async close() {
      await Promise.all([...testNets, net].map((each) => each.close()));
    },
  };
}

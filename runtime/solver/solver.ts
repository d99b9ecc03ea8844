import { userError } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import type { Blobs, RunningNet, Trainable } from "../net-types.js";
import type { SnapshotFiles, SolverEvent, TestResult } from "./events.js";
import { learningRate } from "./policy.js";
import { createSmoother, createThroughput } from "./smoothing.js";
import { outputValues, runTest, weightedLoss } from "./testing.js";

/** Where a solver stands between two updates: what a snapshot holds beside weights and history. */
export interface SolverPosition {
  readonly iteration: number;
  readonly currentStep: number;
}

/** A batch that a net without data layers asks for. */
export interface BatchRequest {
  readonly phase: "TRAIN" | "TEST";
  /** Which test net; 0 in training. */
  readonly net: number;
  /** The iteration, or the number of the batch in a test; both from 0. */
  readonly batch: number;
}

/** Input blobs by name: the same for every batch, or as asked for. With iter_size > 1 a batch serves each time. */
export type BatchSource = Blobs | ((request: BatchRequest) => Blobs | Promise<Blobs>);

/** What the loop is made of. All of it is checked. */
export interface SolverParts<Train extends RunningNet & Trainable, Test extends RunningNet> {
  readonly solver: SolverParameter;
  readonly net: Train;
  /** For messages. */
  readonly netName: string;
  /** One for each test_iter. */
  readonly testNets: readonly Test[];
  /** What the update rule is fed at an iteration (from 0) beside the rate, by name. */
  readonly ruleScalars: (iteration: number) => Readonly<Record<string, number>>;
  /** Writes weights, history and position. */
  readonly save: (position: SolverPosition) => Promise<SnapshotFiles>;
  /** Reads weights and history of a `.solverstate` into the net, and gives its position. */
  readonly load: (file: string) => Promise<SolverPosition>;
  /** Throws a CortadoError where snapshots cannot be written. */
  readonly checkWritable?: () => Promise<void>;
  /** For nets that are not fed by data layers. */
  readonly inputs?: BatchSource;
  /** Whether the train net tells its debug_info. */
  readonly debugInfo?: boolean;
  readonly onEvent?: (event: SolverEvent) => void;
  /** Seconds from any start. */
  readonly now?: () => number;
}

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
  /** Goes on from a `.solverstate`. */
  restore(file: string): Promise<void>;
  /** Ends a run after its current iteration; `solve` then writes its last snapshot. */
  stop(): void;
  /** Closes all nets. */
  close(): Promise<void>;
}

/** A snapshot that was asked for while a run is on. */
interface Request {
  readonly resolve: (files: SnapshotFiles) => void;
  readonly reject: (reason: unknown) => void;
}

/** Caffe's training loop around compiled nets. */
export function createLoop<Train extends RunningNet & Trainable, Test extends RunningNet>(
  parts: SolverParts<Train, Test>,
): Solver<Train, Test> {
  const { solver, net, testNets, onEvent = () => {}, now = () => performance.now() / 1000 } = parts;
  const batchOf = async (request: BatchRequest): Promise<Blobs | undefined> =>
    typeof parts.inputs === "function" ? parts.inputs(request) : parts.inputs;
  const images = batchSize(net) * solver.iter_size;
  const throughput = createThroughput();
  const tests: (TestResult | undefined)[] = testNets.map(() => undefined);
  let position: SolverPosition = { iteration: 0, currentStep: 0 };
  let running = false;
  let stopped = false;
  let allFinite = true;
  let lastSnapshot: SnapshotFiles | undefined;
  let requests: readonly Request[] = [];

  /** Every `interval` iterations; an interval of 0 is never. */
  const due = (interval: number): boolean => interval > 0 && position.iteration % interval === 0;

  async function exclusively<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (running)
      throw userError(`the solver is running already: ${what} cannot start`, "await the call before it");
    running = true;
    stopped = false;
    try {
      return await run();
    } finally {
      running = false;
      const waiting = requests;
      requests = [];
      for (const { reject } of waiting) reject(userError("the run ended before its snapshot was written"));
    }
  }

  async function writeSnapshot(): Promise<SnapshotFiles> {
    const waiting = requests;
    requests = [];
    try {
      lastSnapshot = await parts.save(position);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      throw error;
    }
    onEvent({ kind: "snapshot", ...lastSnapshot });
    for (const { resolve } of waiting) resolve(lastSnapshot);
    return lastSnapshot;
  }

  /** False when a stop interrupted it. */
  async function testOne(index: number): Promise<boolean> {
    const { iteration } = position;
    onEvent({ kind: "testing", iteration, net: index });
    const result = await runTest(
      testNets[index],
      solver.test_iter[index],
      () => stopped,
      (batch) => batchOf({ phase: "TEST", net: index, batch }),
    );
    if (!result) {
      onEvent({ kind: "testInterrupted", iteration, net: index });
      return false;
    }
    const told: TestResult = { iteration, net: index, ...result };
    tests[index] = told;
    onEvent({ kind: "test", showLoss: solver.test_compute_loss, ...told });
    return true;
  }

  async function testAll(): Promise<void> {
    for (const index of testNets.keys()) if (!(await testOne(index))) return;
  }

  function warnOnce(loss: number): void {
    if (Number.isFinite(loss) || !allFinite) return;
    allFinite = false;
    onEvent({
      kind: "warning",
      iteration: position.iteration,
      message: `the loss is ${loss}: training has diverged; a smaller base_lr or clip_gradients may help`,
    });
  }

  /** Updates until `last`, or until a stop. Returns the smoother, for one more loss. */
  async function iterate(last: number): Promise<{ smooth: (loss: number) => number; loss?: number }> {
    const smooth = createSmoother(solver.average_loss);
    let smoothed: number | undefined;
    let shownAt = { seconds: now(), iteration: position.iteration };
    while (position.iteration < last) {
      const { iteration } = position;
      if (due(solver.test_interval) && (iteration > 0 || solver.test_initialization)) {
        await testAll();
        if (stopped) break;
      }
      const { rate, currentStep } = learningRate(solver, iteration, position.currentStep);
      const scalars = { ...parts.ruleScalars(iteration), rate };
      const inputs = await batchOf({ phase: "TRAIN", net: 0, batch: iteration });
      const before = now();
      // As in Caffe: debug_info is told of the iterations that are displayed.
      const lines: string[] = [];
      const log =
        parts.debugInfo && due(solver.display) ? (line: string) => void lines.push(line) : undefined;
      const { loss, outputs } = await net.step(scalars, inputs, log);
      if (lines.length > 0) onEvent({ kind: "debug", iteration, lines });
      const imagesPerSecond = throughput(images, now() - before);
      warnOnce(loss);
      smoothed = smooth(loss);
      if (due(solver.display)) {
        const seconds = now() - shownAt.seconds;
        onEvent({
          kind: "display",
          iteration,
          loss: smoothed,
          rate,
          iterationsPerSecond: (iteration - shownAt.iteration) / (seconds || 1),
          seconds,
          every: solver.display,
          outputs: outputValues(net, outputs),
        });
        shownAt = { seconds: now(), iteration };
      }
      if (solver.lr_policy === "multistep" && currentStep !== position.currentStep)
        onEvent({ kind: "rateStep", iteration, step: currentStep });
      position = { iteration: iteration + 1, currentStep };
      onEvent({
        kind: "progress",
        iteration,
        maxIteration: solver.max_iter,
        loss,
        smoothedLoss: smoothed,
        rate,
        imagesPerSecond,
      });
      if (due(solver.snapshot) || requests.length > 0) await writeSnapshot();
      if (stopped) break;
    }
    return { smooth, loss: smoothed };
  }

  const outcome = (loss: number | undefined): SolverOutcome => ({
    iteration: position.iteration,
    stopped,
    loss,
    tests: tests.filter((result) => result !== undefined),
    snapshot: lastSnapshot,
  });

  async function solve(): Promise<SolverOutcome> {
    if (solver.snapshot_after_train) await parts.checkWritable?.();
    const { iteration } = position;
    onEvent({
      kind: "start",
      net: parts.netName,
      policy: solver.lr_policy,
      iteration,
      maxIteration: solver.max_iter,
    });
    const { smooth, loss } = await iterate(solver.max_iter);
    const written = lastSnapshot?.iteration === position.iteration;
    if (solver.snapshot_after_train && !written && !due(solver.snapshot)) await writeSnapshot();
    if (!stopped) {
      // One more forward pass, for the loss of the weights that the last update left.
      if (due(solver.display)) {
        const inputs = await batchOf({ phase: "TRAIN", net: 0, batch: position.iteration });
        const final = weightedLoss(outputValues(net, await net.forward(inputs)));
        onEvent({ kind: "finalLoss", iteration: position.iteration, loss: smooth(final) });
      }
      if (due(solver.test_interval)) await testAll();
    }
    onEvent({ kind: "done", iteration: position.iteration, stopped });
    return outcome(loss);
  }

  return {
    net,
    testNets,
    parameters: solver,
    get iteration() {
      return position.iteration;
    },
    solve: () => exclusively("solve", solve),
    step: (count) => {
      if (!Number.isSafeInteger(count) || count < 0)
        return Promise.reject(userError(`a solver makes a whole number of steps, not ${count}`));
      return exclusively("step", async () => outcome((await iterate(position.iteration + count)).loss));
    },
    test: (index) => {
      if (index !== undefined && !testNets[index])
        return Promise.reject(userError(`there is no test net #${index}: there are ${testNets.length}`));
      return exclusively("test", async () => {
        if (index === undefined) await testAll();
        else await testOne(index);
        return tests.filter(
          (result) => result !== undefined && (index === undefined || result.net === index),
        ) as readonly TestResult[];
      });
    },
    snapshot: () =>
      running
        ? new Promise((resolve, reject) => {
            requests = [...requests, { resolve, reject }];
          })
        : exclusively("snapshot", writeSnapshot),
    restore: (file) =>
      exclusively("restore", async () => {
        position = await parts.load(file);
        onEvent({ kind: "restore", file, iteration: position.iteration });
      }),
    stop() {
      stopped = true;
    },
    async close() {
      await Promise.all([...testNets, net].map((each) => each.close()));
    },
  };
}

/** Images in a batch: the first extent of the first blob that nothing feeds. */
function batchSize(net: RunningNet): number {
  const source = net.layers.find(({ bottoms, tops }) => bottoms.length === 0 && tops.length > 0);
  const blob = source?.tops[0] ?? net.inputs[0];
  return (blob === undefined ? undefined : net.blobs[blob]?.shape[0]) ?? 1;
}

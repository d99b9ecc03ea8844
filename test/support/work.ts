import { Session } from "node:inspector";

interface Coverage {
  readonly result: readonly {
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

/** Starts counting; what it returns ends it and tells. */
function startCounting(): () => number {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  session.post("Profiler.takePreciseCoverage");
  return () => {
    let coverage: Coverage | undefined;
    // In the same thread the answer comes before `post` returns.
    session.post("Profiler.takePreciseCoverage", (_, answer) => {
      coverage = answer;
    });
    session.post("Profiler.stopPreciseCoverage");
    session.disconnect();
    if (!coverage) throw new Error("the inspector did not answer at once");
    let calls = 0;
    for (const { functions } of coverage.result) for (const { ranges } of functions) calls += ranges[0].count;
    return calls;
  };
}

/**
 * The calls of functions that `run` makes, in this thread: a measure of its work that is the same on any machine, however
 * busy. It sees no work inside of the language's own functions (a search in a long array), and V8 does not optimise
 * while it counts: sizes are best small.
 */
export function callsIn(run: () => unknown): number {
  const stop = startCounting();
  let calls = 0;
  try {
    run();
  } finally {
    calls = stop();
  }
  return calls;
}

/** The same of what ends later; what else happens until then counts too. */
export async function callsDuring(run: () => unknown): Promise<number> {
  const stop = startCounting();
  let calls = 0;
  try {
    await run();
  } finally {
    calls = stop();
  }
  return calls;
}

/**
 * How work grows from `size` to four times that: as a power of the size, 1 where it is linear. What is made for each size
 * is made by `prepare`, uncounted.
 */
export function growth(size: number, prepare: (size: number) => () => unknown): number {
  // What is computed once for all sizes is not theirs.
  prepare(size)();
  const [few, many] = [size, 4 * size].map((n) => callsIn(prepare(n)));
  return Math.log(many / few) / Math.log(4);
}

/** The same of what ends later. */
export async function growthDuring(size: number, prepare: (size: number) => () => unknown): Promise<number> {
  await prepare(size)();
  const few = await callsDuring(prepare(size));
  const many = await callsDuring(prepare(4 * size));
  return Math.log(many / few) / Math.log(4);
}

/** Which of many runs takes longest: the clock picks it, and how many calls it makes is the same every time. */
export function createSlowest(): {
  readonly run: (work: () => void) => void;
  readonly runLater: (work: () => unknown) => Promise<void>;
  /** Runs it once more. */
  readonly calls: () => number;
  readonly callsLater: () => Promise<number>;
} {
  let longest = 0;
  let slowest: () => unknown = () => undefined;
  const note = (start: number, work: () => unknown): void => {
    const took = performance.now() - start;
    if (took > longest) [longest, slowest] = [took, work];
  };
  return {
    run(work) {
      const start = performance.now();
      work();
      note(start, work);
    },
    async runLater(work) {
      const start = performance.now();
      await work();
      note(start, work);
    },
    calls: () => callsIn(slowest),
    callsLater: () => callsDuring(slowest),
  };
}

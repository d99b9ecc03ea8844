import type { WorkerCode, WorkerJob, WorkerLaunch, WorkerMessage } from "./worker-job.js";

/** What a kernel thread has of the worker that it is. */
export interface WorkerHost {
  readonly job: WorkerJob;
  /** Runs a function body. */
  evaluate(source: string, filename: string): unknown;
  post(message: WorkerMessage): void;
}

/**
 * What one kernel thread runs. Self-contained on purpose: its source text is handed to a worker, so it may not
 * refer to anything outside itself but its parameter.
 *
 * All threads walk the same launch list with a barrier between launches. A launch's range is handed out
 * in pieces to whoever is free, so that a thread that the machine holds up holds up the others little; the pieces
 * write disjoint elements, so the bits of the result do not depend on who did what.
 */
export function workerMain({ job, evaluate, post }: WorkerHost): void {
  const GENERATION = 0;
  const PASS = 1;
  const ARRIVED = 2;
  const TURN = 3;
  const FAILED = 4;
  const { code, passes, control, handedOut, times, thread, threads } = job;
  type Kernel = (...args: unknown[]) => void;
  const functionsOf = ({ module, imports, names }: Extract<WorkerCode, { module: unknown }>): Kernel[] => {
    // The library that types know has nothing of it.
    const { Instance } = (globalThis as unknown as { WebAssembly: Record<"Instance", never> }).WebAssembly;
    const { exports } = new (Instance as new (...of: unknown[]) => { exports: Record<string, Kernel> })(
      module,
      imports,
    );
    return names.map((name) => exports[name]);
  };
  const kernels = "source" in code ? (evaluate(code.source, code.filename) as Kernel[]) : functionsOf(code);

  const barrier = (): void => {
    const turn = Atomics.load(control, TURN);
    if (Atomics.add(control, ARRIVED, 1) === threads - 1) {
      Atomics.store(control, ARRIVED, 0);
      Atomics.add(control, TURN, 1);
      Atomics.notify(control, TURN);
      return;
    }
    // The others are usually a few microseconds away: look a while before sleeping.
    for (let i = 0; i < 20000; i++) if (Atomics.load(control, TURN) !== turn) return;
    while (Atomics.load(control, TURN) === turn) Atomics.wait(control, TURN, turn);
  };

  /** The kernel that runs, for whoever looks for a fault. */
  let doing = -1;
  const runPass = (launches: readonly WorkerLaunch[]): void => {
    let behindBarrier = true;
    for (let i = 0; i < launches.length; i++) {
      const { kernel, from, to, alone, given } = launches[i];
      if (alone) {
        behindBarrier = false;
        if (thread !== 0) continue;
      } else if (!behindBarrier) {
        barrier();
        behindBarrier = true;
      }
      const start = performance.now();
      doing = kernel;
      if (alone) kernels[kernel](...given, from, to);
      else {
        const piece = Math.max(1, Math.floor((to - from) / (4 * threads)));
        const take = (): number => from + Atomics.add(handedOut, i, piece);
        for (let lo = take(); lo < to; lo = take()) kernels[kernel](...given, lo, Math.min(lo + piece, to));
        barrier();
      }
      if (thread === 0) times[i] = performance.now() - start;
    }
    barrier();
  };

  let generation = 0;
  post("ready");
  for (;;) {
    // A thread that ran a pass nobody asked for would be one pass away from the others for ever.
    while (Atomics.load(control, GENERATION) === generation) Atomics.wait(control, GENERATION, generation);
    generation = Atomics.load(control, GENERATION);
    try {
      runPass(passes[Atomics.load(control, PASS)]);
    } catch (error) {
      // A kernel cannot throw by construction; if one does, say so rather than leave the others waiting.
      Atomics.store(control, FAILED, 1);
      post({ error: `${error} (kernel ${doing}, thread ${thread} of ${threads})` });
      return;
    }
    if (thread === 0) post("done");
  }
}

import { cpus } from "node:os";

/** One measured quantity: milliseconds of each repetition, after warming up. */
export interface Measurement {
  readonly name: string;
  readonly samples: readonly number[];
}

export const median = (samples: readonly number[]): number => {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/**
 * Times several competitors in interleaved rounds, so that a noisy machine disturbs all of them alike.
 * Each is warmed up first; a round runs each once.
 */
export async function interleave(
  competitors: readonly { readonly name: string; run(): Promise<void> | void }[],
  options: { readonly warmup: number; readonly rounds: number },
): Promise<readonly Measurement[]> {
  for (const { run } of competitors) for (let i = 0; i < options.warmup; i++) await run();
  const samples = competitors.map((): number[] => []);
  for (let round = 0; round < options.rounds; round++) {
    for (const [i, { run }] of competitors.entries()) {
      const start = performance.now();
      await run();
      samples[i].push(performance.now() - start);
    }
  }
  return competitors.map(({ name }, i) => ({ name, samples: samples[i] }));
}

/** `name  median (min … max) ms`, one line each. */
export function formatMeasurements(measurements: readonly Measurement[]): string {
  const width = Math.max(...measurements.map(({ name }) => name.length));
  return measurements
    .map(
      ({ name, samples }) =>
        `${name.padEnd(width)}  ${median(samples).toFixed(1).padStart(8)} ms  (${Math.min(...samples).toFixed(1)} … ${Math.max(...samples).toFixed(1)}, n = ${samples.length})`,
    )
    .join("\n");
}

/** The machine and the date, for the head of a result file. */
export const machine = (): string =>
  `${new Date().toISOString().slice(0, 10)}; ${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores; Node ${process.version}`;

/** Numbers in [−1, 1) from a small hash of their position: the same input for every competitor. */
export function testValues(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let x = (i + seed * 0x9e3779b9) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 8) * 2 ** -23 - 1;
  });
}
